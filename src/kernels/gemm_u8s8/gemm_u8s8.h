/* y = requantised(x . w^T + bias + residual): 1x1 convolutions over pixels in 8 bits. Every tier agrees with ref.c to the
 * bit; docs/internals/int8.md says what is computed. */
#ifndef KERNELS_GEMM_U8S8_H
#define KERNELS_GEMM_U8S8_H

#include "kernels/requantise.h"
#include "pomona/cpu.h"

#include <stddef.h>
#include <stdint.h>

struct gemm_u8s8_args {
    int m, n, k;      /* pixels (all images of a batch), output channels, input channels; >= 1 */
    const uint8_t *x; /* [m] rows of k, x_stride bytes apart */
    size_t x_stride;
    const void *packed;      /* from pack(), aligned to MEMORY_ALIGN */
    const uint8_t *residual; /* [m] rows of n, residual_stride apart; NULL for none */
    size_t residual_stride;
    struct requantise_residual residual_scale;
    struct requantise_output output;
    uint8_t *y; /* [m] rows of n, y_stride apart; may be `residual`, never overlaps x */
    size_t y_stride;
};

struct gemm_u8s8_impl {
    const char *name; /* "avx512 7x64" */
    pomona_tier tier;
    size_t (*packed_bytes)(int n, int k);
    /* w [n][k]; bias [n], with the input's zero point in it; multiplier [n]. For all c: |bias| + 255 sum |w| < 2^31. */
    void (*pack)(int n, int k, const int8_t *w, const int32_t *bias, const float *multiplier, void *packed);
    void (*run)(const struct gemm_u8s8_args *args);
};

/* Every implementation of this build: gemm_u8s8_scalar, gemm_u8s8_avx2, ... */
#define IMPL(symbol, tier) extern const struct gemm_u8s8_impl symbol;
#include "kernels/gemm_u8s8/gemm_u8s8.inc"
#undef IMPL

#endif
