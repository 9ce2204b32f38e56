/* Which requests meet which fault. One rule a line; empty lines and lines that begin with # say nothing.
 *
 *   match METHOD PATTERN [SELECTOR...] -> FAULT...
 *   default latency MS                      for requests whose rule names no latency, and those without a rule
 *
 * METHOD is GET, HEAD, PUT, POST, DELETE or *. PATTERN is matched with the path and query as they were sent (percent-encoded);
 * its * also matches / and ?. The first rule that matches and whose selectors all select the request decides. A rule counts the
 * requests that match and reach it, 1, 2, 3...; the selectors look at that number n:
 *
 *   once           n is 1
 *   first N        n is at most N (with `after`: the first N of those behind it)
 *   after N        n is more than N
 *   every N        the N-th, 2N-th, ... (counted behind `after`)
 *   rate P         a share P of the requests, pseudo-random: the n-th of the same rule always has the same luck
 *   seed S         of `rate`; 1
 *
 * Faults, one to a rule; `latency` and `done` go with any of them:
 *
 *   latency MS     waits before anything else
 *   pass           none: an exception to the rules below it
 *   status CODE [S3CODE]     the server's refusal, as S3 words it
 *   error200 [S3CODE]        status 200, and an <Error> as the body
 *   skew SECONDS             403 RequestTimeTooSkewed by a server whose clock is so many seconds ahead (or behind: -)
 *   redirect CODE REGION     "the bucket is in REGION": 301, 307, or 400 AuthorizationHeaderMalformed; requests that are
 *                            signed for REGION do not match
 *   reset          reads the request, then RST instead of an answer
 *   close          reads the request, then ends the connection without an answer
 *   stall          reads the request and never answers, until the client goes away
 *   cut N          ends the connection after N bytes of the answer's body; at the latest one byte before its end
 *   slow BYTES     so many bytes of the answer's body a second
 *   corrupt        flips one bit of the answer's body, all lengths right
 *   cut_upload N   RST after N bytes of the request's body, at the latest one byte before its end
 *   corrupt_upload flips one bit of the request's body on its way to the server
 *   done           not a fault by itself: the server carries the request out and its answer is lost; goes with status, error200,
 *                  skew, reset, close, stall, which otherwise keep the request from the server
 *
 * cut, slow and corrupt do nothing to an answer without a body, nor cut_upload and corrupt_upload to a request without one; such a
 * request is not counted as a fault. Commas between words are taken as blanks. */
#ifndef TESTS_STORE_FAULT_SCRIPT_H
#define TESTS_STORE_FAULT_SCRIPT_H

#include "tests/store/servers/http_wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The name of each kind, in the order of the enum: for scripts and reports. */
#define FAULT_KINDS(X)                                                                                       \
    X(PASS, "pass")                                                                                          \
    X(STATUS, "status")                                                                                      \
    X(ERROR200, "error200")                                                                                  \
    X(SKEW, "skew")                                                                                          \
    X(REDIRECT, "redirect")                                                                                  \
    X(RESET, "reset")                                                                                        \
    X(CLOSE, "close")                                                                                        \
    X(STALL, "stall")                                                                                        \
    X(CUT, "cut")                                                                                            \
    X(SLOW, "slow")                                                                                          \
    X(CORRUPT, "corrupt")                                                                                    \
    X(CUT_UPLOAD, "cut_upload")                                                                              \
    X(CORRUPT_UPLOAD, "corrupt_upload")

enum fault_kind {
#define X(NAME, word) FAULT_##NAME,
    FAULT_KINDS(X)
#undef X
        FAULT_KINDS_COUNT
};

extern const char *const fault_kind_names[FAULT_KINDS_COUNT];

struct fault {
    enum fault_kind kind;
    long latency;  /* milliseconds; -1: not said */
    long number;   /* code, seconds, bytes, bytes a second */
    bool done;     /* the server carries the request out all the same */
    uint64_t draw; /* of this request: where to flip a bit */
    char word[64]; /* S3 code or region; "" */
};

struct fault_script;

/* An empty script: nothing is wrong. NULL: no memory. */
struct fault_script *fault_script_new(void);

/* Replaces all rules, or explains in `problem` ("line 3: ...") why the old ones stay. */
bool fault_script_replace(struct fault_script *script, const char *text, char *problem, size_t capacity);

/* Decides about one request; thread-safe. */
struct fault fault_script_choose(struct fault_script *script, const struct http_head *request);

/* "rules": [{"rule": "...", "matched": N, "chosen": N}, ...] */
void fault_script_write_json(struct fault_script *script, FILE *out);

#endif
