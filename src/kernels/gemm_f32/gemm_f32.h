/* y = clamp(x . w^T + bias + residual): 1x1 convolutions over pixels, and dense layers. */
#ifndef KERNELS_GEMM_F32_H
#define KERNELS_GEMM_F32_H

#include "pomona/cpu.h"

#include <stddef.h>

struct gemm_f32_args {
    int m, n, k;    /* pixels (all images of a batch), output channels, input channels; >= 1 */
    const float *x; /* [m] rows of k, x_stride floats apart */
    size_t x_stride;
    const float *packed;   /* from pack(), aligned to MEMORY_ALIGN */
    const float *residual; /* [m] rows of n, residual_stride apart, added before the clamp; NULL for none */
    size_t residual_stride;
    float low, high; /* clamp of the result: ReLU6 is 0, 6; none is -INFINITY, INFINITY */
    float *y;        /* [m] rows of n, y_stride apart; may be `residual`, never overlaps x */
    size_t y_stride;
};

struct gemm_f32_impl {
    const char *name; /* "avx512 14x32" */
    pomona_tier tier;
    int row_tile, column_tile;
    size_t (*packed_floats)(int n, int k); /* size of `packed` */
    void (*pack)(int n, int k, const float *w, const float *bias,
                 float *packed); /* w [n][k]; bias [n] or NULL */
    void (*run)(const struct gemm_f32_args *args);
};

/* Every implementation of this build: gemm_f32_scalar, gemm_f32_avx2, ... */
#define IMPL(symbol, tier) extern const struct gemm_f32_impl symbol;
#include "kernels/gemm_f32/gemm_f32.inc"
#undef IMPL

#endif
