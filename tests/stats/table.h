/* Tables of made-up features, and moments of them, for the tests of this folder. */
#ifndef TESTS_STATS_TABLE_H
#define TESTS_STATS_TABLE_H

#include "../base/unit.h"
#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"
#include "pomona/moments.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum table_kind { TABLE_RELU6, TABLE_WIDE, TABLE_EXTREME };

struct table {
    int rows, features, labels;
    float *values; /* [rows][features] */
};

static struct pomona_context *context;
static struct pomona_error error;
static uint32_t random_state = 12345;

static uint32_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    return random_state ^= random_state << 5;
}

static double uniform(void) { return next_random() / 4294967296.0; }

static float draw(enum table_kind kind) {
    if (kind == TABLE_RELU6) return (float)(6 * uniform() * (next_random() % 3 != 0));
    if (kind == TABLE_WIDE) return (float)((uniform() - 0.5) * 100);
    switch (next_random() % 6) { /* as far as it goes */
    case 0: return 2047.9999f;
    case 1: return -2047.9999f;
    case 2: return 0x1p-21f;
    case 3: return -0x1.8p-20f;
    default: return (float)((uniform() - 0.5) * 4095);
    }
}

static inline struct table table_make(int rows, int features, int labels, enum table_kind kind) {
    struct table table = {rows, features, labels,
                          malloc((size_t)rows * (size_t)features * sizeof(float) + 1)};
    assert_non_null(table.values);
    for (int i = 0; i < rows * features; i++) table.values[i] = draw(kind);
    return table;
}

static inline void table_free(struct table *table) { free(table->values); }

static inline const float *table_row(const struct table *table, int row) {
    return table->values + (size_t)row * (size_t)table->features;
}

/* Label of a row: every seventh has none. */
static inline const char *table_label(const struct table *table, int row, char out[32]) {
    if (row % 7 == 3) return NULL;
    snprintf(out, 32, "label %d", row * 31 % table->labels);
    return out;
}

static inline void add_row(struct pomona_moments *moments, const struct table *table, int row) {
    char label[32];
    assert_int_equal(
        pomona_moments_add(moments, "row", table_label(table, row, label), table_row(table, row), &error),
        POMONA_OK);
}

static inline struct pomona_moments *moments_make(int features) {
    struct pomona_moments *moments;
    assert_int_equal(pomona_moments_new(context, features, "space", &moments, &error), POMONA_OK);
    return moments;
}

/* Moments of the rows first, first + step, ... */
static inline struct pomona_moments *moments_of(const struct table *table, int first, int step) {
    struct pomona_moments *moments = moments_make(table->features);
    for (int row = first; row < table->rows; row += step) add_row(moments, table, row);
    return moments;
}

static inline void file_name(char out[64], const char *name) {
    snprintf(out, 64, "/tmp/pomona-stats-%d-%s", (int)getpid(), name);
}

static inline struct buffer file_bytes(const char *path) {
    struct buffer bytes = BUFFER_INIT(1 << 30);
    assert_int_equal(file_read(path, &bytes, &error), POMONA_OK);
    return bytes;
}

/* The bytes of the moments' file. */
static inline struct buffer moments_bytes(struct pomona_moments *moments) {
    char path[64];
    file_name(path, "moments");
    assert_int_equal(pomona_moments_write(moments, path, NULL, &error), POMONA_OK);
    struct buffer bytes = file_bytes(path);
    unlink(path);
    return bytes;
}

static inline void assert_same_bytes(struct buffer *a, struct buffer *b) {
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->data, b->data, a->size);
}

static inline void assert_same_moments(struct pomona_moments *a, struct pomona_moments *b) {
    struct buffer left = moments_bytes(a), right = moments_bytes(b);
    assert_same_bytes(&left, &right);
    buffer_free(&left);
    buffer_free(&right);
}

#endif
