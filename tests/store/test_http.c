/* The engine of transfers against a server of this process whose answers are scripted, one a request. */
#include "base/clock.h"
#include "store/http.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RESET = 0, STALL = -1, CUT = -2, STEPS_MAX = 16, REQUEST_SIZE = 4096 };

/* What the server does with the n-th request; the last step goes for all that follow. */
struct step {
    int code; /* a status, or one of the above */
    const char *headers, *body;
};

static pthread_mutex_t lock =
    PTHREAD_MUTEX_INITIALIZER; /* of the script and the last request: connections of one test may outlive it */
static struct step steps[STEPS_MAX];
static int step_count;
static atomic_int asked, under_way, most_under_way;
static char last_request[REQUEST_SIZE];
static int port, listener;
static struct pomona_error error;

static void script(const struct step *list, int count) {
    pthread_mutex_lock(&lock);
    memcpy(steps, list, (size_t)count * sizeof *list);
    step_count = count;
    atomic_store(&asked, 0);
    pthread_mutex_unlock(&lock);
    atomic_store(&most_under_way, 0);
}

#define SCRIPT(...)                                                                                          \
    script((const struct step[]){__VA_ARGS__},                                                               \
           (int)(sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step)))

static void reset_connection(int connection) {
    const struct linger none = {1, 0};
    setsockopt(connection, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

/* One request to its end; false: the connection is over. */
static bool serve(int connection) {
    char request[REQUEST_SIZE], answer[REQUEST_SIZE], path[256] = "";
    size_t size = 0;
    while (size < sizeof request - 1) {
        ssize_t got = recv(connection, request + size, sizeof request - 1 - size, 0);
        if (got <= 0) return false;
        size += (size_t)got;
        request[size] = '\0';
        if (strstr(request, "\r\n\r\n")) break;
    }
    pthread_mutex_lock(&lock);
    int number = atomic_fetch_add(&asked, 1);
    if (number == 0) memcpy(last_request, request, size + 1);
    const struct step chosen = steps[number < step_count ? number : step_count - 1], *step = &chosen;
    pthread_mutex_unlock(&lock);
    int now = atomic_fetch_add(&under_way, 1) + 1;
    for (int most = atomic_load(&most_under_way);
         now > most && !atomic_compare_exchange_weak(&most_under_way, &most, now);) {}
    sscanf(request, "%*s %255s", path);
    /* Without a body of its own an answer is the path, so that nobody gets another's. */
    const char *body = step->body ? step->body : path;
    bool goes_on = step->code > 0;
    if (step->code == RESET) {
        reset_connection(connection);
    } else if (step->code == STALL) {
        while (recv(connection, answer, 1, 0) > 0) {}
    } else {
        int length =
            snprintf(answer, sizeof answer, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n%s",
                     step->code == CUT ? 200 : step->code, strlen(body) + (step->code == CUT ? 5 : 0),
                     step->headers ? step->headers : "", body);
        usleep(1000);
        atomic_fetch_sub(&under_way, 1); /* before the client can know that it is over */
        if (send(connection, answer, (size_t)length, MSG_NOSIGNAL) < 0) return false;
        return goes_on;
    }
    atomic_fetch_sub(&under_way, 1);
    return goes_on;
}

static void *talk(void *argument) {
    int connection = (int)(intptr_t)argument;
    while (serve(connection)) {}
    close(connection);
    return NULL;
}

static void *accept_all(void *unused) {
    (void)unused;
    for (int connection; (connection = accept(listener, NULL, NULL)) >= 0;) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, talk, (void *)(intptr_t)connection) == 0)
            pthread_detach(thread);
        else
            close(connection);
    }
    return NULL;
}

static int start_server(void **unused) {
    (void)unused;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    pthread_t thread;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 128)) return -1;
    getsockname(listener, (struct sockaddr *)&address, &length);
    port = ntohs(address.sin_port);
    if (pthread_create(&thread, NULL, accept_all, NULL)) return -1;
    pthread_detach(thread);
    return 0;
}

struct test {
    struct http_transfer transfer;
    struct buffer response;
    char path[32], headers[128];
    int port, prepared;
};

static pomona_status prepare(struct http_transfer *transfer, struct pomona_error *cause) {
    struct test *test = transfer->user;
    test->prepared++;
    TRY(buffer_printf(&transfer->url, cause, "http://127.0.0.1:%d%s", test->port, test->path));
    return buffer_append_text(&transfer->headers, test->headers, cause);
}

static void request_init(struct test *test, const char *path) {
    memset(test, 0, sizeof *test);
    test->transfer = HTTP_TRANSFER_INIT;
    test->response = BUFFER_INIT(1 << 16);
    snprintf(test->path, sizeof test->path, "%s", path);
    test->port = port;
    test->transfer.prepare = prepare;
    test->transfer.user = test;
    test->transfer.name = "name";
    test->transfer.method = "GET";
    test->transfer.response = &test->response;
}

static void request_free(struct test *test) {
    http_transfer_free(&test->transfer);
    buffer_free(&test->response);
}

/* One transfer in an engine of its own. */
static pomona_status run(struct test *test, const struct http_options *options) {
    struct http *http = NULL;
    assert_int_equal(http_new(options, &http, &error), POMONA_OK);
    pomona_status status = http_run(http, &test->transfer, &error);
    assert_int_equal(http_pending(http), 0);
    http_free(&http);
    return status;
}

static const struct http_options plain = {.direct = true};

static void test_an_answer(void **unused) {
    (void)unused;
    struct test test;
    char value[32];
    SCRIPT({200, "X-Thing:  Some Value \r\nETag: \"a\"\r\n", "hello"});
    request_init(&test, "/a/../b");
    snprintf(test.headers, sizeof test.headers, "X-Mine: 1\nX-More: two words\n");
    assert_int_equal(run(&test, &plain), POMONA_OK);
    assert_int_equal(test.transfer.code, 200);
    assert_int_equal(test.response.size, 5);
    assert_memory_equal(test.response.data, "hello", 5);
    assert_true(http_header(&test.transfer, "x-thing", value, sizeof value));
    assert_string_equal(value, "Some Value");
    assert_true(http_header(&test.transfer, "etag", value, 4));
    assert_false(http_header(&test.transfer, "etag", value, 3));
    assert_false(http_header(&test.transfer, "x-thin", value, sizeof value));
    assert_non_null(strstr(last_request, "GET /a/../b HTTP/1.1\r\n"));
    assert_non_null(strstr(last_request, "\r\nX-Mine: 1\r\nX-More: two words\r\n"));
    assert_null(strcasestr(last_request, "accept:"));
    request_free(&test);
}

/* Failures that pass: asked again, each time made anew, and only what the last answer holds is kept. */
static void test_retries(void **unused) {
    (void)unused;
    struct test test;
    SCRIPT({500, NULL, "bad"}, {CUT, NULL, "half"}, {RESET, NULL, NULL}, {503, NULL, NULL}, {408, NULL, NULL},
           {200, NULL, "good"});
    request_init(&test, "/");
    assert_int_equal(run(&test, &plain), POMONA_OK);
    assert_int_equal(asked, 6);
    assert_int_equal(test.transfer.attempts, 6);
    assert_int_equal(test.prepared, 6);
    assert_int_equal(test.response.size, 4);
    assert_memory_equal(test.response.data, "good", 4);
    request_free(&test);
}

static void expect_end(const struct http_options *options, int requests, pomona_status status,
                       const char *words) {
    struct test test;
    atomic_store(&asked, 0);
    request_init(&test, "/");
    assert_failure(run(&test, options), status, words);
    if (requests >= 0) assert_int_equal(asked, requests);
    request_free(&test);
}

static void test_ends(void **unused) {
    (void)unused;
    SCRIPT({500, NULL, "x"});
    struct http_options options = {.direct = true, .attempts = 3};
    expect_end(&options, 3, POMONA_E_IO, "500 (3 attempts)");
    options.attempts = 1;
    expect_end(&options, 1, POMONA_E_IO, "500");
    /* The quota: two retries and no third. */
    struct http_quota quota = {.tokens = 2 * HTTP_QUOTA_RETRY + 1};
    options = (struct http_options){.direct = true, .quota = &quota};
    expect_end(&options, 3, POMONA_E_IO, "too many requests fail");
    assert_int_equal(quota.tokens, 1);
    assert_true(quota.given_up);
    /* Success gives back, and the service counts as there again. */
    SCRIPT({200, NULL, "x"});
    struct test test;
    request_init(&test, "/");
    assert_int_equal(run(&test, &options), POMONA_OK);
    assert_int_equal(quota.tokens, 2);
    assert_false(quota.given_up);
    request_free(&test);
    /* Patience. */
    SCRIPT({500, NULL, "x"});
    options = (struct http_options){.direct = true, .patience_milliseconds = 50, .attempts = 1000};
    double start = clock_seconds();
    expect_end(&options, -1, POMONA_E_IO, "patience is over");
    assert_true(clock_seconds() - start < 3);
    /* What no attempt helps. */
    static const struct {
        int code;
        pomona_status status;
    } ends[] = {{400, POMONA_E_IO},    {401, POMONA_E_INPUT}, {403, POMONA_E_INPUT}, {404, POMONA_E_INPUT},
                {410, POMONA_E_INPUT}, {301, POMONA_E_IO},    {501, POMONA_E_IO}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char words[8];
        SCRIPT({ends[i].code, NULL, "x"});
        snprintf(words, sizeof words, "%d", ends[i].code);
        expect_end(&plain, 1, ends[i].status, words);
    }
}

static void test_a_server_says_when(void **unused) {
    (void)unused;
    struct test test;
    SCRIPT({503, "Retry-After: 1\r\n", "x"}, {200, NULL, "x"});
    request_init(&test, "/");
    double start = clock_seconds();
    assert_int_equal(run(&test, &plain), POMONA_OK);
    assert_true(clock_seconds() - start >= 0.99);
    request_free(&test);
}

static enum http_verdict once_more(struct http_transfer *transfer, pomona_status *status,
                                   struct pomona_error *cause) {
    *status = fail(cause, POMONA_E_INPUT, transfer->name, "still");
    return HTTP_ONCE_MORE;
}

static void test_once_more_is_bounded(void **unused) {
    (void)unused;
    struct test test;
    SCRIPT({200, NULL, "x"});
    request_init(&test, "/");
    test.transfer.judge = once_more;
    assert_failure(run(&test, &plain), POMONA_E_INPUT, "still");
    assert_int_equal(asked, 4);
    request_free(&test);
}

static void test_limit(void **unused) {
    (void)unused;
    struct test test;
    SCRIPT({200, NULL, "0123456789"});
    for (size_t limit = 9; limit <= 10; limit++) {
        atomic_store(&asked, 0);
        request_init(&test, "/");
        test.response.limit = limit;
        if (limit == 10)
            assert_int_equal(run(&test, &plain), POMONA_OK);
        else
            assert_failure(run(&test, &plain), POMONA_E_LIMIT, "larger than 9 bytes");
        assert_int_equal(asked, 1);
        request_free(&test);
    }
}

static void test_stall(void **unused) {
    (void)unused;
    SCRIPT({STALL, NULL, NULL});
    const struct http_options options = {.direct = true, .stall_seconds = 1, .patience_milliseconds = 2000};
    double start = clock_seconds();
    expect_end(&options, -1, POMONA_E_IO, "stalls");
    double took = clock_seconds() - start;
    assert_true(took > 0.9 && took < 5); /* a stall counts from its beginning */
}

/* A port without a server: asked as long as there is patience, at no cost of attempts or quota; and less, once it was given up. */
static void test_away(void **unused) {
    (void)unused;
    struct http_quota quota = HTTP_QUOTA_INIT;
    struct http_options options = {
        .direct = true, .quota = &quota, .attempts = 2, .patience_milliseconds = 4000};
    struct test test;
    double took[2];
    for (int i = 0; i < 2; i++) {
        request_init(&test, "/");
        test.port = 1;
        double start = clock_seconds();
        assert_failure(run(&test, &options), POMONA_E_IO, "patience is over");
        took[i] = clock_seconds() - start;
        assert_true(test.transfer.attempts > 2);
        assert_int_equal(quota.tokens, HTTP_QUOTA_FULL);
        request_free(&test);
    }
    assert_true(took[0] > 2.5 && took[0] < 6 && took[1] < 3.5);
}

static void test_cancel(void **unused) {
    (void)unused;
    struct http *http = NULL;
    struct test stalled, queued, after;
    const struct http_options options = {.direct = true, .connections = 1};
    SCRIPT({STALL, NULL, NULL}, {200, NULL, "x"});
    request_init(&stalled, "/1");
    request_init(&queued, "/2");
    request_init(&after, "/3");
    assert_int_equal(http_new(&options, &http, &error), POMONA_OK);
    http_start(http, &stalled.transfer);
    http_start(http, &queued.transfer);
    while (!atomic_load(&asked)) assert_null(http_next(http, 20));
    assert_int_equal(http_pending(http), 2);
    http_cancel(http, &queued.transfer);
    http_cancel(http, &queued.transfer); /* twice is fine */
    http_cancel(http, &stalled.transfer);
    assert_int_equal(http_pending(http), 0);
    assert_int_equal(http_run(http, &after.transfer, &error), POMONA_OK);
    assert_int_equal(asked, 2);
    /* An engine that goes drops what is under way. */
    SCRIPT({STALL, NULL, NULL});
    http_start(http, &stalled.transfer);
    while (!atomic_load(&asked)) assert_null(http_next(http, 20));
    http_free(&http);
    request_free(&stalled);
    request_free(&queued);
    request_free(&after);
}

static bool stop(void *user) { return ++*(int *)user > 2; }

static void test_interrupted(void **unused) {
    (void)unused;
    int looks = 0;
    const struct http_options options = {.direct = true, .should_stop = stop, .user = &looks};
    SCRIPT({STALL, NULL, NULL});
    expect_end(&options, 1, POMONA_E_INTERRUPTED, "interrupted");
}

static void *wake_soon(void *http) {
    usleep(50000);
    http_wake(http);
    return NULL;
}

static void test_wake(void **unused) {
    (void)unused;
    struct http *http = NULL;
    pthread_t thread;
    assert_int_equal(http_new(&plain, &http, &error), POMONA_OK);
    double start = clock_seconds();
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, http), 0);
    assert_null(http_next(http, 20000));
    assert_true(clock_seconds() - start < 10);
    pthread_join(thread, NULL);
    http_wake(http); /* before the wait: not lost */
    assert_null(http_next(http, 20000));
    assert_true(clock_seconds() - start < 10);
    http_free(&http);
}

static void test_many(void **unused) {
    (void)unused;
    enum { MANY = 100, CONNECTIONS = 8 };
    static struct test tests[MANY];
    struct http *http = NULL;
    const struct http_options options = {.direct = true, .connections = CONNECTIONS};
    SCRIPT({200, NULL, NULL}, {500, NULL, NULL}, {RESET, NULL, NULL}, {200, NULL, NULL});
    assert_int_equal(http_new(&options, &http, &error), POMONA_OK);
    for (int i = 0; i < MANY; i++) {
        char path[32];
        snprintf(path, sizeof path, "/photo/%d", i);
        request_init(&tests[i], path);
        http_start(http, &tests[i].transfer);
    }
    for (int done = 0; done < MANY;) {
        struct http_transfer *transfer = http_next(http, 1000);
        if (!transfer) continue;
        struct test *test = transfer->user;
        assert_int_equal(transfer->status, POMONA_OK);
        assert_int_equal(test->response.size, strlen(test->path));
        assert_memory_equal(test->response.data, test->path, test->response.size);
        done++;
    }
    assert_int_equal(http_pending(http), 0);
    assert_null(http_next(http, 0));
    assert_int_equal(asked, MANY + 2);
    assert_true(most_under_way <= CONNECTIONS && most_under_way > 1);
    http_free(&http);
    for (int i = 0; i < MANY; i++) request_free(&tests[i]);
}

static void test_no_memory(void **unused) {
    (void)unused;
    bool reached = true;
    for (long k = 1; reached; k++) {
        struct http *http = NULL;
        struct test test;
        SCRIPT({500, NULL, "x"}, {200, "A: b\r\n", "hello"});
        request_init(&test, "/");
        fail_allocation(k);
        pomona_status status = http_new(&plain, &http, &error);
        if (status == POMONA_OK) status = http_run(http, &test.transfer, &error);
        reached = failed_allocation();
        fail_allocation(0);
        assert_true(status == POMONA_OK || status == POMONA_E_MEMORY);
        if (!reached) assert_int_equal(status, POMONA_OK);
        http_free(&http);
        request_free(&test);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer), cmocka_unit_test(test_retries),
        cmocka_unit_test(test_ends),      cmocka_unit_test(test_a_server_says_when),
        cmocka_unit_test(test_limit),     cmocka_unit_test(test_once_more_is_bounded),
        cmocka_unit_test(test_stall),     cmocka_unit_test(test_away),
        cmocka_unit_test(test_cancel),    cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_wake),      cmocka_unit_test(test_many),
        cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, start_server, NULL);
}
