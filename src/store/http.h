/* Many HTTP transfers at once over libcurl, each tried again while that makes sense.
 *
 * An engine belongs to one thread; http_wake alone may come from another. What a transfer asks for is set anew before each
 * attempt (signatures age, regions and credentials change), and what came back is judged after it, both by functions of the
 * transfer: this file knows HTTP and patience, not S3.
 *
 * Patience: before attempt n + 1 it waits a random time below 50 ms x 2^n (1 s x 2^n after a throttle), at most 20 s:
 * "full jitter" of the AWS Architecture Blog, Exponential Backoff And Jitter (2015). A transfer is given up after 10
 * attempts, when the next one would be later than 20 s after the first failure (or after a stall or a wait for a connection
 * began that was the first), or at once when the retry quota is spent:
 * retries cost, successes give back (as in the AWS SDKs' standard mode), so that a server in trouble is left alone. A
 * server that can't be reached at all (refused, unknown, no answer to a connect) is asked for those 20 s without
 * counting attempts or quota: it is not busy, it is away. */
#ifndef STORE_HTTP_H
#define STORE_HTTP_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http;
struct http_quota;

enum http_verdict {
    HTTP_DONE,      /* the response is what was asked for */
    HTTP_FAILED,    /* no attempt will help; `cause` says why */
    HTTP_TRANSIENT, /* try again soon */
    HTTP_THROTTLED, /* try again later */
    HTTP_ONCE_MORE  /* try again at once, with what was just learnt; at most 3 times a transfer */
};

/* One logical request. Zero-initialise with HTTP_TRANSFER_INIT, set the upper half, and keep it in place until http_next gives
 * it back. */
struct http_transfer {
    /* Fills method, url, headers and body for the next attempt (buffers are cleared before). A failure ends the transfer. */
    pomona_status (*prepare)(struct http_transfer *transfer, struct pomona_error *error);
    /* Looks at a complete response; NULL: http_judge. For HTTP_FAILED it fills `error` and sets *status. */
    enum http_verdict (*judge)(struct http_transfer *transfer, pomona_status *status,
                               struct pomona_error *error);
    void *user;
    const char *name; /* for messages: "s3://bucket/key"; borrowed */
    struct buffer *
        response; /* the body goes here, cleared before each attempt; larger than its limit: POMONA_E_LIMIT */

    bool slow_answer; /* the server may think for minutes before it answers: stall_seconds does not apply */

    /* The attempt. */
    const char *method;    /* static string */
    struct buffer url;     /* NUL-terminated by the engine */
    struct buffer headers; /* "Name: value\n" lines */
    const void *body;      /* borrowed; kept for all attempts */
    size_t body_size;

    /* The answer. */
    int code;                       /* HTTP status; 0: none came */
    struct buffer response_headers; /* "name: value\n" lines, names in lower case */
    struct buffer trouble;          /* the body of an answer that is not 2xx, its first 64 KB */
    int attempts;
    pomona_status status; /* of the whole transfer */
    struct pomona_error cause;

    /* The engine's own. */
    struct http_transfer *next;
    void *handle, *headers_list;      /* of an attempt under way: libcurl's */
    double began, due, first_failure; /* seconds of the monotonic clock; first_failure 0: none yet */
    int repeats;                      /* HTTP_ONCE_MORE so far */
    bool response_full;
};

enum { HTTP_LINES_MAX = 64 << 10 };

#define HTTP_TRANSFER_INIT                                                                                   \
    ((struct http_transfer){.url = BUFFER_INIT(HTTP_LINES_MAX),                                              \
                            .headers = BUFFER_INIT(HTTP_LINES_MAX),                                          \
                            .response_headers = BUFFER_INIT(HTTP_LINES_MAX),                                 \
                            .trouble = BUFFER_INIT(HTTP_LINES_MAX)})

/* Frees what a transfer that is not under way has gathered (not `response`, not what is borrowed). */
void http_transfer_free(struct http_transfer *transfer);

/* The value of a response header (name in lower case) into out[0..capacity); false and "" when it is missing or does not fit. */
bool http_header(const struct http_transfer *transfer, const char *name, char *out, size_t capacity);

/* A judge by status code alone: 2xx is done; 408, 500, 502, 503 without "slow down" in the body, 504 are transient; 429, 503 with it
 * throttled; all else fails (404: POMONA_E_INPUT, others POMONA_E_IO) with the code in the message. */
enum http_verdict http_judge(struct http_transfer *transfer, pomona_status *status,
                             struct pomona_error *error);

struct http_options {
    struct http_quota *quota;        /* shared by engines; NULL: one of its own */
    const char *ca_bundle;           /* file of trusted certificates; NULL: SSL_CERT_FILE or the system's */
    bool direct;                     /* past all proxies: what is asked is this machine's own, or beside it */
    int connections;                 /* at most so many transfers under way, the others wait; 0: 64 */
    long connect_milliseconds;       /* 0: 5,000 */
    long stall_seconds;              /* slower than 1 KB/s (in the mean of 5 s) for so long: cut off; 0: 8 */
    int attempts;                    /* 0: 10; 1: no retries */
    long patience_milliseconds;      /* how long an unreachable server is asked again; 0: 20,000 */
    bool (*should_stop)(void *user); /* asked about ten times a second; may be NULL */
    void *user;
};

/* POMONA_E_MEMORY, POMONA_E_INTERNAL (libcurl does not start). */
pomona_status http_new(const struct http_options *options, struct http **http, struct pomona_error *error);
/* Transfers under way are dropped. Accepts pointers to NULL. */
void http_free(struct http **http);

/* Queues a transfer. */
void http_start(struct http *http, struct http_transfer *transfer);
/* Works until a transfer is finished, http_wake is called or the time is over; returns a finished transfer or NULL. Waits also when
 * there is nothing to do. */
struct http_transfer *http_next(struct http *http, int milliseconds);
/* Takes a transfer out that was started and did not come back; its buffers are the caller's again. */
void http_cancel(struct http *http, struct http_transfer *transfer);
/* Ends a http_next that waits, from any thread. */
void http_wake(struct http *http);
/* Transfers queued or under way. */
size_t http_pending(const struct http *http);

/* One transfer from start to end, in an engine without others; returns its status and copies its cause. POMONA_E_INTERRUPTED when
 * should_stop said so. */
pomona_status http_run(struct http *http, struct http_transfer *transfer, struct pomona_error *error);

/* The retry quota of everything that talks to one service; any thread. Once a transfer was given up, the others get only a short while
 * until one succeeds: a job that ends because its server is gone does not wait for it again in each thing that it tidies. */
struct http_quota {
    _Atomic int tokens;
    _Atomic bool given_up;
};

/* Full, it pays for about eight retries each of 64 transfers under way: a service that refuses everything for some seconds does not end
 * a long job, one that does so for longer gets 500 more requests. */
enum { HTTP_QUOTA_FULL = 2500, HTTP_QUOTA_RETRY = 5 };

#define HTTP_QUOTA_INIT ((struct http_quota){.tokens = HTTP_QUOTA_FULL})

#endif
