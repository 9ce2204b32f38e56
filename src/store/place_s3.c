#include "store/place_s3.h"

#include "base/memory.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

pomona_status s3_key(const struct place_s3 *s3, const char *name, char key[S3_KEY_SIZE],
                     struct pomona_error *error) {
    const char *slash = s3->prefix[0] && name[0] ? "/" : "";
    int length = snprintf(key, S3_KEY_SIZE, "%s%s%s", s3->prefix, slash, name);
    if (length < 0 || length >= S3_KEY_SIZE)
        return fail(error, POMONA_E_INPUT, name, "is longer than the key of an object may be");
    return POMONA_OK;
}

const char *s3_name(const struct place_s3 *s3, const char *key) {
    size_t length = strlen(s3->prefix);
    if (length == 0) return key;
    return strncmp(key, s3->prefix, length) == 0 && key[length] == '/' ? key + length + 1 : NULL;
}

struct place_item s3_place_item(const char *name, const struct s3_item *item) {
    return (struct place_item){.name = name,
                               .etag = item->etag,
                               .version = item->version_id,
                               .staged = item->upload_id,
                               .size = item->size,
                               .modified = item->modified,
                               .is_folder = item->is_prefix,
                               .is_latest = item->is_latest,
                               .is_delete_marker = item->is_delete_marker};
}

static void free_s3(struct place *place) {
    struct place_s3 *s3 = (struct place_s3 *)place;
    http_free(&s3->http);
    memory_free(s3);
}

/* Runs one call about a name: `set` has set what is special. */
static pomona_status aim(struct place_s3 *s3, struct s3_call *call, const char *method, const char *name,
                         char key[S3_KEY_SIZE], struct pomona_error *error) {
    TRY(s3_key(s3, name, key, error));
    s3_call_aim(call, s3->place.places, method, s3->bucket, key);
    return POMONA_OK;
}

static pomona_status stat_s3(struct place *place, const char *name, struct place_item *item,
                             struct pomona_error *error) {
    struct place_s3 *s3 = (struct place_s3 *)place;
    struct s3_call call = S3_CALL_INIT;
    char key[S3_KEY_SIZE], text[64];
    pomona_status status = aim(s3, &call, "HEAD", name, key, error);
    if (status == POMONA_OK) status = http_run(s3->http, &call.transfer, error);
    if (status == POMONA_OK) {
        s3_call_etag(&call, s3->item_etag);
        http_header(&call.transfer, "x-amz-version-id", s3->item_version, sizeof s3->item_version);
        *item = (struct place_item){.name = name,
                                    .etag = s3->item_etag,
                                    .version = s3->item_version,
                                    .staged = "",
                                    .is_latest = true};
        if (http_header(&call.transfer, "content-length", text, sizeof text))
            item->size = strtoull(text, NULL, 10);
        if (http_header(&call.transfer, "last-modified", text, sizeof text))
            item->modified = curl_getdate(text, NULL);
        if (http_header(&call.transfer, "date", text, sizeof text)) item->now = curl_getdate(text, NULL);
    }
    s3_call_free(&call);
    return status;
}

static pomona_status read_s3(struct place *place, const char *name, struct buffer *out, char *etag,
                             struct pomona_error *error) {
    struct place_s3 *s3 = (struct place_s3 *)place;
    struct s3_call call = S3_CALL_INIT;
    char key[S3_KEY_SIZE];
    buffer_clear(out);
    pomona_status status = aim(s3, &call, "GET", name, key, error);
    call.transfer.response = out;
    call.whole = true;
    if (status == POMONA_OK) status = s3_call_header(&call, "x-amz-checksum-mode", "ENABLED", error);
    if (status == POMONA_OK) status = http_run(s3->http, &call.transfer, error);
    if (status == POMONA_OK && etag) s3_call_etag(&call, etag);
    s3_call_free(&call);
    return status;
}

static pomona_status read_range_s3(struct place *place, const char *name, uint64_t offset, size_t size,
                                   const char *etag, void *data, struct pomona_error *error) {
    struct place_s3 *s3 = (struct place_s3 *)place;
    struct s3_call call = S3_CALL_INIT;
    struct buffer out = BUFFER_INIT(size);
    char key[S3_KEY_SIZE], range[64];
    if (size == 0) return POMONA_OK;
    snprintf(range, sizeof range, "bytes=%" PRIu64 "-%" PRIu64, offset, offset + size - 1);
    pomona_status status = aim(s3, &call, "GET", name, key, error);
    call.transfer.response = &out;
    if (status == POMONA_OK) status = s3_call_header(&call, "Range", range, error);
    if (status == POMONA_OK && etag && etag[0]) {
        char quoted[S3_ETAG_SIZE + 2];
        snprintf(quoted, sizeof quoted, "\"%s\"", etag);
        status = s3_call_header(&call, "If-Match", quoted, error);
    }
    if (status == POMONA_OK) status = http_run(s3->http, &call.transfer, error);
    if (status == POMONA_E_EXISTS)
        status = fail(error, POMONA_E_INPUT, call.name, "changed while it was being read");
    else if (status == POMONA_OK && (call.transfer.code != 206 || out.size != size) &&
             !(offset == 0 && out.size == size))
        status = fail(error, POMONA_E_CORRUPT, call.name, "%zu bytes came instead of %zu", out.size, size);
    if (status == POMONA_OK) memcpy(data, out.data, size);
    buffer_free(&out);
    s3_call_free(&call);
    return status;
}

static pomona_status write_s3(struct place *place, const char *name, const void *data, size_t size,
                              enum place_condition condition, const char *etag, char *new_etag,
                              struct pomona_error *error) {
    struct place_s3 *s3 = (struct place_s3 *)place;
    struct s3_call call = S3_CALL_INIT;
    struct buffer answer = BUFFER_INIT(S3_ANSWER_MAX);
    char key[S3_KEY_SIZE], quoted[S3_ETAG_SIZE + 2];
    pomona_status status = aim(s3, &call, "PUT", name, key, error);
    call.transfer.response = &answer;
    call.expect_xml = true;
    if (status == POMONA_OK) status = s3_call_body(&call, data, size, true, error);
    if (status == POMONA_OK && condition == PLACE_IF_NEW)
        status = s3_call_header(&call, "If-None-Match", "*", error);
    if (status == POMONA_OK && condition == PLACE_IF_SAME) {
        snprintf(quoted, sizeof quoted, "\"%s\"", etag);
        status = s3_call_header(&call, "If-Match", quoted, error);
    }
    if (status == POMONA_OK) status = http_run(s3->http, &call.transfer, error);
    if (status == POMONA_OK && new_etag) s3_call_etag(&call, new_etag);
    buffer_free(&answer);
    s3_call_free(&call);
    return status;
}

/* Text as the content of an XML element; control characters have no form in XML 1.0 but as references. */
static pomona_status append_xml(struct buffer *out, const char *text, struct pomona_error *error) {
    for (const char *c = text; *c; c++) {
        const char *word = *c == '&' ? "&amp;" : *c == '<' ? "&lt;" : *c == '>' ? "&gt;" : NULL;
        if (word)
            TRY(buffer_append_text(out, word, error));
        else if ((unsigned char)*c < 0x20)
            TRY(buffer_printf(out, error, "&#x%x;", (unsigned)(unsigned char)*c));
        else
            TRY(buffer_append_byte(out, (uint8_t)*c, error));
    }
    return POMONA_OK;
}

static pomona_status stop_at_refusal(void *user, const char *key, const char *code, const char *message,
                                     struct pomona_error *error) {
    (void)user;
    if (strcmp(code, "NoSuchKey") == 0 || strcmp(code, "NoSuchVersion") == 0) return POMONA_OK;
    return fail(error, POMONA_E_IO, key, "can't be deleted: %s %s", code, message);
}

/* DeleteObjects, at most 1,000 names a call; it wants a checksum of its body. */
static pomona_status delete_some(struct place_s3 *s3, const char *const *names, size_t count,
                                 const char *version, struct pomona_error *error) {
    struct s3_call call = S3_CALL_INIT;
    struct buffer body = BUFFER_INIT(S3_ANSWER_MAX), answer = BUFFER_INIT(S3_ANSWER_MAX);
    char key[S3_KEY_SIZE];
    pomona_status status = buffer_append_text(&body, "<Delete><Quiet>true</Quiet>", error);
    for (size_t i = 0; i < count && status == POMONA_OK; i++) {
        TRY_GOTO(s3_key(s3, names[i], key, error), status, out);
        TRY_GOTO(buffer_append_text(&body, "<Object><Key>", error), status, out);
        TRY_GOTO(append_xml(&body, key, error), status, out);
        TRY_GOTO(buffer_append_text(&body, "</Key>", error), status, out);
        if (version) TRY_GOTO(buffer_printf(&body, error, "<VersionId>%s</VersionId>", version), status, out);
        TRY_GOTO(buffer_append_text(&body, "</Object>", error), status, out);
    }
    TRY_GOTO(buffer_append_text(&body, "</Delete>", error), status, out);
    s3_call_aim(&call, s3->place.places, "POST", s3->bucket, "");
    call.transfer.response = &answer;
    call.expect_xml = true;
    TRY_GOTO(s3_call_query(&call, "delete", NULL, error), status, out);
    TRY_GOTO(s3_call_body(&call, body.data, body.size, true, error), status, out);
    TRY_GOTO(http_run(s3->http, &call.transfer, error), status, out);
    status = s3_xml_delete_errors(call.name, answer.data, answer.size, stop_at_refusal, NULL, error);
out:
    buffer_free(&body);
    buffer_free(&answer);
    s3_call_free(&call);
    return status;
}

static pomona_status delete_s3(struct place *place, const char *const *names, size_t count,
                               struct pomona_error *error) {
    enum { MANY = 1000 };
    for (size_t at = 0; at < count; at += MANY)
        TRY(delete_some((struct place_s3 *)place, names + at, count - at < MANY ? count - at : MANY, NULL,
                        error));
    return POMONA_OK;
}

static pomona_status delete_version_s3(struct place *place, const char *name, const char *version,
                                       struct pomona_error *error) {
    return delete_some((struct place_s3 *)place, &name, 1, version, error);
}

static const struct place_kind s3_kind = {.name = "a bucket",
                                          .free = free_s3,
                                          .list = s3_list,
                                          .stat = stat_s3,
                                          .read = read_s3,
                                          .read_range = read_range_s3,
                                          .fetch = s3_fetch,
                                          .write = write_s3,
                                          .stage = s3_stage,
                                          .commit = s3_commit,
                                          .unstage = s3_unstage,
                                          .list_staged = s3_list_staged,
                                          .delete = delete_s3,
                                          .versions = s3_versions,
                                          .delete_version = delete_version_s3};

static bool is_bucket(const char *text, size_t size) {
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
    return size >= 3 && size < PLACES_BUCKET_SIZE && strspn(text, allowed) >= size;
}

pomona_status place_s3_open(struct pomona_places *places, const char *root, struct place **place,
                            struct pomona_error *error) {
    const char *bucket = root + 5, *slash = strchr(bucket, '/');
    size_t size = slash ? (size_t)(slash - bucket) : strlen(bucket);
    if (!is_bucket(bucket, size)) return fail(error, POMONA_E_USAGE, root, "does not begin with s3://BUCKET");
    struct place_s3 *s3 = memory_new(1, sizeof *s3);
    if (!s3) return fail_memory(error, "place");
    const char *prefix = slash ? slash + 1 : "";
    size_t length = strlen(prefix);
    while (length > 0 && prefix[length - 1] == '/') length--;
    memcpy(s3->bucket, bucket, size);
    pomona_status status = POMONA_OK;
    if (length >= sizeof s3->prefix)
        status = fail(error, POMONA_E_USAGE, root, "is longer than the key of an object may be");
    else
        memcpy(s3->prefix, prefix, length);
    size_t whole = 5 + size + (length ? 1 + length : 0);
    s3->place.root = status == POMONA_OK ? memory_new(whole + 1, 1) : NULL;
    if (s3->place.root) memcpy(s3->place.root, root, whole);
    if (status == POMONA_OK && !s3->place.root) status = fail_memory(error, "place");
    if (status == POMONA_OK) status = places_http(places, &s3->http, error);
    if (status != POMONA_OK) {
        memory_free(s3->place.root);
        memory_free(s3);
        return status;
    }
    s3->place.kind = &s3_kind;
    s3->place.places = places;
    *place = &s3->place;
    return POMONA_OK;
}
