/* Bytes between guards and layers of random weights: what the checks of the integer kernels share. */
#ifndef TESTS_KERNELS_CHECK_BYTES_H
#define TESTS_KERNELS_CHECK_BYTES_H

#include "check.h"
#include "kernels/requantise.h"

struct bytes {
    uint8_t *data;
    size_t count;
    uint8_t *block;
};

/* Random bytes, or all 0, or all 255, or those two at random; the 64 bytes behind them, which a kernel may read, are 255, and
 * behind those is nothing. `shifted` starts them one byte past an aligned address. */
struct bytes bytes_input(struct check *check, size_t count, bool shifted);
/* Uninitialised; every call fills data and guards with the same bytes. */
struct bytes bytes_output(size_t count, bool shifted);
void bytes_free(struct bytes *bytes);

/* [rows][n] bytes, stride apart, must be equal; gaps between rows and guards untouched. Spoils `got` as --self-test asks. */
void check_bytes(struct check *check, struct bytes *got, const struct bytes *want, size_t rows, size_t n,
                 size_t stride);
/* The guards alone. */
void check_bytes_guards(struct check *check, const struct bytes *bytes);
/* Bytes that must agree because only the tile or the batch they were computed in differs. */
void check_same_bytes(struct check *check, const uint8_t *a, const uint8_t *b, size_t count);

/* Weights [channels][inputs], random or all -128 or all 127, biases from small to as large as |bias| + 255 sum |w| < 2^31 allows,
 * multipliers that bring sums to about 8 bits, now and then far beyond. */
struct integer_layer {
    int8_t *w;
    int32_t *bias;
    float *multiplier;
};
struct integer_layer layer_new(struct check *check, int channels, int inputs);
void layer_free(struct integer_layer *layer);

/* A random zero point and clamp, of a kind that networks have or any. */
struct requantise_output random_output(struct check *check);

#endif
