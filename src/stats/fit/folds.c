#include "stats/fit/folds.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* One row, on its way into the order in which keys are dealt. */
struct card {
    uint64_t order; /* of its key */
    const char *key;
    int leaf;
    size_t row, mates; /* mates: rows of its key */
};

static int compare_keys(const void *a, const void *b) {
    const struct card *left = a, *right = b;
    int order = strcmp(left->key, right->key);
    if (order == 0) order = (left->leaf > right->leaf) - (left->leaf < right->leaf);
    return order;
}

/* By class, then from large keys to small, then shuffled by hash, then by key so that equal hashes have an order. */
static int compare_cards(const void *a, const void *b) {
    const struct card *left = a, *right = b;
    if (left->leaf != right->leaf) return left->leaf < right->leaf ? -1 : 1;
    if (left->mates != right->mates) return left->mates > right->mates ? -1 : 1;
    if (left->order != right->order) return left->order < right->order ? -1 : 1;
    return strcmp(left->key, right->key);
}

static uint64_t mix(uint64_t x) { /* the finaliser of SplitMix64 (Steele, Lea, Flood, 2014) */
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

/* All rows of a key take the leaf of its first row, so that they stay side by side. */
static void gather(struct card *cards, size_t rows) {
    qsort(cards, rows, sizeof *cards, compare_keys);
    for (size_t first = 0, end; first < rows; first = end) {
        for (end = first + 1; end < rows && strcmp(cards[end].key, cards[first].key) == 0;) end++;
        for (size_t i = first; i < end; i++) {
            cards[i].leaf = cards[first].leaf;
            cards[i].mates = end - first;
        }
    }
    qsort(cards, rows, sizeof *cards, compare_cards);
}

/* Each key goes to the fold with the fewest rows of its class, of those the one with the fewest rows. */
static void deal(const struct card *cards, size_t rows, int folds, size_t *sizes, size_t *of_class,
                 int *fold) {
    for (size_t i = 0; i < rows;) {
        size_t end = i;
        int best = 0;
        if (i == 0 || cards[i].leaf != cards[i - 1].leaf)
            memset(of_class, 0, (size_t)folds * sizeof *of_class);
        while (end < rows && strcmp(cards[end].key, cards[i].key) == 0) end++;
        for (int f = 1; f < folds; f++)
            if (of_class[f] < of_class[best] || (of_class[f] == of_class[best] && sizes[f] < sizes[best]))
                best = f;
        sizes[best] += end - i;
        of_class[best] += end - i;
        for (; i < end; i++) fold[cards[i].row] = best;
    }
}

pomona_status folds_assign(const char *const *keys, const int *leaf, size_t rows, int folds, uint64_t seed,
                           int *fold, struct pomona_error *error) {
    struct card *cards = memory_new(rows, sizeof *cards);
    size_t *sizes = memory_new(2 * (size_t)folds, sizeof *sizes);
    if (!cards || !sizes) {
        memory_free(cards);
        memory_free(sizes);
        return fail_memory(error, "folds");
    }
    for (size_t i = 0; i < rows; i++)
        cards[i] = (struct card){mix(text_hash(keys[i]) + seed * UINT64_C(0x9E3779B97F4A7C15)), keys[i],
                                 leaf[i], i, 0};
    gather(cards, rows);
    deal(cards, rows, folds, sizes, sizes + folds, fold);
    memory_free(cards);
    memory_free(sizes);
    return POMONA_OK;
}
