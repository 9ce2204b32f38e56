#include "store/http_attempt.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { STALL_BYTES_A_SECOND = 1024, SLOW_ANSWER_SECONDS = 600 };

static bool is_success(const struct http_transfer *transfer) {
    return transfer->code >= 200 && transfer->code < 300;
}

/* libcurl's callbacks: fewer bytes taken than given ends the transfer with CURLE_WRITE_ERROR. */
static size_t take_body(char *data, size_t one, size_t size, void *user) {
    struct http_transfer *transfer = user;
    (void)one;
    if (!is_success(transfer)) {
        struct buffer *trouble = &transfer->trouble;
        size_t room = trouble->limit - trouble->size;
        if (buffer_append(trouble, data, size < room ? size : room, NULL) != POMONA_OK) return 0;
        return size;
    }
    if (!transfer->response) return size;
    pomona_status status = buffer_append(transfer->response, data, size, NULL);
    transfer->response_full = status == POMONA_E_LIMIT;
    return status == POMONA_OK ? size : 0;
}

static size_t take_header(char *data, size_t one, size_t size, void *user) {
    struct http_transfer *transfer = user;
    (void)one;
    if (size >= 5 && memcmp(data, "HTTP/", 5) == 0) { /* a new answer; 100 Continue may have come before */
        long code = 0;
        curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &code);
        transfer->code = (int)code;
        buffer_clear(&transfer->response_headers);
        return size;
    }
    size_t length = size;
    while (length > 0 && isspace((unsigned char)data[length - 1])) length--;
    if (length == 0) {
        /* The end of the headers: with a known length the body needs one allocation. */
        curl_off_t body = -1;
        curl_easy_getinfo(transfer->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &body);
        if (is_success(transfer) && transfer->response && body > 0 &&
            (uint64_t)body <= transfer->response->limit && strcmp(transfer->method, "HEAD") != 0 &&
            buffer_reserve(transfer->response, (size_t)body, NULL) != POMONA_OK)
            return 0;
        return size;
    }
    struct buffer *out = &transfer->response_headers;
    size_t start = out->size;
    if (buffer_append(out, data, length, NULL) != POMONA_OK ||
        buffer_append_byte(out, '\n', NULL) != POMONA_OK)
        return 0;
    for (size_t i = start; i < out->size && out->data[i] != ':'; i++)
        out->data[i] = (uint8_t)tolower(out->data[i]);
    return size;
}

/* The lines of prepare as libcurl's list. "Name:" without a value takes a header of libcurl's own away. */
static struct curl_slist *make_headers(struct http_transfer *transfer) {
    static const char *const unwanted[] = {"Expect:", "Accept:", "Content-Type:"};
    struct curl_slist *list = NULL;
    const char *at;
    if (buffer_terminate(&transfer->headers, &at, NULL) != POMONA_OK) return NULL;
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++) {
        struct curl_slist *longer = curl_slist_append(list, unwanted[i]);
        if (!longer) goto failed;
        list = longer;
    }
    while (*at) {
        char line[8192]; /* a session token has up to 4 KB */
        size_t length = strcspn(at, "\n");
        if (length >= sizeof line) goto failed;
        memcpy(line, at, length);
        line[length] = '\0';
        struct curl_slist *longer = curl_slist_append(list, line);
        if (!longer) goto failed;
        list = longer;
        at += length + (at[length] == '\n');
    }
    return list;
failed:
    curl_slist_free_all(list);
    return NULL;
}

static void set_method(CURL *handle, const struct http_transfer *transfer) {
    if (strcmp(transfer->method, "GET") == 0) {
        curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
    } else if (strcmp(transfer->method, "HEAD") == 0) {
        curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    } else if (transfer->body || strcmp(transfer->method, "DELETE") != 0) {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body_size);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, transfer->body ? transfer->body : "");
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, transfer->method);
    } else {
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, transfer->method);
    }
}

pomona_status http_attempt_begin(struct http_transfer *transfer, const struct http_options *options,
                                 struct pomona_error *error) {
    CURL *handle = transfer->handle;
    const char *url;
    TRY(buffer_terminate(&transfer->url, &url, error));
    curl_easy_reset(handle); /* keeps connections */
    transfer->headers_list = make_headers(transfer);
    if (!transfer->headers_list) return fail_memory(error, "HTTP headers");
    transfer->code = 0;
    transfer->response_full = false;
    buffer_clear(&transfer->response_headers);
    buffer_clear(&transfer->trouble);
    if (transfer->response) buffer_clear(transfer->response);
    curl_easy_setopt(handle, CURLOPT_PRIVATE, transfer);
    if (curl_easy_setopt(handle, CURLOPT_URL, url) != CURLE_OK) return fail_memory(error, "URL");
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, transfer->headers_list);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L); /* keys may hold ".." */
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, options->connect_milliseconds);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_A_SECOND);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME,
                     transfer->slow_answer ? (long)SLOW_ANSWER_SECONDS : options->stall_seconds);
    if (options->direct) curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
    if (options->ca_bundle) curl_easy_setopt(handle, CURLOPT_CAINFO, options->ca_bundle);
    set_method(handle, transfer);
    return POMONA_OK;
}

void http_attempt_end(struct http_transfer *transfer) {
    curl_slist_free_all(transfer->headers_list);
    transfer->headers_list = NULL;
}

/* Whether a connection was ever made for this attempt. */
static bool was_connected(CURL *handle) {
    long port = 0;
    curl_easy_getinfo(handle, CURLINFO_PRIMARY_PORT, &port);
    return port != 0;
}

enum http_trouble http_attempt_outcome(struct http_transfer *transfer, CURLcode result, pomona_status *status,
                                       struct pomona_error *error) {
    const char *text = curl_easy_strerror(result);
    *status = POMONA_E_IO;
    switch (result) {
    case CURLE_OK: return HTTP_TROUBLE_NONE;
    case CURLE_WRITE_ERROR:
        if (transfer->response_full)
            *status = fail(error, POMONA_E_LIMIT, transfer->name, "is larger than %zu bytes",
                           transfer->response->limit);
        else
            *status = fail_memory(error, transfer->name);
        return HTTP_TROUBLE_FATAL;
    case CURLE_OUT_OF_MEMORY: *status = fail_memory(error, transfer->name); return HTTP_TROUBLE_FATAL;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        *status = fail(error, POMONA_E_INPUT, transfer->name, "%s", text);
        return HTTP_TROUBLE_FATAL;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        fail(error, POMONA_E_IO, transfer->name, "%s", text);
        return HTTP_TROUBLE_FATAL;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        fail(error, POMONA_E_IO, transfer->name, "%s", text);
        return HTTP_TROUBLE_AWAY;
    case CURLE_OPERATION_TIMEDOUT:
        if (!was_connected(transfer->handle)) {
            fail(error, POMONA_E_IO, transfer->name, "the server does not answer");
            return HTTP_TROUBLE_AWAY;
        }
        fail(error, POMONA_E_IO, transfer->name, "the answer stalls");
        return HTTP_TROUBLE_TRANSIENT;
    default: fail(error, POMONA_E_IO, transfer->name, "%s", text); return HTTP_TROUBLE_TRANSIENT;
    }
}
