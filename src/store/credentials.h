/* Who we are for AWS: found where the AWS CLI finds it, renewed before it expires, never printed.
 *
 * In this order: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; the profile (AWS_PROFILE or the option, else
 * "default") of the shared files (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/config and ~/.aws/credentials),
 * with keys, or role_arn and source_profile or credential_source or web_identity_token_file, or credential_process;
 * AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE (STS AssumeRoleWithWebIdentity); the container's endpoint
 * (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, with AWS_CONTAINER_AUTHORIZATION_TOKEN or _TOKEN_FILE); the instance's
 * (IMDSv2, unless AWS_EC2_METADATA_DISABLED is true; a machine that is none waits two seconds for it). A profile named by the
 * user (option or AWS_PROFILE) has to exist; it goes before the environment's keys, which are not looked at then, only when
 * it is the option. STS is asked in the profile's region, or where AWS_ENDPOINT_URL_STS says. Not done: SSO and codes of a
 * device (MFA), which want a person; the message says how the AWS CLI hands its credentials over. */
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
    const char *origin; /* "environment", "profile", "web identity", "container", "instance", "anonymous" */
};

struct credentials_options {
    const char *profile; /* NULL: AWS_PROFILE, else "default" */
    bool anonymous;      /* sign nothing (public buckets): credentials without an access key */
};

/* Nothing is read yet; the options are copied. POMONA_E_MEMORY. */
pomona_status credentials_source_new(const struct credentials_options *options,
                                     struct credentials_source **source, struct pomona_error *error);
void credentials_source_free(struct credentials_source **source);

/* The credentials that hold now: read at the first call, and again five minutes before they expire (those at hand serve on while that
 * fails and they hold; it is tried once a minute) or after credentials_reject. Any thread; others wait for one that reads.
 * POMONA_E_INPUT: none were found, and the message says where they were looked for, or they can't be used as they are written;
 * POMONA_E_IO: the place that has them does not answer; POMONA_E_CORRUPT: it answers something else; POMONA_E_UNSUPPORTED. No
 * message holds a secret. */
pomona_status credentials_get(struct credentials_source *source, struct credentials *credentials,
                              struct pomona_error *error);
/* The server said that these have expired: the next credentials_get reads them anew. */
void credentials_reject(struct credentials_source *source, const struct credentials *rejected);

/* The region as AWS_REGION, AWS_DEFAULT_REGION or the profile has it, into out; "" when none does. Also the endpoint of S3: of
 * AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's `services` section or its endpoint_url, unless
 * AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true. POMONA_E_INPUT: longer than capacity - 1, no region's name, no URL, or a file
 * that can't be read. */
pomona_status credentials_region(const struct credentials_options *options, char *out, size_t capacity,
                                 struct pomona_error *error);
pomona_status credentials_endpoint(const struct credentials_options *options, char *out, size_t capacity,
                                   struct pomona_error *error);

#endif
