/* Depthwise convolution over NHWC, one filter a channel. Padding is zero. */
#ifndef KERNELS_DWCONV_F32_H
#define KERNELS_DWCONV_F32_H

#include "kernels/window.h"
#include "pomona/cpu.h"

#include <stddef.h>

struct dwconv_f32_args {
    struct window window;
    int images, channels;
    const float *x;      /* [images][in_height][in_width][channels] */
    const float *packed; /* from pack() */
    float low, high;
    float *y;       /* [images][out_height][out_width][channels] */
    float *scratch; /* scratch_floats() of them, uninitialised, aligned */
};

struct dwconv_f32_impl {
    const char *name;
    pomona_tier tier;
    size_t (*packed_floats)(int channels, int kernel_height, int kernel_width);
    /* w [channels][kh][kw]; bias [channels] or NULL */
    void (*pack)(int channels, int kernel_height, int kernel_width, const float *w, const float *bias,
                 float *packed);
    size_t (*scratch_floats)(const struct window *window, int channels);
    void (*run)(const struct dwconv_f32_args *args);
};

/* Every implementation of this build: dwconv_f32_scalar, dwconv_f32_avx2, ... */
#define IMPL(symbol, tier) extern const struct dwconv_f32_impl symbol;
#include "kernels/dwconv_f32/dwconv_f32.inc"
#undef IMPL

#endif
