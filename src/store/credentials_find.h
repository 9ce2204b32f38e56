/* The places where credentials can lie, each by itself; credentials.h has their order.
 *
 * A place that has none leaves credentials->origin NULL and succeeds. No message ever holds a key, a token, a command or
 * an excerpt of a file or an answer that may hold them. */
#ifndef STORE_CREDENTIALS_FIND_H
#define STORE_CREDENTIALS_FIND_H

#include "base/buffer.h"
#include "base/error.h"
#include "store/credentials.h"
#include "store/profile_files.h"

enum { CREDENTIALS_REGION_SIZE = 64, CREDENTIALS_ENDPOINT_SIZE = 1024, CREDENTIALS_WHY_SIZE = 256 };

/* Sets all of `credentials`. `where` is for messages, origin is static, token may be NULL or "", expires (ISO 8601) too: never.
 * POMONA_E_INPUT: a part is missing, too long, or has characters that a header can't carry. */
pomona_status credentials_fill(struct credentials *credentials, const char *where, const char *origin,
                               const char *access_key, const char *secret_key, const char *token,
                               const char *expires, struct pomona_error *error);

/* The same from a JSON document with AccessKeyId, SecretAccessKey, Expiration and the token under a name of the place's own. Code,
 * where there is one, has to be "Success"; Version 1. POMONA_E_CORRUPT: not such a document. */
pomona_status credentials_from_json(const struct buffer *document, const char *token_name, const char *where,
                                    const char *origin, struct credentials *credentials,
                                    struct pomona_error *error);

pomona_status credentials_from_environment(struct credentials *credentials, struct pomona_error *error);

/* A profile with all that it refers to. POMONA_E_INPUT: half a pair of keys, a source that is missing, profiles that lead in a
 * circle; POMONA_E_UNSUPPORTED: SSO, MFA. */
pomona_status credentials_from_profile(const struct profile_files *files, const char *profile,
                                       struct credentials *credentials, struct pomona_error *error);

/* AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE. */
pomona_status credentials_from_web_identity(const struct profile_files *files, const char *profile,
                                            struct credentials *credentials, struct pomona_error *error);

/* AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI. POMONA_E_INPUT: a URI to which a token must not go. */
pomona_status credentials_from_container(struct credentials *credentials, struct pomona_error *error);

/* IMDSv2. `why` says why there are none. No answer to a connect for two seconds: there are none. */
pomona_status credentials_from_instance(struct credentials *credentials, char why[CREDENTIALS_WHY_SIZE],
                                        struct pomona_error *error);

/* What a command prints as JSON (credential_process), within a minute. */
pomona_status credentials_from_process(const char *command, const char *where,
                                       struct credentials *credentials, struct pomona_error *error);

/* A role of STS. */
struct sts_role {
    const char *where, *origin;       /* for messages, and for the credentials; origin is static */
    const char *arn, *session;        /* session "": "pomona" */
    const char *external_id;          /* "": none */
    const char *duration;             /* seconds as text; "": the role's own */
    const char *token_file;           /* a web identity; NULL: signed by `signer` */
    const struct credentials *signer; /* NULL with a token file */
    const struct profile_files *files;
    const char *profile; /* whose region and endpoint */
};
/* POMONA_E_INPUT: STS refuses; POMONA_E_IO: it does not answer; POMONA_E_CORRUPT: it says something else. */
pomona_status credentials_from_role(const struct sts_role *role, struct credentials *credentials,
                                    struct pomona_error *error);

/* As credentials_region and credentials_endpoint, of files that were read; service is "s3" or "sts". */
pomona_status settings_region(const struct profile_files *files, const char *profile, char *out,
                              size_t capacity, struct pomona_error *error);
pomona_status settings_endpoint(const struct profile_files *files, const char *profile, const char *service,
                                char *out, size_t capacity, struct pomona_error *error);

#endif
