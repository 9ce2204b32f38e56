/* A home folder and an environment of its own for each test of credentials. */
#ifndef TESTS_CREDENTIALS_FIXTURE_H
#define TESTS_CREDENTIALS_FIXTURE_H

/* Setup and teardown of a test: HOME is a new folder, the working folder too; no variable of AWS is set but
 * AWS_EC2_METADATA_DISABLED. */
int enter_home(void **state);
int leave_home(void **state);

/* Takes all variables of AWS away again, but AWS_EC2_METADATA_DISABLED. */
void clear_environment(void);

void put_config(const char *text);      /* ~/.aws/config */
void put_credentials(const char *text); /* ~/.aws/credentials */
void put_file(const char *path, const char *text);

#endif
