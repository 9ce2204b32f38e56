/* Dense convolution over NHWC with any window: ResNet's 3x3 and 7x7, the first layer (3 input channels), one group
 * of a grouped convolution (x, y and strides then point into the group's channels). Padding is zero. */
#ifndef KERNELS_CONV_F32_H
#define KERNELS_CONV_F32_H

#include "kernels/window.h"
#include "pomona/cpu.h"

#include <stddef.h>

struct conv_f32_args {
    struct window window;
    int images; /* batch */
    int in_channels, out_channels;
    const float *x; /* [images][in_height][in_width] pixels, x_stride floats apart */
    size_t x_stride;
    const float *packed;   /* from pack() */
    const float *residual; /* like y, residual_stride apart, added before the clamp; NULL for none */
    size_t residual_stride;
    float low, high;
    float *y; /* [images][out_height][out_width] pixels, y_stride apart */
    size_t y_stride;
    float *scratch; /* scratch_floats() of them, uninitialised, aligned */
};

struct conv_f32_impl {
    const char *name;
    pomona_tier tier;
    size_t (*packed_floats)(int out_channels, int in_channels, int kernel_height, int kernel_width);
    /* w [out][in][kh][kw] as ONNX has it; bias [out] or NULL */
    void (*pack)(int out_channels, int in_channels, int kernel_height, int kernel_width, const float *w,
                 const float *bias, float *packed);
    size_t (*scratch_floats)(const struct window *window, int in_channels,
                             int out_channels); /* whatever the batch */
    void (*run)(const struct conv_f32_args *args);
};

/* Every implementation of this build: conv_f32_scalar, conv_f32_avx2, ... */
#define IMPL(symbol, tier) extern const struct conv_f32_impl symbol;
#include "kernels/conv_f32/conv_f32.inc"
#undef IMPL

#endif
