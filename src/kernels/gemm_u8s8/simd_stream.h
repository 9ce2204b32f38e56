/* Products of few inputs, on top of gemm_u8s8/simd_rows.h: all weights of a strip stay in registers and pixels stream past them, as
 * many at a time as fill four registers. In a tall tile sums come due all at once and the units that multiply wait for those that
 * round and pack; here the one pixel's rounding overlaps the next one's products. Two vectors of channels at most: with 16 inputs three are a
 * sixth slower. */
#ifndef KERNELS_GEMM_U8S8_SIMD_STREAM_H
#define KERNELS_GEMM_U8S8_SIMD_STREAM_H

#include "kernels/gemm_u8s8/simd_rows.h"

#define EACH_STEP(DO)      DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8)
#define STREAM_WEIGHTS_MAX 18

/* `rows` pixels from x on, each pieces of `each` steps: sum[rows * vectors]. */
ALWAYS_INLINE void stream_sums(const uint8_t *x, size_t x_stride, size_t distance, struct strip strip,
                               const weights *w, int rows, int vectors, int steps, int each, sums *sum) {
#define START(i)                                                                                             \
    if ((i) < rows * vectors) sum[i] = sums_load(strip.bias + (i) % vectors * LANES);
#define DOT(r, v)                                                                                            \
    if ((v) < vectors)                                                                                       \
        sum[(r)*vectors + (v)] = sums_dot(sum[(r)*vectors + (v)], pixel, step_weights[(v) < 2 ? (v) : 0]);
#define DOT_ROW(r)                                                                                           \
    if ((r) < rows) {                                                                                        \
        pixels pixel = pixels_load(group + (size_t)(r)*x_stride);                                            \
        EACH_VECTOR(DOT, r)                                                                                  \
    }
#define STEP(s)                                                                                              \
    if ((s) < steps) {                                                                                       \
        const uint8_t *group = x + (size_t)((s) / each) * distance + (s) % each * GROUP;                     \
        const weights *step_weights = w + (s)*vectors;                                                       \
        EACH_REGISTER(DOT_ROW)                                                                               \
    }
    EACH_REGISTER(START)
    EACH_STEP(STEP)
#undef START
#undef DOT
#undef DOT_ROW
#undef STEP
}

/* Rows [row, end) of a strip, `together` at a time; returns the next row. */
ALWAYS_INLINE int stream(const struct gemm_u8s8_args *a, size_t distance, const void *packed, int row,
                         int end, int column, int together, int vectors, int steps, int each) {
    struct strip strip = strip_at(packed, vectors);
    size_t count = (size_t)(a->n - column);
    if (count > (size_t)vectors * LANES) count = (size_t)vectors * LANES;
    weights w[STREAM_WEIGHTS_MAX];
#define LOAD(s, v)                                                                                           \
    if ((v) < vectors && (s) < steps)                                                                        \
        w[(s)*vectors + (v)] = weights_load(strip.weights + ((s)*vectors + (v)) * LANES * GROUP);
#define LOAD_STEP(s) EACH_VECTOR(LOAD, s)
    EACH_STEP(LOAD_STEP)
#undef LOAD
#undef LOAD_STEP
    for (; row + together <= end; row += together) {
        sums sum[4];
        stream_sums(a->x + (size_t)row * a->x_stride, a->x_stride, distance, strip, w, together, vectors,
                    steps, each, sum);
        store_rows(a, (size_t)row, (size_t)column, together, vectors, false, count, strip.multiplier, sum);
    }
    return row;
}

/* stream_VECTORS_STEPS(): pieces of `each` steps, `distance` bytes apart. */
#define STREAM_FUNCTION(together, vectors, steps, each)                                                      \
    __attribute__((noinline)) static int stream_##vectors##_##steps(                                         \
        const struct gemm_u8s8_args *a, size_t distance, const void *packed, int row, int end, int column) { \
        return stream(a, distance, packed, row, end, column, together, vectors, steps, each);                \
    }

#endif
