#include "store/s3.h"

#include "base/memory.h"
#include "store/checksum.h"
#include "store/s3_xml.h"
#include "store/sigv4.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* SHA-256 of nothing. */
static const char empty_hash[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static pomona_status prepare(struct http_transfer *transfer, struct pomona_error *error) {
    struct s3_call *call = transfer->user;
    struct place_address address;
    TRY(places_address(call->places, call->bucket, &address, error));
    TRY(credentials_get(call->places->credentials, &call->used, error));
    memcpy(call->used_region, address.region, sizeof call->used_region);
    call->used_skew = atomic_load(&call->places->skew);
    struct buffer path = BUFFER_INIT(HTTP_LINES_MAX);
    const char *path_text, *query, *more;
    pomona_status status = POMONA_OK;
    const char *prefix = strchr(address.base + 8, '/'); /* an endpoint may lie below a path */
    if (prefix) TRY_GOTO(buffer_append_text(&path, prefix, error), status, out);
    if (address.bucket_in_path) {
        TRY_GOTO(buffer_append_byte(&path, '/', error), status, out);
        TRY_GOTO(sigv4_encode(&path, call->bucket, false, error), status, out);
    }
    if (call->key[0] || !address.bucket_in_path) TRY_GOTO(buffer_append_byte(&path, '/', error), status, out);
    TRY_GOTO(sigv4_encode(&path, call->key, true, error), status, out);
    TRY_GOTO(buffer_terminate(&path, &path_text, error), status, out);
    TRY_GOTO(buffer_terminate(&call->query, &query, error), status, out);
    TRY_GOTO(buffer_terminate(&call->lines, &more, error), status, out);
    size_t site = prefix ? (size_t)(prefix - address.base) : strlen(address.base);
    TRY_GOTO(buffer_append(&transfer->url, address.base, site, error), status, out);
    TRY_GOTO(buffer_printf(&transfer->url, error, "%s%s%s", path_text, *query ? "?" : "", query), status,
             out);
    if (call->places->options.anonymous) {
        status = buffer_append_text(&transfer->headers, more, error);
    } else {
        struct sigv4_request request = {.method = transfer->method,
                                        .host = address.host,
                                        .path = path_text,
                                        .query = query,
                                        .headers = more,
                                        .payload_hash = call->payload_hash,
                                        .region = address.region,
                                        .service = "s3",
                                        .now = time(NULL) + call->used_skew};
        status = sigv4_sign(&request, &call->used, &transfer->headers, error);
    }
out:
    buffer_free(&path);
    return status;
}

/* The signature's time was refused: the server's Date says by how much our clock is off. False: no news. */
static bool learn_skew(struct s3_call *call) {
    enum { WORTH_SECONDS = 60 };
    char text[64];
    if (!http_header(&call->transfer, "date", text, sizeof text)) return false;
    time_t theirs = curl_getdate(text, NULL);
    if (theirs < 0) return false;
    long skew = (long)(theirs - time(NULL)), before = call->used_skew;
    if (skew - before < WORTH_SECONDS && before - skew < WORTH_SECONDS) return false;
    atomic_store(&call->places->skew, skew);
    return true;
}

/* False: the attempt was signed for that region already, so asking again there is pointless. */
static bool learn_region(struct s3_call *call, const char *region) {
    return places_learn_region(call->places, call->bucket, region) && strcmp(region, call->used_region) != 0;
}

/* What S3's words mean, where they say more than the HTTP code. */
static const struct meaning {
    const char *code;
    enum http_verdict verdict;
    pomona_status status;
} meanings[] = {
    {"SlowDown", HTTP_THROTTLED, POMONA_E_IO},
    {"Throttling", HTTP_THROTTLED, POMONA_E_IO},
    {"ThrottlingException", HTTP_THROTTLED, POMONA_E_IO},
    {"RequestLimitExceeded", HTTP_THROTTLED, POMONA_E_IO},
    {"TooManyRequests", HTTP_THROTTLED, POMONA_E_IO},
    {"InternalError", HTTP_TRANSIENT, POMONA_E_IO},
    {"ServiceUnavailable", HTTP_TRANSIENT, POMONA_E_IO},
    {"RequestTimeout", HTTP_TRANSIENT, POMONA_E_IO},
    {"OperationAborted", HTTP_TRANSIENT, POMONA_E_IO},
    {"ConditionalRequestConflict", HTTP_TRANSIENT, POMONA_E_EXISTS},
    {"BadDigest", HTTP_TRANSIENT, POMONA_E_IO},
    {"XAmzContentSHA256Mismatch", HTTP_TRANSIENT, POMONA_E_IO},
    {"XAmzContentChecksumMismatch", HTTP_TRANSIENT, POMONA_E_IO},
    {"IncompleteBody", HTTP_TRANSIENT, POMONA_E_IO},
    {"PreconditionFailed", HTTP_FAILED, POMONA_E_EXISTS},
    {"AccessDenied", HTTP_FAILED, POMONA_E_INPUT},
    {"InvalidAccessKeyId", HTTP_FAILED, POMONA_E_INPUT},
    {"SignatureDoesNotMatch", HTTP_FAILED, POMONA_E_INPUT},
    {"NoSuchBucket", HTTP_FAILED, POMONA_E_INPUT},
    {"NoSuchKey", HTTP_FAILED, POMONA_E_INPUT},
    {"NoSuchUpload", HTTP_FAILED, POMONA_E_INPUT},
    {"InvalidObjectState", HTTP_FAILED, POMONA_E_INPUT}, /* in an archive tier */
};

static bool is_one_of(const char *code, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(code, words[i]) == 0) return true;
    return false;
}

/* Region, clock and credentials: what can be put right at once. */
static bool puts_right(struct s3_call *call, const struct s3_error *said) {
    static const char *const expired[] = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"};
    static const char *const clock[] = {"RequestTimeTooSkewed", "RequestExpired"};
    char region[PLACES_REGION_SIZE];
    int code = call->transfer.code;
    if (is_one_of(said->code, expired, 3)) {
        credentials_reject(call->places->credentials, &call->used);
        return true;
    }
    if (is_one_of(said->code, clock, 2)) return learn_skew(call);
    if (code == 301 || code == 307 || code == 400) {
        if (!http_header(&call->transfer, "x-amz-bucket-region", region, sizeof region))
            snprintf(region, sizeof region, "%s", said->region);
        return learn_region(call, region);
    }
    /* A HEAD's answer has no body; a 403 with another region's name in it is a signature for the wrong one. */
    return code == 403 && strcmp(call->transfer.method, "HEAD") == 0 &&
           http_header(&call->transfer, "x-amz-bucket-region", region, sizeof region) &&
           learn_region(call, region);
}

static enum http_verdict refuse(struct s3_call *call, const struct s3_error *said, pomona_status *status,
                                struct pomona_error *error) {
    struct http_transfer *transfer = &call->transfer;
    snprintf(call->code, sizeof call->code, "%s", said->code);
    if (puts_right(call, said)) {
        *status = fail(error, POMONA_E_IO, call->name, "%s: %s", said->code, said->message);
        return HTTP_ONCE_MORE;
    }
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (strcmp(meanings[i].code, said->code) != 0) continue;
        *status = fail(error, meanings[i].status, call->name, "the server answers %d %s%s%s", transfer->code,
                       said->code, said->message[0] ? ": " : "", said->message);
        return meanings[i].verdict;
    }
    if (transfer->code == 412) {
        *status = fail(error, POMONA_E_EXISTS, call->name, "is not what it was, or exists already");
        return HTTP_FAILED;
    }
    enum http_verdict verdict = http_judge(transfer, status, error);
    if (said->code[0])
        fail(error, *status, call->name, "the server answers %d %s%s%s", transfer->code, said->code,
             said->message[0] ? ": " : "", said->message);
    return verdict;
}

void s3_call_etag(const struct s3_call *call, char out[S3_ETAG_SIZE]) {
    char text[S3_ETAG_SIZE];
    out[0] = '\0';
    if (!http_header(&call->transfer, "etag", text, sizeof text)) return;
    size_t length = strlen(text);
    bool quoted = length >= 2 && text[0] == '"' && text[length - 1] == '"';
    snprintf(out, S3_ETAG_SIZE, "%.*s", (int)(quoted ? length - 2 : length), quoted ? text + 1 : text);
}

/* Whether the body is what the server says that it has: by its checksum, else by an ETag that is an MD5 (which it is unless the
 * object came in parts or is encrypted with a key of KMS or of the customer). */
static bool is_intact(const struct s3_call *call) {
    const struct http_transfer *transfer = &call->transfer;
    const struct buffer *body = transfer->response;
    char text[S3_ETAG_SIZE], ours[33];
    if (http_header(transfer, "x-amz-checksum-crc32c", text, sizeof text) && !strchr(text, '-')) {
        crc_base64(crc32c(0, body->data, body->size), ours);
        return strcmp(text, ours) == 0;
    }
    if (http_header(transfer, "x-amz-server-side-encryption", text, sizeof text) &&
        strcmp(text, "AES256") != 0)
        return true;
    if (http_header(transfer, "x-amz-server-side-encryption-customer-algorithm", text, sizeof text))
        return true;
    s3_call_etag(call, text);
    if (strlen(text) != 32 || strspn(text, "0123456789abcdef") != 32) return true;
    return !md5_hex(body->data, body->size, ours) || strcmp(text, ours) == 0;
}

static enum http_verdict judge(struct http_transfer *transfer, pomona_status *status,
                               struct pomona_error *error) {
    struct s3_call *call = transfer->user;
    struct s3_error said = {.code = ""};
    call->code[0] = '\0';
    if (transfer->code < 200 || transfer->code > 299) {
        s3_xml_error(transfer->trouble.data, transfer->trouble.size, &said);
        return refuse(call, &said, status, error);
    }
    if (call->expect_xml && transfer->response &&
        s3_xml_error(transfer->response->data, transfer->response->size, &said))
        return refuse(call, &said, status, error);
    if (call->whole && transfer->code == 200 && !is_intact(call)) {
        *status = fail(error, POMONA_E_CORRUPT, call->name, "the bytes do not match their checksum");
        return HTTP_TRANSIENT;
    }
    return HTTP_DONE;
}

void s3_call_aim(struct s3_call *call, struct pomona_places *places, const char *method, const char *bucket,
                 const char *key) {
    buffer_clear(&call->query);
    buffer_clear(&call->lines);
    call->places = places;
    call->bucket = bucket;
    call->key = key;
    call->expect_xml = call->whole = false;
    call->code[0] = '\0';
    snprintf(call->name, sizeof call->name, "s3://%s%s%s", bucket, key[0] ? "/" : "", key);
    memcpy(call->payload_hash, empty_hash, sizeof empty_hash);
    call->transfer.prepare = prepare;
    call->transfer.judge = judge;
    call->transfer.user = call;
    call->transfer.name = call->name;
    call->transfer.method = method;
    call->transfer.body = NULL;
    call->transfer.body_size = 0;
    call->transfer.response = NULL;
    call->transfer.slow_answer = false;
}

pomona_status s3_call_query(struct s3_call *call, const char *name, const char *value,
                            struct pomona_error *error) {
    TRY(buffer_printf(&call->query, error, "%s%s=", call->query.size ? "&" : "", name));
    return value ? sigv4_encode(&call->query, value, false, error) : POMONA_OK;
}

pomona_status s3_call_header(struct s3_call *call, const char *name, const char *value,
                             struct pomona_error *error) {
    if (strpbrk(value, "\r\n"))
        return fail(error, POMONA_E_INPUT, call->name, "a line break in header %s", name);
    return buffer_printf(&call->lines, error, "%s: %s\n", name, value);
}

void s3_call_summed_body(struct s3_call *call, const void *body, size_t size,
                         const char hash[SHA256_HEX_SIZE]) {
    call->transfer.body = body ? body : "";
    call->transfer.body_size = size;
    snprintf(call->payload_hash, sizeof call->payload_hash, "%s", hash[0] ? hash : "UNSIGNED-PAYLOAD");
}

pomona_status s3_call_body(struct s3_call *call, const void *body, size_t size, bool checksum,
                           struct pomona_error *error) {
    char hex[SHA256_HEX_SIZE];
    sha256_hex_of(body, size, hex);
    s3_call_summed_body(call, body, size, hex);
    if (!checksum) return POMONA_OK;
    char crc[9];
    crc_base64(crc32c(0, body, size), crc);
    return s3_call_header(call, "x-amz-checksum-crc32c", crc, error);
}

void s3_call_free(struct s3_call *call) {
    http_transfer_free(&call->transfer);
    buffer_free(&call->query);
    buffer_free(&call->lines);
}
