/* Arrow's C data interface: tables in memory that come from and go to pyarrow, Spark, DuckDB, Polars ... without a copy.
 *
 * Reading: a record batch (a struct array) is borrowed, its columns found by name; nothing of it is kept. Writing: a table of
 * features is filled row by row and handed over; the consumer releases it as the interface says.
 *
 * Source: https://arrow.apache.org/docs/format/CDataInterface.html. The arrays come from the same process, and the interface has
 * no lengths of buffers, so their offsets must be trusted; types, counts and nulls are checked. */
#ifndef POMONA_ARROW_H
#define POMONA_ARROW_H

#include "pomona/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* As the interface prints them, under the guard that it prescribes. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE           2
#define ARROW_FLAG_MAP_KEYS_SORTED    4
struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif

enum pomona_arrow_type {
    POMONA_ARROW_TEXT,  /* string, large_string */
    POMONA_ARROW_BYTES, /* binary, large_binary; strings as well */
    POMONA_ARROW_FLOATS /* list, large_list or fixed_size_list of float or double */
};

/* A column of a record batch, found by name. Borrows the batch. */
struct pomona_arrow_column {
    const struct ArrowArray *array, *values; /* the column; what its lists hold */
    int64_t rows, offset;                    /* row i of the batch is element offset + i of the column */
    int64_t fixed;                           /* elements of each list; 0 where offsets tell */
    bool wide;                               /* offsets of 64 bits */
    bool doubles;
};

/* Finds column `name`. Where it is missing: POMONA_E_INPUT with the names that there are, or with `optional` success and
 * column->array NULL. Also POMONA_E_INPUT: not a record batch (a struct array with null rows is none), a type other than `type`
 * allows (dictionaries too). */
POMONA_API pomona_status pomona_arrow_find(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                                           const char *name, enum pomona_arrow_type type, bool optional,
                                           struct pomona_arrow_column *column, struct pomona_error *error);

/* The bytes of row 0..rows-1, not terminated; false for null. Of a column of TEXT or BYTES. */
POMONA_API bool pomona_arrow_bytes(const struct pomona_arrow_column *column, int64_t row, const void **data,
                                   size_t *size);

/* Whether row 0..rows-1 is null. */
POMONA_API bool pomona_arrow_is_null(const struct pomona_arrow_column *column, int64_t row);

/* The list of a row of a column of FLOATS; false for null, or where it holds a null. One of *floats, *doubles is set. */
POMONA_API bool pomona_arrow_floats(const struct pomona_arrow_column *column, int64_t row,
                                    const float **floats, const double **doubles, size_t *count);

/* A table of features being made: columns path, label, features (list of float), error; all may be null. */
struct pomona_arrow_features;

/* `rows` rows of `features` floats, at most 2^31 - 1 floats in all (POMONA_E_LIMIT). POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_arrow_features_new(int64_t rows, int features,
                                                   struct pomona_arrow_features **table,
                                                   struct pomona_error *error);

/* Where the features of a row lie, zero until they are filled: [features]. */
POMONA_API float *pomona_arrow_features_row(struct pomona_arrow_features *table, int64_t row);

/* Text of a row, not terminated, UTF-8; NULL for null. */
struct pomona_arrow_text {
    const char *text;
    size_t size;
};

/* Sets the other columns of the next row, 0, 1, ... in order. With an `error` its features are null. POMONA_E_LIMIT (more than
 * 2^31 - 1 bytes in a column, more rows than there are), POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_arrow_features_add(struct pomona_arrow_features *table,
                                                   struct pomona_arrow_text path,
                                                   struct pomona_arrow_text label,
                                                   struct pomona_arrow_text reason,
                                                   struct pomona_error *error);

/* Hands the rows set so far over and frees the table. On failure (POMONA_E_MEMORY) it is left as it was. */
POMONA_API pomona_status pomona_arrow_features_finish(struct pomona_arrow_features **table,
                                                      struct ArrowSchema *schema, struct ArrowArray *array,
                                                      struct pomona_error *error);

/* Frees a table that was not handed over. Accepts NULL and pointers to NULL. */
POMONA_API void pomona_arrow_features_free(struct pomona_arrow_features **table);

#ifdef __cplusplus
}
#endif
#endif
