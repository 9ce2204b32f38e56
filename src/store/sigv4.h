/* AWS Signature Version 4 (AWS General Reference, "Signing AWS API requests"; S3's variant: the path is encoded once and not
 * normalised). */
#ifndef STORE_SIGV4_H
#define STORE_SIGV4_H

#include "base/buffer.h"
#include "base/sha256.h"
#include "store/credentials.h"

#include <stdbool.h>
#include <time.h>

/* Appends text with everything but A-Z a-z 0-9 - . _ ~ as %XX (upper case); `/` stays when keep_slash. */
pomona_status sigv4_encode(struct buffer *out, const char *text, bool keep_slash, struct pomona_error *error);

enum { SIGV4_PARTS_MAX = 64 };

struct sigv4_request {
    const char *method;       /* "GET" */
    const char *host;         /* as in the Host header, with a port that is not the scheme's own */
    const char *path;         /* encoded, from `/` on */
    const char *query;        /* encoded, "a=1&b=" in any order; "": none */
    const char *headers;      /* "Name: value\n" lines to be signed as well; "": none */
    const char *payload_hash; /* hex SHA-256 of the body, or "UNSIGNED-PAYLOAD" */
    const char *region, *service;
    time_t now; /* of the server's clock */
};

/* Appends to `out` the lines of request->headers, then "x-amz-date", "x-amz-content-sha256" (of the service "s3" alone, which asks
 * for it), "x-amz-security-token" (if there is one) and "Authorization". Credentials without an access key are nobody's: then
 * only request->headers are appended. `out` and the request must not share memory. POMONA_E_LIMIT: more than SIGV4_PARTS_MAX
 * headers or parts of the query, or `out` is full; POMONA_E_INTERNAL: a header line without a colon. */
pomona_status sigv4_sign(const struct sigv4_request *request, const struct credentials *credentials,
                         struct buffer *out, struct pomona_error *error);

#endif
