/* uint8 RGB pixels to the network's input: y = x * scale[c] + shift[c]. */
#ifndef KERNELS_PIXELS_F32_H
#define KERNELS_PIXELS_F32_H

#include "pomona/cpu.h"

#include <stddef.h>
#include <stdint.h>

struct pixels_f32_impl {
    const char *name;
    pomona_tier tier;
    /* x [pixels][3], y [pixels][3] */
    void (*normalise)(size_t pixels, const uint8_t *x, const float scale[3], const float shift[3], float *y);
};

/* Every implementation of this build: pixels_f32_scalar, pixels_f32_avx2, ... */
#define IMPL(symbol, tier) extern const struct pixels_f32_impl symbol;
#include "kernels/pixels_f32/pixels_f32.inc"
#undef IMPL

#endif
