/* The footer of a Parquet file, read and checked: columns, row groups, where their bytes are, key-values. */
#ifndef TABLE_PARQUET_METADATA_H
#define TABLE_PARQUET_METADATA_H

#include "base/arena.h"
#include "base/io.h"
#include "table/parquet_format.h"
#include "table/table.h"

enum {
    METADATA_BYTES_MAX = 64 << 20,   /* footer */
    METADATA_MEMORY_MAX = 256 << 20, /* what it becomes */
    METADATA_LEAVES_MAX = 10000,
    METADATA_DEPTH_MAX = 64
};

/* One column chunk column: a leaf of the schema. */
struct parquet_leaf {
    const char *name; /* names from the root joined by dots; the nodes inside a LIST do not count */
    enum table_type type;
    enum parquet_physical physical;
    int max_definition, max_repetition;
    int element_definition; /* from this level on an element of the list exists; 0 where there is no list */
};

/* One leaf's bytes in one row group. */
struct parquet_chunk {
    uint64_t start, size; /* inside the file, before the footer */
    int64_t slots;        /* values, nulls and empty lists */
    int32_t compression;  /* any number: checked when the chunk is read */
    bool elsewhere;       /* in another file, or encrypted */
    bool present;         /* its metadata were there */
};

struct parquet_metadata {
    struct arena arena; /* owns what follows */
    struct parquet_leaf *leaves;
    int leaf_count;
    int64_t rows;
    int64_t *group_rows; /* [group_count], sum is `rows` */
    size_t group_count;
    struct parquet_chunk *chunks; /* [group_count][leaf_count] */
    struct table_property *properties;
    size_t property_count;
};

/* Reads the footer of `source`. POMONA_E_INPUT: not a Parquet file; POMONA_E_CORRUPT; POMONA_E_LIMIT: more than the
 * limits above; POMONA_E_UNSUPPORTED: encrypted; POMONA_E_MEMORY; the source's own errors. On failure nothing is
 * left to free. */
pomona_status parquet_metadata_read(const struct source *source, struct parquet_metadata *metadata,
                                    struct pomona_error *error);

/* Accepts a zeroed one. */
void parquet_metadata_free(struct parquet_metadata *metadata);

#endif
