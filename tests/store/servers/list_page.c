#include "tests/store/servers/list_page.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The fragment of one key; the letters C, N, E and S stand for digits that are filled in. */
#define KEY_TEXT      "photos/class-CCC/img-NNNNNNN.jpg"
#define CONTENTS_HEAD "<Contents><Key>"
#define CONTENTS_ETAG "</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;"
#define CONTENTS_SIZE "&quot;</ETag><Size>"
#define CONTENTS_TAIL "</Size><StorageClass>STANDARD</StorageClass></Contents>"
#define CONTENTS                                                                                             \
    CONTENTS_HEAD KEY_TEXT CONTENTS_ETAG "EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE" CONTENTS_SIZE                    \
                                         "SSSSS" CONTENTS_TAIL
#define TOKEN_HEAD                                                                                           \
    "1ueGcx/LPRx1Tr+XYExHnhbYLg=" /* like those of S3: opaque, with characters that mean something in a query */

/* Half a page of keys, half of common prefixes; each with room for what a query makes the page echo. */
_Static_assert(LIST_PAGE_KEYS *(sizeof CONTENTS - 1) + (16 << 10) < LIST_PAGE_BYTES / 2, "a page must fit");

enum { KEY_BYTES = sizeof KEY_TEXT - 1, CLASS_AT = 13, NUMBER_AT = 21, DIGEST_BYTES = 32 };

static void write_decimal(char *out, int digits, uint64_t value) {
    for (int i = digits - 1; i >= 0; i--, value /= 10) out[i] = (char)('0' + value % 10);
}

static void write_key(const struct list_bucket *bucket, long i, char *key) {
    long share = (bucket->keys + bucket->prefixes - 1) / bucket->prefixes;
    write_decimal(key + CLASS_AT, 3, (uint64_t)(i / share));
    write_decimal(key + NUMBER_AT, 7, (uint64_t)i);
}

static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static size_t write_contents(const struct list_bucket *bucket, long i, char *out) {
    static const char digits[] = "0123456789abcdef";
    const size_t etag = sizeof CONTENTS_HEAD - 1 + KEY_BYTES + sizeof CONTENTS_ETAG - 1;
    const size_t size = etag + DIGEST_BYTES + sizeof CONTENTS_SIZE - 1;
    memcpy(out, CONTENTS, sizeof CONTENTS - 1);
    write_key(bucket, i, out + sizeof CONTENTS_HEAD - 1);
    uint64_t hash = mix((uint64_t)i + 0x9e3779b97f4a7c15u), more = mix(hash + 1);
    for (int at = 0; at < DIGEST_BYTES / 2; at++) {
        out[etag + (size_t)at] = digits[hash >> 4 * at & 15];
        out[etag + DIGEST_BYTES / 2 + (size_t)at] = digits[more >> 4 * at & 15];
    }
    write_decimal(out + size, 5, 10000 + hash % 90000);
    return sizeof CONTENTS - 1;
}

/* Number of the first key that is not less than (or_equal) or greater than `text`, comparing only the first `size` bytes of
 * the keys when size > 0. */
static long first_key(const struct list_bucket *bucket, const char *text, bool or_equal, size_t size) {
    char key[] = KEY_TEXT;
    long low = 0, high = bucket->keys;
    while (low < high) {
        long middle = low + (high - low) / 2;
        write_key(bucket, middle, key);
        int order = size > 0 ? strncmp(key, text, size) : strcmp(key, text);
        if (order > 0 || (or_equal && order == 0))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool list_token_read(const char *token, long *from) {
    char *end;
    if (strncmp(token, TOKEN_HEAD, sizeof TOKEN_HEAD - 1) != 0) return false;
    token += sizeof TOKEN_HEAD - 1;
    *from = strtol(token, &end, 10);
    return *token && !*end && *from >= 0;
}

/* Query values are echoed; these are all that XML minds. */
static size_t write_escaped(char *out, const char *text) {
    char *at = out;
    for (; *text; text++) {
        const char *entity = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : NULL;
        if (entity)
            at = stpcpy(at, entity);
        else
            *at++ = *text;
    }
    *at = '\0';
    return (size_t)(at - out);
}

static size_t write_element(char *out, const char *name, const char *text) {
    char escaped[5 * 1024 + 1];
    write_escaped(escaped, text);
    return (size_t)snprintf(out, sizeof escaped + 64, "<%s>%s</%s>", name, escaped, name);
}

size_t list_page_write(const struct list_bucket *bucket, const struct list_query *query, char *out,
                       long *next) {
    size_t used = 0, prefix = strlen(query->prefix), common_at = LIST_PAGE_BYTES / 2;
    char key[] = KEY_TEXT, *common = out + common_at; /* gathered behind, moved to the end of the page */
    size_t common_used = 0;
    long i = query->from, count = 0, end = bucket->keys;
    if (prefix > 0) {
        long first = first_key(bucket, query->prefix, true, prefix);
        if (first > i) i = first;
        end = first_key(bucket, query->prefix, false, prefix);
    }
    if (query->start_after[0]) {
        long first = first_key(bucket, query->start_after, false, 0);
        if (first > i) i = first;
    }
    used += (size_t)snprintf(out, 1024,
                             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "
                             "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    used += write_element(out + used, "Name", query->bucket);
    used += write_element(out + used, "Prefix", query->prefix);
    used += write_element(out + used, "Delimiter", query->delimiter);
    used += (size_t)snprintf(out + used, 64, "<MaxKeys>%ld</MaxKeys>", query->max_keys);
    if (query->encode) used += write_element(out + used, "EncodingType", "url");
    while (i < end && count < query->max_keys) {
        count++;
        write_key(bucket, i, key);
        const char *found = query->delimiter[0] ? strstr(key + prefix, query->delimiter) : NULL;
        if (found) {
            size_t group = (size_t)(found - key) + strlen(query->delimiter);
            common_used +=
                (size_t)snprintf(common + common_used, 128,
                                 "<CommonPrefixes><Prefix>%.*s</Prefix></CommonPrefixes>", (int)group, key);
            i = first_key(bucket, key, false, group);
        } else {
            used += write_contents(bucket, i++, out + used);
        }
    }
    *next = i < end && query->max_keys > 0 ? i : -1;
    memmove(out + used, common, common_used);
    used += common_used;
    if (*next >= 0)
        used += (size_t)snprintf(out + used, 128, "<NextContinuationToken>%s%ld</NextContinuationToken>",
                                 TOKEN_HEAD, *next);
    used += (size_t)snprintf(out + used, 128,
                             "<KeyCount>%ld</KeyCount><IsTruncated>%s</IsTruncated></ListBucketResult>",
                             count, *next >= 0 ? "true" : "false");
    return used;
}
