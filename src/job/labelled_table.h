/* Tables of labelled features, read whole into memory and put in one order, for fits that go over them many times. */
#ifndef JOB_LABELLED_TABLE_H
#define JOB_LABELLED_TABLE_H

#include "base/arena.h"
#include "base/error.h"
#include "pomona/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct labelled_row {
    const char *path, *label; /* never NULL */
    size_t features;          /* row of the matrix */
};

struct labelled_table {
    struct arena texts;
    size_t rows;
    int width;
    float *features;          /* [rows][width], finite, in the order of `row` */
    struct labelled_row *row; /* [rows], by path, then label, then features */
    int64_t unlabelled;       /* rows that have no label, left out */
    /* What the footer of the first file says of its origin; "" where it says nothing. */
    char feature_space[POMONA_HASH_TEXT_SIZE], model_hash[POMONA_HASH_TEXT_SIZE];
    char model[256], layer[256], profile[POMONA_PROFILE_TEXT_MAX], precision[8];
};

#define LABELLED_TABLE_INIT ((struct labelled_table){.texts = ARENA_INIT(SIZE_MAX)})

/* Reads all rows with a label of the tables (each as table_source_open takes it). The result does not depend on the order
 * of the tables or of their rows. On success and failure alike free with labelled_table_free. Errors: those of
 * the feature reader; POMONA_E_INPUT: no labelled row, tables of different feature spaces or widths, a feature that is
 * not finite (the row is named); POMONA_E_INTERRUPTED. `should_stop` may be NULL. */
pomona_status labelled_table_read(const char *const *sources, int count, bool (*should_stop)(void *user),
                                  void *user, struct labelled_table *table, struct pomona_error *error);

void labelled_table_free(struct labelled_table *table);

/* The distinct labels of a table in the order of their bytes, and the index of each row's. */
struct label_list {
    const char **names; /* [count]; the texts are the table's */
    int count;
};

/* Fills list and leaf [rows]. POMONA_E_LIMIT above 131,072 labels, POMONA_E_MEMORY. On failure the list is empty. */
pomona_status label_list_of(const struct labelled_table *table, struct label_list *list, int *leaf,
                            struct pomona_error *error);

/* Index of a label, or -1. */
int label_list_find(const struct label_list *list, const char *label);

void label_list_free(struct label_list *list);

#endif
