/* Pillow's two-pass resampling of uint8 RGB, on weights in 22-bit fixed point. Integers only: every tier agrees with
 * ref.c to the bit.
 *
 * An output is clamp((2^21 + sum of weight * pixel) >> 22, 0, 255), where >> rounds down. Pillow keeps the sum in 32 bits;
 * so do these kernels, and since |sum| < 2^31 for normalised bicubic weights, the order of additions is free. */
#ifndef KERNELS_RESIZE_U8_H
#define KERNELS_RESIZE_U8_H

#include "pomona/cpu.h"

#include <stddef.h>
#include <stdint.h>

enum {
    RESIZE_U8_BITS = 22,    /* fixed point of the weights: 1.0 is 1 << 22 */
    RESIZE_U8_GROUP = 4,    /* taps are padded with zero weights to a multiple of this */
    RESIZE_U8_ROWS = 4,     /* rows of one call of horizontal */
    RESIZE_U8_OVERREAD = 64 /* bytes that may be read past the end of a row */
};

/* How one axis is resampled: which inputs make an output. */
struct resize_u8_axis {
    int out;
    int taps;               /* a multiple of RESIZE_U8_GROUP */
    const int32_t *start;   /* [out] first input */
    const int32_t *count;   /* [out] inputs, 1..taps */
    const int32_t *weights; /* [out][taps], zero beyond count, after pack(); |weight| < 2^23 */
};

struct resize_u8_impl {
    const char *name;
    pomona_tier tier;
    /* Rearranges weights in place, a group of four at a time, as this tier's kernels want them. */
    void (*pack)(size_t weights, int32_t *weight);
    /* y[r][out][3] from x[r][..][3] for r < rows (1..RESIZE_U8_ROWS). */
    void (*horizontal)(const struct resize_u8_axis *axis, int rows, const uint8_t *const *x,
                       uint8_t *const *y);
    /* Output `index`: y[bytes] from the rows x[t][bytes], t < count rounded up to a whole group (rows beyond count are
     * read and weighted with zero). y may not overlap them. */
    void (*vertical)(const struct resize_u8_axis *axis, int index, size_t bytes, const uint8_t *const *x,
                     uint8_t *y);
};

extern const struct resize_u8_impl resize_u8_scalar;
extern const struct resize_u8_impl resize_u8_avx2;
extern const struct resize_u8_impl resize_u8_avx512;
extern const struct resize_u8_impl resize_u8_neon;

#endif
