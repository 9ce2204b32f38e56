/* The schema list of a footer, as parquet_metadata.c reads it, made into leaves. */
#ifndef TABLE_METADATA_SCHEMA_H
#define TABLE_METADATA_SCHEMA_H

#include "table/parquet_metadata.h"
#include "table/thrift_reader.h"

/* Reads the `count` elements that `reader` stands before and fills metadata->leaves. */
pomona_status metadata_read_schema(struct thrift_reader *reader, size_t count, const char *name,
                                   struct parquet_metadata *metadata, struct pomona_error *error);

#endif
