/* The pages of one column chunk, one after the other: headers checked, CRC verified, decompressed. */
#ifndef TABLE_PAGE_READER_H
#define TABLE_PAGE_READER_H

#include "table/parquet_metadata.h"

enum {
    PAGE_BYTES_LIMIT = 256 << 20, /* DuckDB writes pages of up to 100 MB */
    PAGE_HEADER_LIMIT = 1 << 20   /* statistics inside may be long */
};

/* A page's parts, inside the reader's memory until the next page. */
struct page {
    enum parquet_page type; /* PAGE_DATA, also for V2, or PAGE_DICTIONARY */
    int32_t encoding;       /* of the values; any number */
    int32_t slots;          /* values, nulls and empty lists; entries of a dictionary; never negative */
    const uint8_t *repetitions, *definitions, *values; /* levels: RLE without a length in front */
    size_t repetitions_size, definitions_size, values_size;
};

struct page_reader {
    const struct source *source;
    const char *name; /* "FILE: column NAME", for messages */
    const struct parquet_leaf *leaf;
    enum parquet_compression compression;
    uint64_t at, end;                 /* what is left of the chunk */
    struct buffer header, raw, bytes; /* kept from page to page */
};

void page_reader_start(struct page_reader *reader, const struct source *source, const char *name,
                       const struct parquet_leaf *leaf);
void page_reader_free(struct page_reader *reader);

/* Goes to a chunk. POMONA_E_CORRUPT: it has no metadata; POMONA_E_UNSUPPORTED: it lies in another file, is encrypted,
 * or is compressed as pomona can't read. */
pomona_status page_reader_seek(struct page_reader *reader, const struct parquet_chunk *chunk,
                               struct pomona_error *error);

/* The next page; *has_page is false at the end of the chunk. POMONA_E_CORRUPT, POMONA_E_LIMIT,
 * POMONA_E_UNSUPPORTED, POMONA_E_MEMORY and the source's errors. */
pomona_status page_reader_next(struct page_reader *reader, struct page *page, bool *has_page,
                               struct pomona_error *error);

#endif
