#include "tests/store/servers/http_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

bool wire_fill(struct wire *wire) {
    if (wire->start > 0) {
        memmove(wire->bytes, wire->bytes + wire->start, wire->end - wire->start);
        wire->end -= wire->start;
        wire->start = 0;
    }
    if (wire->end == WIRE_BYTES) return false;
    ssize_t got;
    do got = recv(wire->fd, wire->bytes + wire->end, WIRE_BYTES - wire->end, 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0) return false;
    wire->end += (size_t)got;
    return true;
}

long wire_head(struct wire *wire) {
    size_t searched = 0; /* from start */
    for (;;) {
        size_t size = wire->end - wire->start;
        const char *bytes = wire->bytes + wire->start;
        const char *end = memmem(bytes + searched, size - searched, "\r\n\r\n", 4);
        if (end) return end + 4 - bytes;
        searched = size > 3 ? size - 3 : 0;
        if (!wire_fill(wire)) return size == 0 ? 0 : -1;
    }
}

/* ---- heads ---- */

static bool copy(char *out, size_t capacity, const char *from, size_t size) {
    if (size >= capacity) return false;
    memcpy(out, from, size);
    out[size] = '\0';
    return true;
}

static bool named(const char *line, size_t size, const char *name, const char **value, size_t *value_size) {
    size_t length = strlen(name);
    if (size <= length || line[length] != ':' || strncasecmp(line, name, length) != 0) return false;
    const char *at = line + length + 1, *end = line + size;
    while (at < end && (*at == ' ' || *at == '\t')) at++;
    while (end > at && (end[-1] == ' ' || end[-1] == '\t')) end--;
    *value = at;
    *value_size = (size_t)(end - at);
    return true;
}

static bool is(const char *value, size_t size, const char *word) {
    return size == strlen(word) && strncasecmp(value, word, size) == 0;
}

/* "AWS4-HMAC-SHA256 Credential=KEY/20260101/eu-west-1/s3/aws4_request, ..." */
static void read_region(const char *value, size_t size, struct http_head *head) {
    const char *end = value + size, *at = memmem(value, size, "Credential=", 11);
    for (int slashes = 0; at && slashes < 2; slashes++) {
        at = memchr(at, '/', (size_t)(end - at));
        if (at) at++;
    }
    const char *stop = at ? memchr(at, '/', (size_t)(end - at)) : NULL;
    if (stop) copy(head->region, sizeof head->region, at, (size_t)(stop - at));
}

static bool read_size(const char *value, size_t size, uint64_t *out) {
    *out = 0;
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9' || *out > UINT64_MAX / 100) return false;
        *out = *out * 10 + (uint64_t)(value[i] - '0');
    }
    return size > 0;
}

static bool read_field(const char *line, size_t size, struct http_head *head) {
    const char *value;
    size_t length;
    if (named(line, size, "Content-Length", &value, &length)) {
        if (head->framing != BODY_CHUNKED) head->framing = BODY_SIZED;
        return read_size(value, length, &head->size);
    }
    if (named(line, size, "Transfer-Encoding", &value, &length)) {
        if (is(value, length, "chunked")) head->framing = BODY_CHUNKED;
        return is(value, length, "chunked") || is(value, length, "identity");
    }
    if (named(line, size, "Connection", &value, &length)) {
        if (is(value, length, "close")) head->closes = true;
        if (is(value, length, "keep-alive")) head->closes = false;
    } else if (named(line, size, "Expect", &value, &length)) {
        head->expects_continue = is(value, length, "100-continue");
    } else if (named(line, size, "Host", &value, &length)) {
        return copy(head->host, sizeof head->host, value, length);
    } else if (named(line, size, "Authorization", &value, &length)) {
        read_region(value, length, head);
    }
    return true;
}

static bool read_fields(const char *at, const char *end, struct http_head *head) {
    while (at < end) {
        const char *stop = memmem(at, (size_t)(end - at), "\r\n", 2);
        if (!stop) return false;
        if (stop > at && !read_field(at, (size_t)(stop - at), head)) return false;
        at = stop + 2;
    }
    return true;
}

static void clear(struct http_head *head) {
    head->method[0] = head->target[0] = head->host[0] = head->region[0] = '\0';
    head->code = 0;
    head->framing = BODY_NONE;
    head->size = 0;
    head->expects_continue = head->closes = false;
}

bool http_request_head(const char *bytes, size_t size, struct http_head *head) {
    clear(head);
    const char *end = bytes + size, *line_end = memmem(bytes, size, "\r\n", 2);
    const char *space = line_end ? memchr(bytes, ' ', (size_t)(line_end - bytes)) : NULL;
    const char *second = space ? memchr(space + 1, ' ', (size_t)(line_end - space - 1)) : NULL;
    if (!second || line_end - second != 9 || memcmp(second, " HTTP/1.", 8) != 0) return false;
    head->closes = second[8] == '0';
    if (!copy(head->method, sizeof head->method, bytes, (size_t)(space - bytes))) return false;
    if (!copy(head->target, sizeof head->target, space + 1, (size_t)(second - space - 1))) return false;
    if (!read_fields(line_end + 2, end, head)) return false;
    if (head->framing == BODY_SIZED && head->size == 0) head->framing = BODY_NONE;
    return true;
}

bool http_response_head(const char *bytes, size_t size, const char *method, struct http_head *head) {
    clear(head);
    const char *end = bytes + size, *line_end = memmem(bytes, size, "\r\n", 2);
    if (!line_end || line_end - bytes < 12 || memcmp(bytes, "HTTP/1.", 7) != 0) return false;
    head->closes = bytes[7] == '0';
    for (int i = 9; i < 12; i++) {
        if (bytes[i] < '0' || bytes[i] > '9') return false;
        head->code = head->code * 10 + (bytes[i] - '0');
    }
    head->framing = BODY_TO_THE_END;
    if (!read_fields(line_end + 2, end, head)) return false;
    if (strcmp(method, "HEAD") == 0 || head->code < 200 || head->code == 204 || head->code == 304 ||
        (head->framing == BODY_SIZED && head->size == 0))
        head->framing = BODY_NONE;
    if (head->framing == BODY_TO_THE_END) head->closes = true;
    return true;
}

/* ---- bodies ---- */

enum { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_DATA, CHUNK_DATA_END, TRAILER_START, TRAILER };

void http_body_start(struct http_body *body, const struct http_head *head) {
    *body = (struct http_body){
        .framing = head->framing, .state = CHUNK_SIZE, .left = head->framing == BODY_SIZED ? head->size : 0};
    body->over = head->framing == BODY_NONE;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of a chunked body that is not payload. */
static void read_framing(struct http_body *body, char byte) {
    switch (body->state) {
    case CHUNK_SIZE:
        if (hex_digit(byte) >= 0) {
            body->left = body->left << 4 | (uint64_t)hex_digit(byte);
            return;
        }
        body->state = CHUNK_EXTENSION;
        /* fall through */
    case CHUNK_EXTENSION:
        if (byte == '\n') body->state = body->left > 0 ? CHUNK_DATA : TRAILER_START;
        return;
    case CHUNK_DATA_END:
        if (byte == '\n') body->state = CHUNK_SIZE;
        return;
    case TRAILER_START:
        if (byte == '\n')
            body->over = true;
        else if (byte != '\r')
            body->state = TRAILER;
        return;
    default:
        if (byte == '\n') body->state = TRAILER_START;
    }
}

size_t http_body_next(struct http_body *body, const char *bytes, size_t size, bool *payload) {
    *payload = true;
    if (body->framing == BODY_TO_THE_END) return size;
    if (body->framing == BODY_SIZED || body->state == CHUNK_DATA) {
        size_t run = size < body->left ? size : (size_t)body->left;
        body->left -= run;
        if (body->left == 0) {
            body->over = body->framing == BODY_SIZED;
            body->state = CHUNK_DATA_END;
        }
        return run;
    }
    *payload = false;
    size_t used = 0;
    while (used < size && !body->over && body->state != CHUNK_DATA) read_framing(body, bytes[used++]);
    return used;
}
