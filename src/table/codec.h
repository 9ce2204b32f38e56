/* Compression of pages. */
#ifndef TABLE_CODEC_H
#define TABLE_CODEC_H

#include "base/buffer.h"
#include "table/parquet_format.h"

#include <stdbool.h>

/* Appends the compressed form of data[size] to `out`. NONE, SNAPPY and ZSTD (level 3). */
pomona_status page_compress(enum parquet_compression codec, const void *data, size_t size, struct buffer *out,
                            struct pomona_error *error);

/* Fills to[to_size] from data[size], exactly. All four codecs. `name` is for messages. POMONA_E_CORRUPT: damaged
 * data, or data of another size. */
pomona_status page_decompress(enum parquet_compression codec, const char *name, const void *data, size_t size,
                              void *to, size_t to_size, struct pomona_error *error);

/* Whether `size` compressed bytes can hold to_size bytes at all, so that a small file can't ask for much memory. */
bool page_size_is_possible(enum parquet_compression codec, size_t size, size_t to_size);

#endif
