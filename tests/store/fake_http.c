#include "tests/store/fake_http.h"

#include "store/http.h"

#include <stdio.h>
#include <string.h>

enum { REQUESTS_MAX = 16, REQUEST_SIZE = 16 << 10 };

static const struct fake_answer *script;
static size_t script_count, asked, mistakes, direct;
static char requests[REQUESTS_MAX][REQUEST_SIZE];
static bool is_direct; /* its address is what an engine is here: there is one at a time */

void fake_http_script(const struct fake_answer *answers, size_t count) {
    script = answers;
    script_count = count;
    asked = mistakes = direct = 0;
}

size_t fake_http_asked(void) { return asked; }
size_t fake_http_mistakes(void) { return mistakes; }
size_t fake_http_direct(void) { return direct; }
const char *fake_http_request(size_t i) { return i < asked && i < REQUESTS_MAX ? requests[i] : ""; }

pomona_status http_new(const struct http_options *options, struct http **http, struct pomona_error *error) {
    (void)error;
    is_direct = options->direct;
    *http = (struct http *)&is_direct;
    return POMONA_OK;
}

void http_free(struct http **http) { *http = NULL; }

void http_transfer_free(struct http_transfer *transfer) {
    buffer_free(&transfer->url);
    buffer_free(&transfer->headers);
    buffer_free(&transfer->response_headers);
    buffer_free(&transfer->trouble);
}

static void note(const struct http_transfer *transfer) {
    char *out = requests[asked < REQUESTS_MAX ? asked : REQUESTS_MAX - 1];
    snprintf(out, REQUEST_SIZE, "%s %.*s\n%.*s\n%.*s", transfer->method, (int)transfer->url.size,
             (const char *)transfer->url.data, (int)transfer->headers.size,
             transfer->headers.size ? (const char *)transfer->headers.data : "", (int)transfer->body_size,
             transfer->body_size ? (const char *)transfer->body : "");
}

/* The answer to the attempt that was noted; NULL: none. */
static const struct fake_answer *answer_of(const char *request) {
    const struct fake_answer *answer = asked < script_count ? &script[asked] : NULL;
    size_t length = answer ? strlen(answer->request) : 0;
    if (answer && strncmp(request, answer->request, length) == 0 && request[length] == '\n')
        return answer->code ? answer : NULL;
    mistakes++;
    return NULL;
}

static pomona_status attempt(struct http_transfer *transfer, enum http_verdict *verdict,
                             struct pomona_error *error) {
    pomona_status status = POMONA_OK;
    *verdict = HTTP_FAILED;
    buffer_clear(&transfer->url);
    buffer_clear(&transfer->headers);
    TRY(transfer->prepare(transfer, error));
    note(transfer);
    const struct fake_answer *answer = answer_of(requests[asked < REQUESTS_MAX ? asked : REQUESTS_MAX - 1]);
    asked++;
    direct += is_direct;
    transfer->code = answer ? answer->code : 0;
    if (!answer) return fail(error, POMONA_E_IO, transfer->name, "the server does not answer");
    bool good = answer->code >= 200 && answer->code < 300;
    struct buffer *body = good ? transfer->response : &transfer->trouble;
    buffer_clear(body);
    TRY(buffer_append_text(body, answer->body ? answer->body : "", error));
    *verdict = (transfer->judge ? transfer->judge : http_judge)(transfer, &status, error);
    return *verdict == HTTP_DONE ? POMONA_OK : status;
}

pomona_status http_run(struct http *http, struct http_transfer *transfer, struct pomona_error *error) {
    enum { ATTEMPTS_MAX = 3 };
    struct pomona_error cause = {0};
    (void)http;
    for (int i = 1;; i++) {
        enum http_verdict verdict;
        transfer->status = attempt(transfer, &verdict, &cause);
        if (verdict != HTTP_DONE && verdict != HTTP_FAILED && i < ATTEMPTS_MAX) continue;
        if (transfer->status != POMONA_OK && error) *error = cause;
        return transfer->status;
    }
}
