/* The shared files of AWS: who a profile is, and what it prefers. */
#ifndef STORE_PROFILE_FILES_H
#define STORE_PROFILE_FILES_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { PROFILE_PATH_SIZE = 4096, PROFILE_VALUE_SIZE = 4096 };

struct profile_files {
    struct buffer config, credentials; /* their text */
    char config_path[PROFILE_PATH_SIZE], credentials_path[PROFILE_PATH_SIZE];
};

/* Reads AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/config and ~/.aws/credentials; a file that is missing, is a
 * device (/dev/null), or lies in a folder that is closed to us, is an empty one. POMONA_E_INPUT: it can't be read; POMONA_E_LIMIT: more than 1 MB; POMONA_E_MEMORY. After a
 * failure there is nothing to free. */
pomona_status profile_files_read(struct profile_files **files, struct pomona_error *error);
void profile_files_free(struct profile_files **files);

/* Whether either file has the profile: "[name]" in the credentials file, "[profile name]" in the config file, "[default]" in both. */
bool profile_files_have(const struct profile_files *files, const char *profile);

/* A value of a profile into out ("" when it has none), from the credentials file where that has it, else from the config file. A
 * comment may stand behind it, unless it is a command. POMONA_E_INPUT: longer than capacity - 1. */
pomona_status profile_files_get(const struct profile_files *files, const char *profile, const char *key,
                                char *out, size_t capacity, struct pomona_error *error);

/* The endpoint of a service ("s3") by the profile's `services` section; "" when it has none. */
pomona_status profile_files_endpoint(const struct profile_files *files, const char *profile,
                                     const char *service, char *out, size_t capacity,
                                     struct pomona_error *error);

/* The name of the profile: `option`, AWS_PROFILE, AWS_DEFAULT_PROFILE or "default". *named: somebody named it. */
const char *profile_pick(const char *option, bool *named);

/* An environment variable; one that is empty counts as missing: NULL. */
const char *environment(const char *name);

#endif
