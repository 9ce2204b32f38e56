#include "table/codec.h"

#include <snappy-c.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

static pomona_status damaged(const char *name, const char *codec, struct pomona_error *error) {
    return fail(error, POMONA_E_CORRUPT, name, "a page's %s data are damaged", codec);
}

static pomona_status wrong_size(const char *name, size_t expected, struct pomona_error *error) {
    return fail(error, POMONA_E_CORRUPT, name, "a page does not decompress to the %zu bytes it names",
                expected);
}

static pomona_status decompress_snappy(const char *name, const void *data, size_t size, void *to,
                                       size_t to_size, struct pomona_error *error) {
    size_t found = 0;
    if (snappy_uncompressed_length(data, size, &found) != SNAPPY_OK) return damaged(name, "snappy", error);
    if (found != to_size) return wrong_size(name, to_size, error);
    if (snappy_uncompress(data, size, to, &found) != SNAPPY_OK) return damaged(name, "snappy", error);
    return POMONA_OK;
}

static pomona_status decompress_zstd(const char *name, const void *data, size_t size, void *to,
                                     size_t to_size, struct pomona_error *error) {
    size_t found = ZSTD_decompress(to, to_size, data, size);
    if (ZSTD_isError(found)) {
        ZSTD_ErrorCode code = ZSTD_getErrorCode(found);
        if (code == ZSTD_error_memory_allocation) return fail_memory(error, "zstd");
        if (code == ZSTD_error_dstSize_tooSmall) return wrong_size(name, to_size, error);
        return damaged(name, "zstd", error);
    }
    return found == to_size ? POMONA_OK : wrong_size(name, to_size, error);
}

/* gzip or zlib data, also several gzip members one after the other. */
static pomona_status decompress_gzip(const char *name, const void *data, size_t size, void *to,
                                     size_t to_size, struct pomona_error *error) {
    enum { EITHER_HEADER = 15 + 32 };
    z_stream stream = {
        .next_in = (Bytef *)data, .avail_in = (uInt)size, .next_out = to, .avail_out = (uInt)to_size};
    if (inflateInit2(&stream, EITHER_HEADER) != Z_OK) return fail_memory(error, "zlib");
    int result = Z_OK;
    while (result == Z_OK) {
        result = inflate(&stream, Z_FINISH);
        if (result == Z_STREAM_END && stream.avail_in > 0) result = inflateReset(&stream);
    }
    size_t missing = stream.avail_out;
    inflateEnd(&stream);
    if (result == Z_MEM_ERROR) return fail_memory(error, "zlib");
    if (result == Z_BUF_ERROR) return wrong_size(name, to_size, error);
    if (result != Z_STREAM_END) return damaged(name, "gzip", error);
    return missing == 0 ? POMONA_OK : wrong_size(name, to_size, error);
}

pomona_status page_decompress(enum parquet_compression codec, const char *name, const void *data, size_t size,
                              void *to, size_t to_size, struct pomona_error *error) {
    switch (codec) {
    case COMPRESSION_NONE:
        if (size != to_size) return wrong_size(name, to_size, error);
        if (size) memcpy(to, data, size);
        return POMONA_OK;
    case COMPRESSION_SNAPPY: return decompress_snappy(name, data, size, to, to_size, error);
    case COMPRESSION_ZSTD: return decompress_zstd(name, data, size, to, to_size, error);
    case COMPRESSION_GZIP: return decompress_gzip(name, data, size, to, to_size, error);
    }
    return fail(error, POMONA_E_UNSUPPORTED, name, "compression codec %d", (int)codec);
}

bool page_size_is_possible(enum parquet_compression codec, size_t size, size_t to_size) {
    /* The most one byte can become: a snappy copy makes 64 bytes of 3; deflate reaches 1032:1; a zstd block of
     * 4 bytes can repeat one byte 128 KiB long. */
    size_t ratio = codec == COMPRESSION_NONE     ? 1
                   : codec == COMPRESSION_SNAPPY ? 32
                   : codec == COMPRESSION_GZIP   ? 1040
                                                 : 32768;
    return size >= to_size || to_size - size <= 64 || to_size / ratio <= size;
}
