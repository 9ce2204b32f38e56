/* Who we are for AWS: found where the AWS CLI finds it, renewed before it expires, never printed.
 *
 * In this order: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; the profile (AWS_PROFILE or the option, else
 * "default") of the shared files (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/config and ~/.aws/credentials),
 * with keys, or role_arn and source_profile or credential_source or web_identity_token_file, or credential_process;
 * AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE (STS AssumeRoleWithWebIdentity); the container's endpoint
 * (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, with AWS_CONTAINER_AUTHORIZATION_TOKEN or _TOKEN_FILE); the instance's
 * (IMDSv2, unless AWS_EC2_METADATA_DISABLED is true). A profile named by the user (option or AWS_PROFILE) goes before the
 * environment's keys only when it is the option. */
#ifndef STORE_CREDENTIALS_H
#define STORE_CREDENTIALS_H

#include "base/error.h"

#include <stdbool.h>
#include <time.h>

struct credentials_source;

struct credentials {
    char access_key[128], secret_key[128];
    char token[4096];   /* session token; "": none */
    time_t expires;     /* seconds of the epoch; 0: never */
    const char *origin; /* "environment", "profile", "web identity", "container", "instance": static */
};

struct credentials_options {
    const char *profile; /* NULL: AWS_PROFILE, else "default" */
    bool anonymous;      /* sign nothing (public buckets) */
};

/* Nothing is read yet. */
pomona_status credentials_source_new(const struct credentials_options *options,
                                     struct credentials_source **source, struct pomona_error *error);
void credentials_source_free(struct credentials_source **source);

/* The credentials that hold now: read at the first call, and again five minutes before they expire or after
 * credentials_reject. Any thread. POMONA_E_INPUT: none were found, and the message says where they were looked for;
 * POMONA_E_IO: the place that has them does not answer. */
pomona_status credentials_get(struct credentials_source *source, struct credentials *credentials,
                              struct pomona_error *error);
/* The server said that these have expired: the next credentials_get reads them anew. */
void credentials_reject(struct credentials_source *source, const struct credentials *rejected);

/* The region of the profile, as AWS_REGION, AWS_DEFAULT_REGION or the config file has it, into out; "" when none does. Also the
 * endpoint of S3 (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or the profile's). */
pomona_status credentials_region(const struct credentials_options *options, char *out, size_t capacity,
                                 struct pomona_error *error);
pomona_status credentials_endpoint(const struct credentials_options *options, char *out, size_t capacity,
                                   struct pomona_error *error);

#endif
