#include "table/codec.h"

#include <snappy-c.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { ZSTD_LEVEL = 3 };

static pomona_status compress_snappy(const void *data, size_t size, struct buffer *out,
                                     struct pomona_error *error) {
    size_t room = snappy_max_compressed_length(size);
    TRY(buffer_reserve(out, room, error));
    if (snappy_compress(data, size, (char *)out->data + out->size, &room) != SNAPPY_OK)
        return fail(error, POMONA_E_INTERNAL, NULL, "snappy could not compress a page");
    out->size += room;
    return POMONA_OK;
}

static pomona_status compress_zstd(const void *data, size_t size, struct buffer *out,
                                   struct pomona_error *error) {
    size_t room = ZSTD_compressBound(size);
    TRY(buffer_reserve(out, room, error));
    size_t got = ZSTD_compress(out->data + out->size, room, data, size, ZSTD_LEVEL);
    if (ZSTD_isError(got)) {
        if (ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation) return fail_memory(error, "zstd");
        return fail(error, POMONA_E_INTERNAL, NULL, "zstd could not compress a page: %s",
                    ZSTD_getErrorName(got));
    }
    out->size += got;
    return POMONA_OK;
}

pomona_status page_compress(enum parquet_compression codec, const void *data, size_t size, struct buffer *out,
                            struct pomona_error *error) {
    switch (codec) {
    case COMPRESSION_NONE: return buffer_append(out, data, size, error);
    case COMPRESSION_SNAPPY: return compress_snappy(data, size, out, error);
    case COMPRESSION_ZSTD: return compress_zstd(data, size, out, error);
    case COMPRESSION_GZIP: break;
    }
    return fail(error, POMONA_E_INTERNAL, NULL, "no compressor for codec %d", (int)codec);
}
