/* Compression of pages. */
#ifndef TABLE_CODEC_H
#define TABLE_CODEC_H

#include "base/buffer.h"
#include "table/parquet_format.h"

/* Appends the compressed form of data[size] to `out`. NONE, SNAPPY and ZSTD (level 3). */
pomona_status page_compress(enum parquet_compression codec, const void *data, size_t size, struct buffer *out,
                            struct pomona_error *error);

#endif
