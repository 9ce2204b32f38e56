/* The register tile of the integer products, on top of a simd_i8/ISA.h. The source that includes this defines, for each number of
 * vectors of channels that it has (VECTORS_MAX), the heights of its tiles:
 *   HEIGHTS_1(H), HEIGHTS_2(H), ...   H(rows) from the tallest down to 1; its sums, the weights and one pixel fit the registers
 *   ROWS_MAX                          the tallest
 * A tile keeps its sums in registers over the whole of k. */
#ifndef KERNELS_GEMM_U8S8_SIMD_TILE_H
#define KERNELS_GEMM_U8S8_SIMD_TILE_H

#include "kernels/simd_i8/panel.h"
#include "kernels/simd_i8/unrolled.h"

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

/* Of four vectors of weights two stay in memory: 28 sums, two weights and a pixel are 31 of 32 registers. */
#define IN_REGISTERS (vectors == 4 ? 2 : 3)

/* `narrow`: only the lower half of the second of two vectors counts.
 * sum[rows * vectors]: `rows` pixels, x_stride bytes apart, times a strip of `vectors` vectors of channels. */
ALWAYS_INLINE void tile_sums(const uint8_t *x, size_t x_stride, struct pieces pieces, struct strip strip,
                             int rows, int vectors, bool narrow, sums sum[ROWS_MAX * VECTORS_MAX]) {
    /* x [rows] of [pieces][steps][GROUP], weights [pieces][steps][vectors][LANES][GROUP] */
    const int8_t *w = strip.weights;
#define START(r, v)                                                                                          \
    if ((v) < vectors && (r) < rows) sum[(r)*vectors + (v)] = sums_load(strip.bias + (v)*LANES);
#define START_ROW(r) EACH_VECTOR(START, r)
    EACH_ROW(START_ROW)
    /* at least one piece and one step */
    size_t piece = 0;
    do {
        const uint8_t *group = x + piece * pieces.distance, *end = group + pieces.steps * GROUP;
        do {
            weights channels[VECTORS_MAX];
#define LOAD(r, v)                                                                                           \
    if ((v) < vectors && (v) < IN_REGISTERS)                                                                 \
        channels[v < VECTORS_MAX ? v : 0] = weights_load(w + (v)*LANES * GROUP);
#define DOT(r, v)                                                                                            \
    if ((v) < vectors)                                                                                       \
        sum[(r)*vectors + (v)] =                                                                             \
            narrow && (v) == 1                                                                               \
                ? sums_dot_narrow(sum[(r)*vectors + (v)], pixel, channels[v < VECTORS_MAX ? v : 0])          \
            : (v) < IN_REGISTERS                                                                             \
                ? sums_dot(sum[(r)*vectors + (v)], pixel, channels[v < VECTORS_MAX ? v : 0])                 \
                : sums_dot_memory(sum[(r)*vectors + (v)], pixel, w + (v)*LANES * GROUP);
#define DOT_ROW(r)                                                                                           \
    if ((r) < rows) {                                                                                        \
        pixels pixel = pixels_load(group + (size_t)(r)*x_stride);                                            \
        EACH_VECTOR(DOT, r)                                                                                  \
    }
            EACH_VECTOR(LOAD, 0)
            EACH_ROW(DOT_ROW)
            w += vectors * LANES * GROUP;
            group += GROUP;
        } while (group < end);
    } while (++piece < pieces.count);
#undef START
#undef START_ROW
#undef LOAD
#undef DOT
#undef DOT_ROW
}

#endif
