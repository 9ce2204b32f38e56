/* One column chunk in the making: levels and values become pages, pages become a chunk. */
#ifndef TABLE_LEAF_WRITER_H
#define TABLE_LEAF_WRITER_H

#include "base/io.h"
#include "table/dictionary.h"
#include "table/parquet_schema.h"

enum { BOUND_BYTES_MAX = 1024 };

/* Least or greatest value so far, as PLAIN bytes without a length. */
struct bound {
    uint8_t bytes[BOUND_BYTES_MAX];
    size_t size;
};

struct leaf_writer {
    struct schema_leaf leaf;
    enum parquet_compression codec;
    size_t page_bytes;
    bool dictionary_allowed, omit_crc;

    /* The page in the making: a slot is a value, a null or an empty list. */
    struct buffer repetitions; /* uint8 for each slot, empty when max_repetition is 0 */
    struct buffer definitions; /* uint8 for each slot */
    struct buffer values;      /* PLAIN; booleans are a byte each until the page is done */
    struct buffer indices;     /* uint32 for each value, while the dictionary is in use */

    /* The chunk in the making. */
    struct buffer pages; /* finished data pages with their headers */
    struct dictionary dictionary;
    bool dictionary_in_use; /* for the page in the making */
    int plain_pages, dictionary_pages;
    int64_t slots, nulls;
    int64_t pages_uncompressed;     /* bytes of `pages` before compression, headers included */
    bool bounds_known, bounds_lost; /* lost: a value was too long to keep */
    struct bound low, high;
};

/* Where the chunks of all leaves go, and what they share on the way. */
struct chunk_output {
    struct sink sink;
    uint64_t offset;                              /* bytes given to the sink */
    int64_t group_uncompressed, group_compressed; /* bytes of the row group's chunks that are done */
    struct buffer payload, compressed, header;    /* scratch for one page */
};

void leaf_writer_start(struct leaf_writer *writer, const struct schema_leaf *leaf,
                       enum parquet_compression codec, const struct parquet_options *options);
void leaf_writer_free(struct leaf_writer *writer);

/* One row each. `definition` is the level of what is still there. A failure leaves the chunk broken. */
pomona_status leaf_add_null(struct leaf_writer *writer, int definition, struct pomona_error *error);
pomona_status leaf_add_text(struct leaf_writer *writer, const char *text, size_t size,
                            struct chunk_output *output, struct pomona_error *error);
pomona_status leaf_add_value(struct leaf_writer *writer, const void *value, struct pomona_error *error);
pomona_status leaf_add_list(struct leaf_writer *writer, const void *values, size_t count,
                            struct pomona_error *error);

/* Turns the page in the making into bytes once it is large enough (`force`: once it has a row). */
pomona_status leaf_end_page(struct leaf_writer *writer, bool force, struct chunk_output *output,
                            struct pomona_error *error);

/* Bytes of the chunk so far, before compression. */
size_t leaf_bytes(const struct leaf_writer *writer);

/* Gives bytes to the sink. */
pomona_status chunk_output_write(struct chunk_output *output, const void *data, size_t size,
                                 struct pomona_error *error);

/* Ends the chunk: writes it, appends its ColumnChunk to the list that is open in `footer`, and starts the next one. */
pomona_status leaf_end_chunk(struct leaf_writer *writer, struct chunk_output *output,
                             struct thrift_writer *footer, struct pomona_error *error);

#endif
