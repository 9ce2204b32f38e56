/* Pooling over NHWC. */
#ifndef KERNELS_POOL_F32_H
#define KERNELS_POOL_F32_H

#include "kernels/window.h"
#include "pomona/cpu.h"

#include <stdbool.h>

struct pool_f32_args {
    struct window window;
    int images, channels;
    bool
        count_padding; /* average only: divide by the whole window (true) or by its pixels inside the image */
    const float *x;    /* [images][in_height][in_width][channels] */
    float *y;          /* [images][out_height][out_width][channels] */
};

struct pool_f32_impl {
    const char *name;
    pomona_tier tier;
    void (*max)(const struct pool_f32_args *args);     /* padding is -infinity */
    void (*average)(const struct pool_f32_args *args); /* padding is zero */
    /* y[image][c] = mean over `pixels` of x[image][pixel][c] */
    void (*global_average)(int images, int pixels, int channels, const float *x, float *y);
};

#endif
