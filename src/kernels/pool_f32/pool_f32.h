/* Pooling over NHWC. */
#ifndef KERNELS_POOL_F32_H
#define KERNELS_POOL_F32_H

#include "kernels/window.h"
#include "pomona/cpu.h"

#include <stdbool.h>

struct pool_f32_args {
    struct window window;
    int images, channels;
    bool count_padding; /* average only: divide by the whole window, or by its pixels inside the image */
    const float *x;     /* [images][in_height][in_width][channels] */
    float *y;           /* [images][out_height][out_width][channels] */
};

struct pool_f32_impl {
    const char *name;
    pomona_tier tier;
    void (*max)(const struct pool_f32_args *args);     /* padding is -infinity */
    void (*average)(const struct pool_f32_args *args); /* padding is zero */
    /* y[image][c] = mean over `pixels` of x[image][pixel][c] */
    void (*global_average)(int images, int pixels, int channels, const float *x, float *y);
};

/* What an average at (rows, columns) is divided by; at least 1, so that a window in the padding gives 0. */
static inline float pool_divisor(const struct pool_f32_args *args, struct window_span rows,
                                 struct window_span columns) {
    const struct window *g = &args->window;
    int inside = (rows.last - rows.first) * (columns.last - columns.first);
    if (args->count_padding) inside = g->kernel_height * g->kernel_width;
    return (float)(inside > 0 ? inside : 1);
}

/* Every implementation of this build: pool_f32_scalar, pool_f32_avx2, ... */
#define IMPL(symbol, tier) extern const struct pool_f32_impl symbol;
#include "kernels/pool_f32/pool_f32.inc"
#undef IMPL

#endif
