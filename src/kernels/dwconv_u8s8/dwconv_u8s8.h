/* Depthwise convolution over NHWC in 8 bits, one filter a channel. Every tier agrees with ref.c to the bit;
 * docs/internals/int8.md says what is computed. */
#ifndef KERNELS_DWCONV_U8S8_H
#define KERNELS_DWCONV_U8S8_H

#include "kernels/requantise.h"
#include "kernels/window.h"
#include "pomona/cpu.h"

#include <stddef.h>
#include <stdint.h>

struct dwconv_u8s8_args {
    struct window window; /* any; 3x3 and 5x5 with strides 1 and 2 and no dilation are fast */
    int images, channels;
    const uint8_t *x;   /* [images][in_height][in_width][channels] */
    int padding;        /* the byte outside the image: the input's zero point */
    const void *packed; /* from pack(), aligned to MEMORY_ALIGN */
    struct requantise_output output;
    uint8_t *y;    /* [images][out_height][out_width][channels], does not overlap x */
    void *scratch; /* scratch_bytes() of them, uninitialised, aligned */
};

struct dwconv_u8s8_impl {
    const char *name;
    pomona_tier tier;
    size_t (*packed_bytes)(int channels, int kernel_height, int kernel_width);
    /* w [channels][kh][kw]; bias [channels], with the input's zero point in it; multiplier [channels].
     * For all c: |bias| + 255 sum |w| < 2^31. */
    void (*pack)(int channels, int kernel_height, int kernel_width, const int8_t *w, const int32_t *bias,
                 const float *multiplier, void *packed);
    size_t (*scratch_bytes)(const struct window *window, int channels);
    void (*run)(const struct dwconv_u8s8_args *args);
};

/* Every implementation of this build: dwconv_u8s8_scalar, dwconv_u8s8_avx2, ... */
#define IMPL(symbol, tier) extern const struct dwconv_u8s8_impl symbol;
#include "kernels/dwconv_u8s8/dwconv_u8s8.inc"
#undef IMPL

#endif
