/* Element-wise functions on contiguous fp32. y may be x (in place). */
#ifndef KERNELS_ELTWISE_F32_H
#define KERNELS_ELTWISE_F32_H

#include "pomona/cpu.h"

#include <stddef.h>

struct eltwise_f32_impl {
    const char *name;
    pomona_tier tier;
    void (*clamp)(size_t count, const float *x, float low, float high, float *y);
    void (*sigmoid)(size_t count, const float *x, float *y);
    void (*hard_sigmoid)(size_t count, const float *x, float alpha, float beta,
                         float *y);                             /* clamp(alpha x + beta, 0, 1) */
    void (*hard_swish)(size_t count, const float *x, float *y); /* x clamp(x/6 + 1/2, 0, 1) */
    void (*add)(size_t count, const float *a, const float *b, float *y);
    void (*multiply)(size_t count, const float *a, const float *b, float *y);
    /* y[p][c] = clamp(x[p][c] * scale[c] + shift[c], low, high): BatchNormalization that could not be folded,
     * squeeze-and-excitation. `shift` may be NULL. */
    void (*scale_channels)(size_t pixels, int channels, const float *x, const float *scale,
                           const float *shift, float low, float high, float *y);
};

/* Every implementation of this build: eltwise_f32_scalar, eltwise_f32_avx2, ... */
#define IMPL(symbol, tier) extern const struct eltwise_f32_impl symbol;
#include "kernels/eltwise_f32/eltwise_f32.inc"
#undef IMPL

#endif
