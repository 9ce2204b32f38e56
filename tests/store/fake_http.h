/* A stand-in for the engine of store/http.h: answers come from a script, one an attempt, and what was asked is kept. A program that
 * is linked with it has no other engine; verdicts on answers are the real ones. */
#ifndef TESTS_FAKE_HTTP_H
#define TESTS_FAKE_HTTP_H

#include <stddef.h>

struct fake_answer {
    const char *request; /* "GET http://host/path": what has to be asked */
    int code;            /* HTTP status; 0: the server can't be reached */
    const char *body;    /* may be NULL */
};

/* Starts a new script. The answers are borrowed. */
void fake_http_script(const struct fake_answer *answers, size_t count);

/* Attempts so far, since the script began. One beyond the script, or with another request, counts as unreachable and as a mistake. */
size_t fake_http_asked(void);
size_t fake_http_mistakes(void);

/* How many of them came from an engine that goes past proxies. */
size_t fake_http_direct(void);

/* The i-th attempt as "METHOD URL\nHeader: value\n...\n\nbody". */
const char *fake_http_request(size_t i);

#endif
