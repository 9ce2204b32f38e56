/* DELTA_BINARY_PACKED: integers as differences, packed in blocks. Also the lengths of DELTA_LENGTH_BYTE_ARRAY and
 * DELTA_BYTE_ARRAY.
 *
 * Source: https://parquet.apache.org/docs/file-format/data-pages/encodings/ (DELTA_BINARY_PACKED = 5). */
#ifndef TABLE_DELTA_H
#define TABLE_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct delta_decoder {
    const uint8_t *at, *end;
    uint64_t values_left;              /* in all */
    uint64_t value, minimum;           /* last value; least difference of the block; both modulo 2^64 */
    uint32_t mini_blocks, mini_values; /* mini blocks of a block; values of a mini block */
    const uint8_t *widths;             /* of the block's mini blocks */
    uint32_t mini;                     /* index of the current one */
    uint32_t mini_left;                /* differences left in it */
    size_t bit;
    bool first; /* the first value has not been read */
};

/* Starts at data[size]. False when the head is damaged. */
bool delta_open(struct delta_decoder *decoder, const uint8_t *data, size_t size);

/* The next value. False when there is none or the data are damaged. */
bool delta_next(struct delta_decoder *decoder, int64_t *value);

/* Passes over what is left and returns where the data end, NULL when they are damaged. */
const uint8_t *delta_end(struct delta_decoder decoder);

#endif
