/* Pages of ListObjectsV2 over a bucket that exists only as arithmetic: key number i of `keys` is
 * "photos/class-CCC/img-NNNNNNN.jpg" with N = i and C = i / ceil(keys / prefixes), so the keys are in order. */
#ifndef TESTS_STORE_LIST_PAGE_H
#define TESTS_STORE_LIST_PAGE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    LIST_KEYS_MAX = 10000000,
    LIST_PREFIXES_MAX = 1000,
    LIST_PAGE_KEYS = 1000,
    LIST_PAGE_BYTES = 512 << 10
};

struct list_bucket {
    long keys, prefixes;
};

struct list_query {
    char prefix[1024], start_after[1024];
    char delimiter[16]; /* "": none */
    long from;          /* number of the first key to look at, of a continuation token; 0: from the start */
    long max_keys;      /* 0 to LIST_PAGE_KEYS */
    bool encode;        /* encoding-type=url; these keys are the same in it */
    char bucket[64];
};

/* The token that a page ends with names the next key. It has the characters that a client must encode in its next
 * query; false: it is none of ours. */
bool list_token_read(const char *token, long *from);

/* Writes the XML of one page to out[0..LIST_PAGE_BYTES); its size. *next: where the next page starts; -1: this was the last. */
size_t list_page_write(const struct list_bucket *bucket, const struct list_query *query, char *out,
                       long *next);

#endif
