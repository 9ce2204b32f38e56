/* The register tile of the integer products, on top of a simd_i8/ISA.h. The source that includes this defines, for each number of
 * vectors of channels that it has (VECTORS_MAX), the heights of its tiles:
 *   HEIGHTS_1(H), HEIGHTS_2(H), ...   H(rows) from the tallest down to 1; its sums, the weights and one pixel fit the registers
 *   ROWS_MAX                          the tallest
 * A tile keeps its sums in registers over the whole of k. */
#ifndef KERNELS_GEMM_U8S8_SIMD_TILE_H
#define KERNELS_GEMM_U8S8_SIMD_TILE_H

#include "kernels/simd_i8/panel.h"

/* A row of x is `count` pieces of `steps` groups of inputs, `distance` bytes apart: the rows of a window, in different rows of
 * an image. */
struct pieces {
    size_t count, distance, steps;
};

/* One strip of channels: [vectors][LANES] biases and multipliers, and the weights behind them. */
struct strip {
    const int32_t *bias;
    const float *multiplier;
    const int8_t *weights;
};

ALWAYS_INLINE struct strip strip_at(const void *packed, int vectors) {
    const int32_t *bias = packed;
    const float *multiplier = (const float *)(const void *)(bias + vectors * LANES);
    return (struct strip){bias, multiplier, (const int8_t *)(const void *)(multiplier + vectors * LANES)};
}

/* sum[rows][vectors]: `rows` pixels, x_stride bytes apart, times a strip of `vectors` vectors of channels. */
ALWAYS_INLINE void tile_sums(const uint8_t *x, size_t x_stride, struct pieces pieces, struct strip strip,
                             int rows, int vectors, sums sum[ROWS_MAX][VECTORS_MAX]) {
    /* x [rows] of [pieces][steps][GROUP], weights [pieces][steps][vectors][LANES][GROUP] */
    const int8_t *w = strip.weights;
    UNROLL
    for (int v = 0; v < vectors; v++) {
        UNROLL
        for (int r = 0; r < rows; r++) sum[r][v] = sums_load(strip.bias + v * LANES);
    }
    for (size_t piece = 0; piece < pieces.count; piece++) {
        const uint8_t *group = x + piece * pieces.distance;
        for (const uint8_t *end = group + pieces.steps * GROUP; group < end; group += GROUP) {
            weights channels[VECTORS_MAX];
            UNROLL
            for (int v = 0; v < vectors; v++) channels[v] = weights_load(w + v * LANES * GROUP);
            w += vectors * LANES * GROUP;
            UNROLL
            for (int r = 0; r < rows; r++) {
                pixels pixel = pixels_load(group + (size_t)r * x_stride);
                UNROLL
                for (int v = 0; v < vectors; v++) sum[r][v] = sums_dot(sum[r][v], pixel, channels[v]);
            }
        }
    }
}

#endif
