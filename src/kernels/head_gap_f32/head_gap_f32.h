/* The last 1x1 convolution of a quantised network with the global average pool behind it: 8 bits in, float features out,
 * nothing in between is rounded to 8 bits. Every tier agrees with ref.c to the bit; docs/internals/int8.md says what is
 * computed. */
#ifndef KERNELS_HEAD_GAP_F32_H
#define KERNELS_HEAD_GAP_F32_H

#include "pomona/cpu.h"

#include <stddef.h>
#include <stdint.h>

struct head_gap_f32_args {
    int images, pixels; /* pixels of one image */
    int n, k;           /* output channels, input channels */
    const uint8_t *x;   /* [images][pixels][k] */
    const void *packed; /* from pack(), aligned to MEMORY_ALIGN */
    float low, high;    /* clamp of each pixel's value, before the mean */
    float *y;           /* [images][n] */
};

struct head_gap_f32_impl {
    const char *name;
    pomona_tier tier;
    size_t (*packed_bytes)(int n, int k);
    /* w [n][k]; bias [n], with the input's zero point in it; multiplier [n]. For all c: |bias| + 255 sum |w| < 2^31. */
    void (*pack)(int n, int k, const int8_t *w, const int32_t *bias, const float *multiplier, void *packed);
    void (*run)(const struct head_gap_f32_args *args);
};

/* Every implementation of this build: head_gap_f32_scalar, head_gap_f32_avx2, ... */
#define IMPL(symbol, tier) extern const struct head_gap_f32_impl symbol;
#include "kernels/head_gap_f32/head_gap_f32.inc"
#undef IMPL

#endif
