#include "store/http.h"

#include <string.h>
#include <strings.h>

bool http_header(const struct http_transfer *transfer, const char *name, char *out, size_t capacity) {
    const struct buffer *lines = &transfer->response_headers;
    size_t length = strlen(name);
    out[0] = '\0';
    for (size_t at = 0; at < lines->size;) {
        const char *line = (const char *)lines->data + at;
        const char *end = memchr(line, '\n', lines->size - at);
        size_t size = end ? (size_t)(end - line) : lines->size - at;
        at += size + 1;
        if (size <= length || memcmp(line, name, length) != 0 || line[length] != ':') continue;
        const char *value = line + length + 1;
        while (value < line + size && (*value == ' ' || *value == '\t')) value++;
        size_t used = (size_t)(line + size - value);
        if (used >= capacity) return false;
        memcpy(out, value, used);
        out[used] = '\0';
        return true;
    }
    return false;
}

static bool says_slow_down(const struct buffer *body) {
    return body->size > 0 &&
           (memmem(body->data, body->size, "SlowDown", 8) || memmem(body->data, body->size, "Slow Down", 9));
}

enum http_verdict http_judge(struct http_transfer *transfer, pomona_status *status,
                             struct pomona_error *error) {
    int code = transfer->code;
    if (code >= 200 && code < 300) return HTTP_DONE;
    bool missing = code == 404 || code == 410, forbidden = code == 401 || code == 403;
    *status = fail(error, missing || forbidden ? POMONA_E_INPUT : POMONA_E_IO, transfer->name,
                   "the server answers %d%s", code,
                   missing     ? ": there is no such thing"
                   : forbidden ? ": access is denied"
                               : "");
    switch (code) {
    case 408:
    case 500:
    case 502:
    case 504: return HTTP_TRANSIENT;
    case 503: return says_slow_down(&transfer->trouble) ? HTTP_THROTTLED : HTTP_TRANSIENT;
    case 429: return HTTP_THROTTLED;
    default: return HTTP_FAILED;
    }
}
