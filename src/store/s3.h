/* One request to S3: its URL and signature, and what the answer means (Amazon S3 API Reference, 2006-03-01). */
#ifndef STORE_S3_H
#define STORE_S3_H

#include "base/sha256.h"
#include "store/http.h"
#include "store/places.h"

#include <stdint.h>

enum { S3_ETAG_SIZE = 256, S3_CODE_SIZE = 128 };

/* Zero-initialise with S3_CALL_INIT, s3_call_aim, set the rest, run `transfer`. May be aimed again when it came back. */
struct s3_call {
    struct http_transfer transfer; /* method, body, body_size, response, slow_answer are the caller's */
    struct pomona_places *places;
    const char *bucket, *key; /* borrowed; key "": the bucket */
    struct buffer query;      /* encoded, "list-type=2&prefix=a%2F" */
    struct buffer lines;      /* more headers to send, "Name: value\n" */
    bool expect_xml;          /* a 200 may hold an <Error> */
    bool whole;               /* the response is a whole object: compare it with its checksum or ETag */
    char code[S3_CODE_SIZE];  /* S3's word for what went wrong: "NoSuchKey"; "" */
    char name[1280];          /* "s3://bucket/key" for messages, cut when longer */
    char payload_hash[SHA256_HEX_SIZE];
    /* What the last attempt was made with: news is what differs from that, since others may have learnt it meanwhile. */
    struct credentials used;
    char used_region[PLACES_REGION_SIZE];
    long used_skew;
};

#define S3_CALL_INIT                                                                                         \
    ((struct s3_call){.transfer = HTTP_TRANSFER_INIT,                                                        \
                      .query = BUFFER_INIT(HTTP_LINES_MAX),                                                  \
                      .lines = BUFFER_INIT(HTTP_LINES_MAX)})

/* Sets what the call is about; method is a static string. Query, lines, body, response and flags are as new. */
void s3_call_aim(struct s3_call *call, struct pomona_places *places, const char *method, const char *bucket,
                 const char *key);
/* Appends "name=value" (encoded) or "name" (value NULL) to the query. */
pomona_status s3_call_query(struct s3_call *call, const char *name, const char *value,
                            struct pomona_error *error);
pomona_status s3_call_header(struct s3_call *call, const char *name, const char *value,
                             struct pomona_error *error);
/* The body, with its SHA-256 (signed) and CRC-32C (kept by the server where it can). */
pomona_status s3_call_body(struct s3_call *call, const void *body, size_t size, bool checksum,
                           struct pomona_error *error);
/* The body, with its SHA-256 that is known already; "": the signature leaves the body out, and its checksum is a header of the caller's. */
void s3_call_summed_body(struct s3_call *call, const void *body, size_t size,
                         const char hash[SHA256_HEX_SIZE]);
void s3_call_free(struct s3_call *call);

/* The answer's ETag without quotes; "" when there is none. */
void s3_call_etag(const struct s3_call *call, char out[S3_ETAG_SIZE]);

#endif
