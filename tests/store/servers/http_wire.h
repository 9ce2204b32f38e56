/* HTTP/1.1 as it comes over a connection: heads, and where bodies end. */
#ifndef TESTS_STORE_HTTP_WIRE_H
#define TESTS_STORE_HTTP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_BYTES = 128 << 10 };

/* A connection read through a buffer; bytes[start, end) were read and not used yet. */
struct wire {
    int fd;
    size_t start, end;
    char *bytes; /* WIRE_BYTES of them */
};

/* One more read; false: the end of the connection, an error, or no room. Moves what is in the buffer. */
bool wire_fill(struct wire *wire);

/* Reads until a whole head is at bytes[start]: its length with the empty line; 0: the connection ended before its first
 * byte; -1: an error, an end in the middle, or a head that is larger than the buffer. */
long wire_head(struct wire *wire);

enum http_framing { BODY_NONE, BODY_SIZED, BODY_CHUNKED, BODY_TO_THE_END };

struct http_head {
    char method[16];       /* of a request */
    char target[12 << 10]; /* of a request: path and query as they were sent */
    char host[256];        /* of a request */
    char region[64];       /* of a request: that of the credential scope in Authorization, or "" */
    int code;              /* of a response */
    enum http_framing framing;
    uint64_t size; /* of a sized body */
    bool expects_continue, closes;
};

/* False: it is none. */
bool http_request_head(const char *bytes, size_t size, struct http_head *head);
/* `method`: what was asked, since HEAD is answered without a body. */
bool http_response_head(const char *bytes, size_t size, const char *method, struct http_head *head);

/* Walks through a body. */
struct http_body {
    enum http_framing framing;
    int state;     /* within the framing of a chunked body */
    uint64_t left; /* of the sized body or of the chunk */
    bool over;
};

void http_body_start(struct http_body *body, const struct http_head *head);

/* How many of these bytes (at least one of them belongs to the body) are either all payload or all framing; sets
 * *payload. Once `over` is set, what follows is no part of the body. */
size_t http_body_next(struct http_body *body, const char *bytes, size_t size, bool *payload);

#endif
