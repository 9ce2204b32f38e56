/* Parquet's hybrid of run lengths and bit packing, for levels, dictionary indices and booleans.
 *
 * Source: https://parquet.apache.org/docs/file-format/data-pages/encodings/ (RLE = 3). */
#ifndef TABLE_RLE_H
#define TABLE_RLE_H

#include "base/buffer.h"

#include <stdbool.h>

/* Bits that hold 0..max_value. */
static inline int bit_width(uint32_t max_value) { return max_value ? 32 - __builtin_clz(max_value) : 0; }

/* Appends values[count], each below 1 << width (width 1..32), without a length in front. */
pomona_status rle_encode(const uint32_t *values, size_t count, int width, struct buffer *out,
                         struct pomona_error *error);

/* The same for levels kept as bytes (width 1..8), with the four-byte length in front that pages V1 have. */
pomona_status rle_encode_levels(const uint8_t *levels, size_t count, int width, struct buffer *out,
                                struct pomona_error *error);

/* Reads values back. Never reads outside its data. */
struct rle_decoder {
    const uint8_t *at, *end;
    int width; /* 0..32 */
    bool packed;
    uint64_t run_left; /* values of the current run not read yet */
    uint32_t value;    /* of a run that repeats */
    size_t bit;        /* inside a packed run, from `at` */
};

struct rle_decoder rle_open(const uint8_t *data, size_t size, int width);

/* The next `count` values; false when the data end before. */
bool rle_read(struct rle_decoder *decoder, uint32_t *values, size_t count);

#endif
