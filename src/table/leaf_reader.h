/* One column of a Parquet file, row by row through its row groups. */
#ifndef TABLE_LEAF_READER_H
#define TABLE_LEAF_READER_H

#include "table/page_reader.h"
#include "table/value_decoder.h"

enum {
    LEVEL_BATCH = 1024,
    LIST_BYTES_MAX = 64 << 20, /* the values of one list */
    LEAF_NAME_SIZE = 512
};

struct leaf_reader {
    const struct parquet_leaf *leaf;
    char name[LEAF_NAME_SIZE]; /* "FILE: column NAME" */
    struct page_reader pages;
    struct value_dictionary dictionary;
    struct value_decoder values;
    struct rle_decoder repetitions, definitions;
    uint32_t repetition_batch[LEVEL_BATCH], definition_batch[LEVEL_BATCH];
    size_t batch_at, batch_end;
    int64_t page_slots;  /* of the page, not yet in a batch */
    int64_t chunk_slots; /* of the chunk, not yet in a page */
    struct buffer list;  /* values of the current list */
};

/* Starts on a leaf of a readable type. `source` and `leaf` must outlive the reader. */
void leaf_reader_start(struct leaf_reader *reader, const struct source *source,
                       const struct parquet_leaf *leaf);
void leaf_reader_free(struct leaf_reader *reader);

/* Goes to a row group. Errors: page_reader_seek. */
pomona_status leaf_reader_seek(struct leaf_reader *reader, const struct parquet_chunk *chunk,
                               struct pomona_error *error);

/* The next row; `row` is its number in the file, for messages. Pointers in `cell` live until the next call.
 * POMONA_E_INPUT: a null inside a list; POMONA_E_LIMIT: a list beyond LIST_BYTES_MAX; POMONA_E_CORRUPT also when the
 * row group has fewer rows. */
pomona_status leaf_reader_next(struct leaf_reader *reader, int64_t row, struct table_cell *cell,
                               struct pomona_error *error);

/* POMONA_E_CORRUPT when the row group has rows left. */
pomona_status leaf_reader_end(struct leaf_reader *reader, struct pomona_error *error);

#endif
