#include "store/http.h"

#include "base/clock.h"
#include "base/memory.h"
#include "store/http_attempt.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_DEFAULT = 64,
    CONNECT_MILLISECONDS = 5000,
    STALL_SECONDS = 8,
    ATTEMPTS_DEFAULT = 10,
    REPEATS_MAX = 3,
    PATIENCE_DEFAULT = 20000,
    SHORT_MILLISECONDS = 2000
};

struct http {
    struct http_options options;
    struct http_quota own_quota;
    CURLM *multi;
    CURL **idle; /* [options.connections] easy handles that wait for work */
    int idle_count, made;
    struct http_transfer *ready, **ready_end; /* may begin now, in their order */
    struct http_transfer *delayed;            /* wait for their time, in no order */
    struct http_transfer *active;             /* under way, in no order */
    struct http_transfer *finished, **finished_end;
    size_t pending;
    uint64_t random;
    atomic_bool woken;
};

/* Lists of transfers, linked by `next`. */
static void append(struct http_transfer ***end, struct http_transfer *transfer) {
    transfer->next = NULL;
    **end = transfer;
    *end = &transfer->next;
}

static struct http_transfer *take_first(struct http_transfer **first, struct http_transfer ***end) {
    struct http_transfer *transfer = *first;
    if (!transfer) return NULL;
    *first = transfer->next;
    if (!*first) *end = first;
    transfer->next = NULL;
    return transfer;
}

static void push(struct http_transfer **first, struct http_transfer *transfer) {
    transfer->next = *first;
    *first = transfer;
}

/* `end` NULL: the list has none. */
static bool take_out(struct http_transfer **first, struct http_transfer ***end,
                     struct http_transfer *transfer) {
    for (struct http_transfer **at = first; *at; at = &(*at)->next) {
        if (*at != transfer) continue;
        *at = transfer->next;
        if (!*at && end) *end = at;
        transfer->next = NULL;
        return true;
    }
    return false;
}

void http_transfer_free(struct http_transfer *transfer) {
    buffer_free(&transfer->url);
    buffer_free(&transfer->headers);
    buffer_free(&transfer->response_headers);
    buffer_free(&transfer->trouble);
}

/* A libcurl that was built for no certain system (that of release wheels) knows no certificates: those of OpenSSL's variable, or
 * where Debian, Red Hat and Amazon, SUSE, Alpine keep theirs. NULL: libcurl's own will do, or there are none. */
static const char *system_certificates(CURL *handle) {
    static const char *const places[] = {"/etc/ssl/certs/ca-certificates.crt",
                                         "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                                         "/etc/ssl/cert.pem"};
    char *built_in = NULL;
    const char *named = getenv("SSL_CERT_FILE");
    if (named && *named) return named;
    if (curl_easy_getinfo(handle, CURLINFO_CAINFO, &built_in) == CURLE_OK && built_in &&
        access(built_in, R_OK) == 0)
        return NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], R_OK) == 0) return places[i];
    return NULL;
}

pomona_status http_new(const struct http_options *options, struct http **http, struct pomona_error *error) {
    struct http *h = *http = memory_new(1, sizeof *h);
    if (!h) return fail_memory(error, "HTTP");
    *h = (struct http){.options = *options, .own_quota = HTTP_QUOTA_INIT};
    if (!h->options.connections) h->options.connections = CONNECTIONS_DEFAULT;
    if (!h->options.attempts) h->options.attempts = ATTEMPTS_DEFAULT;
    if (!h->options.patience_milliseconds) h->options.patience_milliseconds = PATIENCE_DEFAULT;
    if (!h->options.stall_seconds) h->options.stall_seconds = STALL_SECONDS;
    if (!h->options.connect_milliseconds) h->options.connect_milliseconds = CONNECT_MILLISECONDS;
    if (!h->options.quota) h->options.quota = &h->own_quota;
    h->ready_end = &h->ready;
    h->finished_end = &h->finished;
    /* Jitter wants numbers that differ between processes and engines, nothing more. */
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    h->random = ((uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u) ^ (uint64_t)(uintptr_t)h;
    h->idle = memory_new((size_t)h->options.connections, sizeof(CURL *));
    /* An easy handle first: making one starts libcurl, which a multi handle does not. */
    if (h->idle && (h->idle[0] = curl_easy_init())) h->idle_count = h->made = 1;
    h->multi = h->made ? curl_multi_init() : NULL;
    if (!h->multi) {
        http_free(http);
        return fail_memory(error, "libcurl");
    }
    if (!h->options.ca_bundle) h->options.ca_bundle = system_certificates(h->idle[0]);
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)h->options.connections);
    return POMONA_OK;
}

static void end_attempt(struct http *http, struct http_transfer *transfer) {
    curl_multi_remove_handle(http->multi, transfer->handle);
    http_attempt_end(transfer);
    http->idle[http->idle_count++] = transfer->handle;
    transfer->handle = NULL;
    take_out(&http->active, NULL, transfer);
}

void http_cancel(struct http *http, struct http_transfer *transfer) {
    bool is_pending = true;
    if (transfer->handle)
        end_attempt(http, transfer);
    else
        is_pending =
            take_out(&http->ready, &http->ready_end, transfer) || take_out(&http->delayed, NULL, transfer);
    if (is_pending)
        http->pending--;
    else
        take_out(&http->finished, &http->finished_end, transfer);
}

void http_free(struct http **http) {
    struct http *h = *http;
    if (!h) return;
    while (h->active) http_cancel(h, h->active);
    for (int i = 0; h->idle && i < h->idle_count; i++) curl_easy_cleanup(h->idle[i]);
    if (h->multi) curl_multi_cleanup(h->multi);
    memory_free(h->idle);
    memory_free(h);
    *http = NULL;
}

size_t http_pending(const struct http *http) { return http->pending; }

void http_wake(struct http *http) {
    atomic_store(&http->woken, true);
    curl_multi_wakeup(http->multi);
}

void http_start(struct http *http, struct http_transfer *transfer) {
    transfer->status = POMONA_OK;
    transfer->attempts = transfer->repeats = 0;
    transfer->first_failure = transfer->due = 0;
    transfer->handle = NULL;
    transfer->code = 0;
    append(&http->ready_end, transfer);
    http->pending++;
}

static void finish(struct http *http, struct http_transfer *transfer, pomona_status status,
                   const struct pomona_error *cause) {
    transfer->status = status;
    if (status != POMONA_OK) transfer->cause = *cause;
    append(&http->finished_end, transfer);
    http->pending--;
}

/* A number in [0, 1): xorshift64* (Marsaglia 2003, Vigna 2016). */
static double next_random(struct http *http) {
    uint64_t x = http->random ? http->random : 1;
    x ^= x >> 12, x ^= x << 25, x ^= x >> 27;
    http->random = x;
    return (double)((x * 0x2545f4914f6cdd1du) >> 11) * 0x1p-53;
}

/* Takes the price of a retry from the quota; false when it is spent. */
static bool quota_take(struct http_quota *quota) {
    int tokens = atomic_load(&quota->tokens);
    while (tokens >= HTTP_QUOTA_RETRY)
        if (atomic_compare_exchange_weak(&quota->tokens, &tokens, tokens - HTTP_QUOTA_RETRY)) return true;
    return false;
}

static void quota_give(struct http_quota *quota, int amount) {
    int tokens = atomic_load(&quota->tokens), more;
    do {
        more = tokens + amount > HTTP_QUOTA_FULL ? HTTP_QUOTA_FULL : tokens + amount;
    } while (!atomic_compare_exchange_weak(&quota->tokens, &tokens, more));
}

/* The wait before the next attempt, in seconds. */
static double backoff(struct http *http, const struct http_transfer *transfer, double base) {
    enum { DOUBLINGS_MAX = 16 };
    const double cap = 20;
    int n = transfer->attempts < DOUBLINGS_MAX ? transfer->attempts : DOUBLINGS_MAX;
    double most = base * (double)(1 << n) / 2;
    char text[16];
    double wait = next_random(http) * (most < cap ? most : cap);
    /* A server that says when has the last word. */
    if (transfer->code >= 400 && http_header(transfer, "retry-after", text, sizeof text)) {
        double asked = strtod(text, NULL);
        if (asked > wait && asked <= cap) wait = asked;
    }
    return wait;
}

static void give_up(struct http *http, struct http_transfer *transfer, pomona_status status,
                    const struct pomona_error *cause, const char *why) {
    struct pomona_error error = *cause;
    if (transfer->attempts > 1)
        fail(&error, status, NULL, "%s (%d attempts%s)", cause->message, transfer->attempts, why);
    atomic_store(&http->options.quota->given_up, true);
    finish(http, transfer, status, &error);
}

static long at_most(long value, long most) { return value < most ? value : most; }

/* After a failure that may pass: waits for the next attempt, or gives up. `away`: the server could not be reached; `waited`: nothing came
 * for that attempt's last `waited` seconds. */
static void try_again(struct http *http, struct http_transfer *transfer, double base, bool away,
                      double waited, pomona_status status, const struct pomona_error *cause) {
    bool hurry = atomic_load(&http->options.quota->given_up);
    double now = clock_seconds();
    double patience = 1e-3 * (double)(hurry ? at_most(http->options.patience_milliseconds, SHORT_MILLISECONDS)
                                            : http->options.patience_milliseconds);
    if (transfer->first_failure == 0) transfer->first_failure = now - waited;
    double wait = backoff(http, transfer, base);
    if (away && wait > 1) wait = 1; /* so that it is noticed when it comes back */
    if (now + wait - transfer->first_failure > patience)
        give_up(http, transfer, status, cause, ", patience is over");
    else if (!away && transfer->attempts >= http->options.attempts)
        give_up(http, transfer, status, cause, "");
    else if (!away && !quota_take(http->options.quota))
        give_up(http, transfer, status, cause, "; too many requests fail");
    else {
        transfer->due = now + wait;
        push(&http->delayed, transfer);
    }
}

/* What becomes of an attempt that ended. */
static void settle(struct http *http, struct http_transfer *transfer, CURLcode result) {
    const double transient = 0.05, throttled = 1;
    struct pomona_error error = {0};
    pomona_status status = POMONA_E_INTERNAL;
    enum http_trouble trouble = http_attempt_outcome(transfer, result, &status, &error);
    end_attempt(http, transfer);
    if (trouble == HTTP_TROUBLE_FATAL) {
        finish(http, transfer, status, &error);
        return;
    }
    if (trouble != HTTP_TROUBLE_NONE) {
        double waited = clock_seconds() - transfer->began, most = (double)http->options.stall_seconds;
        if (result != CURLE_OPERATION_TIMEDOUT) waited = 0;
        try_again(http, transfer, transient, trouble == HTTP_TROUBLE_AWAY, waited < most ? waited : most,
                  status, &error);
        return;
    }
    status = POMONA_E_IO;
    switch ((transfer->judge ? transfer->judge : http_judge)(transfer, &status, &error)) {
    case HTTP_DONE:
        quota_give(http->options.quota, transfer->attempts > 1 ? HTTP_QUOTA_RETRY : 1);
        atomic_store(&http->options.quota->given_up, false);
        finish(http, transfer, POMONA_OK, NULL);
        break;
    case HTTP_ONCE_MORE:
        if (transfer->repeats++ < REPEATS_MAX)
            append(&http->ready_end, transfer);
        else
            finish(http, transfer, status, &error);
        break;
    case HTTP_TRANSIENT: try_again(http, transfer, transient, false, 0, status, &error); break;
    case HTTP_THROTTLED: try_again(http, transfer, throttled, false, 0, status, &error); break;
    case HTTP_FAILED: finish(http, transfer, status, &error); break;
    }
}

static pomona_status begin(struct http *http, struct http_transfer *transfer, struct pomona_error *error) {
    buffer_clear(&transfer->url);
    buffer_clear(&transfer->headers);
    TRY(transfer->prepare(transfer, error));
    struct http_options options = http->options;
    if (atomic_load(&options.quota->given_up)) {
        options.stall_seconds = at_most(options.stall_seconds, SHORT_MILLISECONDS / 1000);
        options.connect_milliseconds = at_most(options.connect_milliseconds, SHORT_MILLISECONDS);
    }
    transfer->began = clock_seconds();
    TRY(http_attempt_begin(transfer, &options, error));
    if (curl_multi_add_handle(http->multi, transfer->handle) != CURLM_OK)
        return fail_memory(error, "libcurl");
    return POMONA_OK;
}

/* Begins what may begin, while there are handles. */
static void begin_ready(struct http *http) {
    while (http->ready) {
        if (http->idle_count == 0) {
            if (http->made == http->options.connections) return;
            CURL *handle = curl_easy_init();
            if (!handle) return; /* those under way will give theirs back */
            http->idle[http->idle_count++] = handle;
            http->made++;
        }
        struct http_transfer *transfer = take_first(&http->ready, &http->ready_end);
        struct pomona_error error = {0};
        transfer->handle = http->idle[--http->idle_count];
        transfer->attempts++;
        push(&http->active, transfer);
        pomona_status status = begin(http, transfer, &error);
        if (status == POMONA_OK) continue;
        end_attempt(http, transfer);
        finish(http, transfer, status, &error);
    }
}

/* Moves what is due to the ready ones; returns the seconds until the next one is (1 when none waits). */
static double release_due(struct http *http) {
    double now = clock_seconds(), next = 1;
    for (struct http_transfer **at = &http->delayed; *at;) {
        struct http_transfer *transfer = *at;
        if (transfer->due <= now) {
            *at = transfer->next;
            append(&http->ready_end, transfer);
            continue;
        }
        if (transfer->due - now < next) next = transfer->due - now;
        at = &transfer->next;
    }
    return next;
}

/* libcurl with TLS may write to a connection that is gone: no SIGPIPE may come of it, nor one be lost that is not ours. */
static void perform(struct http *http) {
    sigset_t pipe_only, before, waiting;
    int running = 0, left;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    sigpending(&waiting);
    bool was_waiting = sigismember(&waiting, SIGPIPE);
    curl_multi_perform(http->multi, &running);
    if (!was_waiting) {
        const struct timespec none = {0};
        while (sigtimedwait(&pipe_only, NULL, &none) == SIGPIPE) {}
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
        if (message->msg != CURLMSG_DONE) continue;
        struct http_transfer *transfer = NULL;
        CURLcode result = message->data.result; /* the message dies with the handle's removal */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        settle(http, transfer, result);
    }
}

struct http_transfer *http_next(struct http *http, int milliseconds) {
    double end = clock_seconds() + 1e-3 * milliseconds;
    for (;;) {
        /* libcurl looks at every transfer each time: what one look brought is handed out before the next, unless there is something to begin. */
        struct http_transfer *transfer = NULL;
        if (!http->ready) transfer = take_first(&http->finished, &http->finished_end);
        if (transfer) return transfer;
        double wait = release_due(http);
        begin_ready(http);
        perform(http);
        transfer = take_first(&http->finished, &http->finished_end);
        if (transfer) return transfer;
        if (http->ready && http->idle_count > 0) continue; /* settled and may begin at once */
        double left = end - clock_seconds();
        if (atomic_exchange(&http->woken, false) || left <= 0) return NULL;
        if (wait > left) wait = left;
        curl_multi_poll(http->multi, NULL, 0, (int)(wait * 1e3) + 1, NULL);
    }
}

pomona_status http_run(struct http *http, struct http_transfer *transfer, struct pomona_error *error) {
    enum { LOOK_MILLISECONDS = 100 };
    http_start(http, transfer);
    while (http_next(http, LOOK_MILLISECONDS) != transfer) {
        if (!http->options.should_stop || !http->options.should_stop(http->options.user)) continue;
        http_cancel(http, transfer);
        return fail(error, POMONA_E_INTERRUPTED, transfer->name, "interrupted");
    }
    if (transfer->status != POMONA_OK && error) *error = transfer->cause;
    return transfer->status;
}
