#include "store/sigv4.h"

#include "store/hmac.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* "20130524T000000Z"; the day alone is its first 8 characters. */
enum { TIME_SIZE = 17, DAY_LENGTH = 8 };

/* A piece of somebody's text. */
struct span {
    const char *text;
    size_t size;
};

/* A header or a part of the query: a name, a value, and its place among others of the same name. */
struct part {
    struct span name, value;
    size_t place;
};

struct parts {
    struct part list[SIGV4_PARTS_MAX + 5]; /* room for the headers that are added here */
    size_t count;
};

pomona_status sigv4_encode(struct buffer *out, const char *text, bool keep_slash,
                           struct pomona_error *error) {
    static const char digits[] = "0123456789ABCDEF";
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        bool letter = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
        bool plain = letter || (byte >= '0' && byte <= '9') || strchr("-._~", byte);
        if (plain || (byte == '/' && keep_slash)) {
            TRY(buffer_append_byte(out, byte, error));
        } else {
            const char escape[3] = {'%', digits[byte >> 4], digits[byte & 15]};
            TRY(buffer_append(out, escape, sizeof escape, error));
        }
    }
    return POMONA_OK;
}

static void add_part(struct parts *parts, struct span name, struct span value) {
    parts->list[parts->count] = (struct part){name, value, parts->count};
    parts->count++;
}

static struct span span_of(const char *text) { return (struct span){text, strlen(text)}; }

static struct span trim(struct span span) {
    while (span.size > 0 && (*span.text == ' ' || *span.text == '\t')) span.text++, span.size--;
    while (span.size > 0 && strchr(" \t\r", span.text[span.size - 1])) span.size--;
    return span;
}

/* Takes "NAME<between>VALUE<end>..." apart. A part of a query may lack the `between`: its value is empty then. */
static pomona_status split(const char *text, char between, char end, struct parts *parts,
                           struct pomona_error *error) {
    while (*text) {
        const char *stop = strchr(text, end);
        size_t size = stop ? (size_t)(stop - text) : strlen(text);
        const char *middle = memchr(text, between, size);
        struct span name = {text, middle ? (size_t)(middle - text) : size};
        struct span value = {text + size, 0};
        if (middle) value = (struct span){middle + 1, size - name.size - 1};
        if (size > 0) {
            if (parts->count == SIGV4_PARTS_MAX)
                return fail(error, POMONA_E_LIMIT, NULL, "more than %d headers or query parts to sign",
                            SIGV4_PARTS_MAX);
            if (!middle && between == ':')
                return fail(error, POMONA_E_INTERNAL, NULL, "a header without a colon");
            add_part(parts, name, value);
        }
        text += size + (stop != NULL);
    }
    return POMONA_OK;
}

static int compare_spans(struct span a, struct span b, bool ignore_case) {
    size_t size = a.size < b.size ? a.size : b.size;
    for (size_t i = 0; i < size; i++) {
        int x = (unsigned char)a.text[i], y = (unsigned char)b.text[i];
        if (ignore_case) x = tolower(x), y = tolower(y);
        if (x != y) return x - y;
    }
    return a.size == b.size ? 0 : a.size < b.size ? -1 : 1;
}

/* By name, then by value: encoded text, so that its bytes have the order that is asked for. */
static int by_name_and_value(const void *first, const void *second) {
    const struct part *a = first, *b = second;
    int order = compare_spans(a->name, b->name, false);
    return order ? order : compare_spans(a->value, b->value, false);
}

/* By name without case; values of one name keep their order. */
static int by_header(const void *first, const void *second) {
    const struct part *a = first, *b = second;
    int order = compare_spans(a->name, b->name, true);
    return order ? order : a->place < b->place ? -1 : 1;
}

static pomona_status append_query(const char *query, struct buffer *out, struct pomona_error *error) {
    struct parts parts = {.count = 0};
    TRY(split(query, '=', '&', &parts, error));
    qsort(parts.list, parts.count, sizeof *parts.list, by_name_and_value);
    for (size_t i = 0; i < parts.count; i++) {
        const struct part *part = &parts.list[i];
        if (i > 0) TRY(buffer_append_byte(out, '&', error));
        TRY(buffer_append(out, part->name.text, part->name.size, error));
        TRY(buffer_append_byte(out, '=', error));
        TRY(buffer_append(out, part->value.text, part->value.size, error));
    }
    return buffer_append_byte(out, '\n', error);
}

static pomona_status append_lower(struct buffer *out, struct span span, struct pomona_error *error) {
    for (size_t i = 0; i < span.size; i++)
        TRY(buffer_append_byte(out, (uint8_t)tolower((unsigned char)span.text[i]), error));
    return POMONA_OK;
}

/* A header's value with runs of spaces as one. */
static pomona_status append_value(struct buffer *out, struct span span, struct pomona_error *error) {
    span = trim(span);
    for (size_t i = 0; i < span.size; i++)
        if (span.text[i] != ' ' || span.text[i - 1] != ' ')
            TRY(buffer_append_byte(out, (uint8_t)span.text[i], error));
    return POMONA_OK;
}

static bool same_header(const struct parts *headers, size_t i) {
    return i > 0 && compare_spans(headers->list[i].name, headers->list[i - 1].name, true) == 0;
}

/* "name:value\n" for each header (values of one name joined by commas), in order of names. */
static pomona_status append_headers(const struct parts *headers, struct buffer *out,
                                    struct pomona_error *error) {
    for (size_t i = 0; i < headers->count; i++) {
        if (same_header(headers, i)) {
            out->size--; /* the line break of the last one */
            TRY(buffer_append_byte(out, ',', error));
        } else {
            TRY(append_lower(out, headers->list[i].name, error));
            TRY(buffer_append_byte(out, ':', error));
        }
        TRY(append_value(out, headers->list[i].value, error));
        TRY(buffer_append_byte(out, '\n', error));
    }
    return POMONA_OK;
}

/* "host;x-amz-date" */
static pomona_status append_names(const struct parts *headers, struct buffer *out,
                                  struct pomona_error *error) {
    for (size_t i = 0; i < headers->count; i++) {
        if (same_header(headers, i)) continue;
        if (i > 0) TRY(buffer_append_byte(out, ';', error));
        TRY(append_lower(out, headers->list[i].name, error));
    }
    return POMONA_OK;
}

/* The canonical request of the AWS documents. */
static pomona_status append_request(const struct sigv4_request *request, const struct parts *headers,
                                    struct buffer *out, struct pomona_error *error) {
    TRY(buffer_printf(out, error, "%s\n%s\n", request->method, request->path));
    TRY(append_query(request->query, out, error));
    TRY(append_headers(headers, out, error));
    TRY(buffer_append_byte(out, '\n', error));
    TRY(append_names(headers, out, error));
    return buffer_printf(out, error, "\n%s", request->payload_hash);
}

/* The signature, in hex, of what the canonical request, the time and the scope come to. */
static pomona_status sign(const struct sigv4_request *request, const struct credentials *credentials,
                          const char *time_text, const struct buffer *canonical,
                          char signature[SHA256_HEX_SIZE], struct pomona_error *error) {
    enum { TEXT_MAX = 1024 };
    struct buffer text = BUFFER_INIT(TEXT_MAX);
    uint8_t key[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    sha256_hex_of(canonical->data, canonical->size, hex);
    pomona_status status = POMONA_OK;
    TRY_GOTO(buffer_printf(&text, error, "AWS4%s", credentials->secret_key), status, out);
    hmac_sha256(text.data, text.size, time_text, DAY_LENGTH, key);
    hmac_sha256(key, sizeof key, request->region, strlen(request->region), key);
    hmac_sha256(key, sizeof key, request->service, strlen(request->service), key);
    hmac_sha256(key, sizeof key, "aws4_request", 12, key);
    buffer_clear(&text);
    TRY_GOTO(buffer_printf(&text, error, "AWS4-HMAC-SHA256\n%s\n%.8s/%s/%s/aws4_request\n%s", time_text,
                           time_text, request->region, request->service, hex),
             status, out);
    hmac_sha256(key, sizeof key, text.data, text.size, key);
    sha256_hex(key, signature);
out:
    buffer_free(&text);
    return status;
}

pomona_status sigv4_sign(const struct sigv4_request *request, const struct credentials *credentials,
                         struct buffer *out, struct pomona_error *error) {
    size_t length = strlen(request->headers);
    TRY(buffer_append(out, request->headers, length, error));
    if (length > 0 && request->headers[length - 1] != '\n') TRY(buffer_append_byte(out, '\n', error));
    if (!credentials->access_key[0]) return POMONA_OK;

    char time_text[TIME_SIZE], signature[SHA256_HEX_SIZE];
    struct tm parts;
    if (!gmtime_r(&request->now, &parts) ||
        strftime(time_text, sizeof time_text, "%Y%m%dT%H%M%SZ", &parts) != 16)
        return fail(error, POMONA_E_INTERNAL, NULL, "a time that no calendar has");
    struct parts headers = {.count = 0};
    TRY(split(request->headers, ':', '\n', &headers, error));
    bool is_s3 = strcmp(request->service, "s3") == 0, has_token = credentials->token[0] != '\0';
    add_part(&headers, span_of("host"), span_of(request->host));
    add_part(&headers, span_of("x-amz-date"), span_of(time_text));
    if (is_s3) add_part(&headers, span_of("x-amz-content-sha256"), span_of(request->payload_hash));
    if (has_token) add_part(&headers, span_of("x-amz-security-token"), span_of(credentials->token));
    qsort(headers.list, headers.count, sizeof *headers.list, by_header);

    TRY(buffer_printf(out, error, "x-amz-date: %s\n", time_text));
    if (is_s3) TRY(buffer_printf(out, error, "x-amz-content-sha256: %s\n", request->payload_hash));
    if (has_token) TRY(buffer_printf(out, error, "x-amz-security-token: %s\n", credentials->token));

    enum { CANONICAL_MAX = 256 << 10 };
    struct buffer canonical = BUFFER_INIT(CANONICAL_MAX);
    pomona_status status = POMONA_OK;
    TRY_GOTO(append_request(request, &headers, &canonical, error), status, out);
    TRY_GOTO(sign(request, credentials, time_text, &canonical, signature, error), status, out);
    TRY_GOTO(buffer_printf(out, error,
                           "Authorization: AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s/aws4_request,"
                           "SignedHeaders=",
                           credentials->access_key, time_text, request->region, request->service),
             status, out);
    TRY_GOTO(append_names(&headers, out, error), status, out);
    TRY_GOTO(buffer_printf(out, error, ",Signature=%s\n", signature), status, out);
out:
    buffer_free(&canonical);
    return status;
}
