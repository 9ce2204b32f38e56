/* The first convolution of a quantised network, straight from a photo's pixels: RGB bytes become RGBX through three tables
 * (normalisation and quantisation, docs/internals/int8.md) with a border of padding around them, and the windows of a row
 * then overlap in memory like the rows of a matrix product. Every tier agrees with ref.c to the bit. */
#ifndef KERNELS_CONV0_RGBX_H
#define KERNELS_CONV0_RGBX_H

#include "kernels/requantise.h"
#include "kernels/window.h"
#include "pomona/cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conv0_rgbx_args {
    struct window window; /* no dilation */
    int out_channels;
    const uint8_t *x;     /* [in_height][in_width][3], one photo; nothing is read past its end */
    const uint8_t *table; /* [3][256]; NULL for none: q is the pixel */
    int padding;          /* the byte of every channel outside the image: the zero point of q */
    const void *packed;   /* from pack(), aligned to MEMORY_ALIGN */
    struct requantise_output output;
    uint8_t *y;      /* [out rows][out_width][out_channels] of this call */
    int first, last; /* output rows [first, last) */
    void *scratch;   /* scratch_bytes() of them, aligned; filled by prepare() */
};

struct conv0_rgbx_impl {
    const char *name;
    pomona_tier tier;
    size_t (*packed_bytes)(int out_channels, int kernel_height, int kernel_width);
    /* w [out][3][kh][kw]; bias [out], with the input's zero point in it; multiplier [out].
     * For all c: |bias| + 255 sum |w| < 2^31. */
    void (*pack)(int out_channels, int kernel_height, int kernel_width, const int8_t *w, const int32_t *bias,
                 const float *multiplier, void *packed);
    size_t (*scratch_bytes)(const struct window *window);
    /* Fills the scratch from a photo; once before the run()s over its rows. */
    void (*prepare)(const struct conv0_rgbx_args *args);
    void (*run)(const struct conv0_rgbx_args *args);
};

/* Every implementation of this build: conv0_rgbx_scalar, conv0_rgbx_avx2, ... */
#define IMPL(symbol, tier) extern const struct conv0_rgbx_impl symbol;
#include "kernels/conv0_rgbx/conv0_rgbx.inc"
#undef IMPL

#endif
