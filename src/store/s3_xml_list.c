#include "base/text.h"
#include "store/s3_xml.h"
#include "store/timestamp.h"
#include "store/xml_walk.h"

#include <stdlib.h>
#include <string.h>

struct list_reader {
    const char *name;
    bool encoded; /* keys and key markers are URL-encoded */
    pomona_status (*visit)(void *user, const struct s3_item *item, struct pomona_error *error);
    void *user;
    struct s3_list_page *page;

    bool in_item, has_key;
    struct s3_item item; /* its strings are those below */
    char key[XML_TEXT_MAX + 1], etag[256], version_id[1024], upload_id[1024];
};

/* Most comparisons end at the first letter. */
static inline bool is(const char *element, const char *name) {
    return *element == *name && strcmp(element, name) == 0;
}

static pomona_status refuse(const struct list_reader *reader, const char *element,
                            struct pomona_error *error) {
    return fail(error, POMONA_E_CORRUPT, reader->name, "a listing with a <%s> that is out of range", element);
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes back what encoding-type=url did, in place: %XX, and `+` for a space. False: it is no such text. */
static bool decode(char *text) {
    char *out = text;
    for (; *text; text++) {
        char byte = *text == '+' ? ' ' : *text;
        if (byte == '%') {
            int high = hex_digit(text[1]), low = high < 0 ? -1 : hex_digit(text[2]);
            if (low < 0 || (high == 0 && low == 0)) return false;
            byte = (char)(high << 4 | low);
            text += 2;
        }
        *out++ = byte;
    }
    *out = '\0';
    return true;
}

static bool copy(const char *text, char *out, size_t capacity) {
    size_t size = strlen(text) + 1;
    if (size > capacity) return false;
    memcpy(out, text, size);
    return true;
}

static bool copy_key(const struct list_reader *reader, char *text, char *out, size_t capacity) {
    return (!reader->encoded || decode(text)) && copy(text, out, capacity);
}

/* Without the quotes that belong to HTTP. */
static bool copy_etag(char *text, char *out, size_t capacity) {
    size_t length = strlen(text);
    bool quoted = length >= 2 && text[0] == '"' && text[length - 1] == '"';
    if (quoted) text[length - 1] = '\0';
    return copy(text + quoted, out, capacity);
}

static bool parse_boolean(const char *text, bool *value) {
    *value = is(text, "true");
    return *value || is(text, "false");
}

static bool parse_size(const char *text, uint64_t *value) {
    long long parsed;
    if (!text_parse_int(text, 0, INT64_MAX, &parsed)) return false;
    *value = (uint64_t)parsed;
    return true;
}

static void start_item(struct list_reader *reader, const char *element) {
    reader->in_item = true;
    reader->has_key = false;
    reader->key[0] = reader->etag[0] = reader->version_id[0] = reader->upload_id[0] = '\0';
    reader->item = (struct s3_item){.key = reader->key,
                                    .etag = reader->etag,
                                    .version_id = reader->version_id,
                                    .upload_id = reader->upload_id,
                                    .is_prefix = is(element, "CommonPrefixes"),
                                    .is_delete_marker = is(element, "DeleteMarker")};
}

static pomona_status open_element(void *user, int depth, const char *element, struct pomona_error *error) {
    static const char *const items[] = {"Contents", "CommonPrefixes", "Version", "DeleteMarker", "Upload"};
    struct list_reader *reader = user;
    if (depth == 1 && !is(element, "ListBucketResult") && !is(element, "ListVersionsResult") &&
        !is(element, "ListMultipartUploadsResult"))
        return fail(error, POMONA_E_CORRUPT, reader->name, "the answer is a <%s>, not a listing", element);
    if (depth != 2) return POMONA_OK;
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        if (is(element, items[i])) start_item(reader, element);
    return POMONA_OK;
}

static pomona_status close_field(struct list_reader *reader, const char *element, char *text,
                                 struct pomona_error *error) {
    struct s3_item *item = &reader->item;
    bool fits = true;
    if (is(element, item->is_prefix ? "Prefix" : "Key"))
        fits = reader->has_key = copy_key(reader, text, reader->key, sizeof reader->key);
    else if (is(element, "ETag"))
        fits = copy_etag(text, reader->etag, sizeof reader->etag);
    else if (is(element, "VersionId"))
        fits = copy(text, reader->version_id, sizeof reader->version_id);
    else if (is(element, "UploadId"))
        fits = copy(text, reader->upload_id, sizeof reader->upload_id);
    else if (is(element, "Size"))
        fits = parse_size(text, &item->size);
    else if (is(element, "LastModified") || is(element, "Initiated"))
        fits = timestamp_parse(text, &item->modified);
    else if (is(element, "IsLatest"))
        fits = parse_boolean(text, &item->is_latest);
    return fits ? POMONA_OK : refuse(reader, element, error);
}

static pomona_status close_page_field(struct list_reader *reader, const char *element, char *text,
                                      struct pomona_error *error) {
    struct s3_list_page *page = reader->page;
    bool fits = true;
    if (is(element, "IsTruncated"))
        fits = parse_boolean(text, &page->truncated);
    else if (is(element, "NextContinuationToken"))
        fits = copy(text, page->continuation, sizeof page->continuation);
    else if (is(element, "NextKeyMarker"))
        fits = copy_key(reader, text, page->next_key, sizeof page->next_key);
    else if (is(element, "NextVersionIdMarker") || is(element, "NextUploadIdMarker"))
        fits = copy(text, page->next_version, sizeof page->next_version);
    return fits ? POMONA_OK : refuse(reader, element, error);
}

static pomona_status close_element(void *user, int depth, const char *element, char *text,
                                   struct pomona_error *error) {
    struct list_reader *reader = user;
    if (depth == 3 && reader->in_item) return close_field(reader, element, text, error);
    if (depth != 2) return POMONA_OK;
    if (!reader->in_item) return close_page_field(reader, element, text, error);
    reader->in_item = false;
    if (!reader->has_key)
        return fail(error, POMONA_E_CORRUPT, reader->name, "a listing with a <%s> that has no key", element);
    return reader->visit(reader->user, &reader->item, error);
}

/* Ends the search for EncodingType; never seen outside. */
#define ENCODING_FOUND POMONA_E_INTERRUPTED

static pomona_status close_encoding(void *user, int depth, const char *element, char *text,
                                    struct pomona_error *error) {
    bool *encoded = user;
    (void)error;
    if (depth != 2 || !is(element, "EncodingType")) return POMONA_OK;
    *encoded = is(text, "url");
    return ENCODING_FOUND;
}

pomona_status s3_xml_list(const char *name, const void *text, size_t size,
                          pomona_status (*visit)(void *user, const struct s3_item *item,
                                                 struct pomona_error *error),
                          void *user, struct s3_list_page *page, struct pomona_error *error) {
    struct list_reader reader = {.name = name, .visit = visit, .user = user, .page = page};
    struct xml_visitor encoding = {.close = close_encoding, .user = &reader.encoded};
    struct xml_visitor items = {.open = open_element, .close = close_element, .user = &reader};
    memset(page, 0, sizeof *page);
    /* Some servers say how keys are encoded only behind the keys, so it is looked up first. Many say nothing. */
    static const char word[] = "EncodingType";
    if (size > 0 && memmem(text, size, word, sizeof word - 1)) {
        pomona_status status = xml_walk(name, text, size, &encoding, error);
        if (status != POMONA_OK && status != ENCODING_FOUND) return status;
    }
    TRY(xml_walk(name, text, size, &items, error));
    if (page->truncated && !page->continuation[0] && !page->next_key[0])
        return fail(error, POMONA_E_CORRUPT, name, "a listing that goes on, but does not say where");
    return POMONA_OK;
}
