/* Rows of a product to bytes, on top of gemm_u8s8/simd_tile.h: what gemm_u8s8 and conv0_rgbx share. */
#ifndef KERNELS_GEMM_U8S8_SIMD_ROWS_H
#define KERNELS_GEMM_U8S8_SIMD_ROWS_H

#include "kernels/gemm_u8s8/gemm_u8s8.h"
#include "kernels/gemm_u8s8/simd_tile.h"

/* `rows` rows of a tile, as many as fill four registers, become bytes together. */
ALWAYS_INLINE void store_rows(const struct gemm_u8s8_args *a, size_t row, size_t column, int rows,
                              int vectors, bool narrow, size_t count, const float *multiplier,
                              const sums *sum) {
    floats values[4], addends[4];
    __asm__(
        ""
        : "+r"(multiplier)); /* read again for each few rows: kept in registers, they would drive sums out */
#define SCALE(i)                                                                                             \
    if ((i) < rows * vectors) values[i] = sums_scale(sum[i], floats_load(multiplier + (i) % vectors * LANES));
    EACH_REGISTER(SCALE)
#undef SCALE
    if (a->residual) {
        residual_load(rows, vectors, a->residual + row * a->residual_stride + column, a->residual_stride,
                      count, narrow, a->residual_scale, addends);
#define ADD(i)                                                                                               \
    if ((i) < rows * vectors) values[i] = floats_add(values[i], addends[i]);
        EACH_REGISTER(ADD)
#undef ADD
    }
    bytes_store(rows, vectors, values, a->output, count, narrow, a->y + row * a->y_stride + column,
                a->y_stride);
}

/* Rows [row, row + rows) of the channels from `column` on. */
ALWAYS_INLINE void tile(const struct gemm_u8s8_args *a, struct pieces pieces, struct strip strip, int row,
                        int column, int rows, int vectors, bool narrow) {
    enum { REGISTERS = 4 };
    sums sum[ROWS_MAX * VECTORS_MAX];
    tile_sums(a->x + (size_t)row * a->x_stride, a->x_stride, pieces, strip, rows, vectors, narrow, sum);
    size_t count = (size_t)(a->n - column); /* of bytes in a row, may exceed the strip */
    if (count > (size_t)vectors * LANES) count = (size_t)vectors * LANES;
    int together = rows * vectors < REGISTERS ? rows : REGISTERS / vectors; /* divides rows, see ROWS_MAX */
#define STORE(r)                                                                                             \
    if ((r) < rows && (r) % together == 0)                                                                   \
        store_rows(a, (size_t)(row + (r)), (size_t)column, together, vectors, narrow, count,                 \
                   strip.multiplier, sum + (r)*vectors);
    EACH_ROW(STORE)
#undef STORE
}

/* One function a tile: several in one make clang 14 keep the sums of some in memory, and sanitizers take minutes. Each does as
 * many of the rows [row, end) of a strip as its height goes into, and returns the next row. */
#define TILE_FUNCTION(name, vectors, narrow, rows)                                                           \
    __attribute__((noinline)) static int rows_##name##_##rows(const struct gemm_u8s8_args *a,                \
                                                              struct pieces pieces, const void *packed,      \
                                                              int row, int end, int column) {                \
        struct strip strip = strip_at(packed, vectors);                                                      \
        for (; row + (rows) <= end; row += (rows))                                                           \
            tile(a, pieces, strip, row, column, rows, vectors, narrow);                                      \
        return row;                                                                                          \
    }
#define TILE_FUNCTION_1(rows)  TILE_FUNCTION(1, 1, false, rows)
#define TILE_FUNCTION_2(rows)  TILE_FUNCTION(2, 2, false, rows)
#define TILE_FUNCTION_2N(rows) TILE_FUNCTION(2n, 2, true, rows)
#define TILE_FUNCTION_3(rows)  TILE_FUNCTION(3, 3, false, rows)
#define TILE_FUNCTION_4(rows)  TILE_FUNCTION(4, 4, false, rows)
HEIGHTS_1(TILE_FUNCTION_1)
HEIGHTS_2(TILE_FUNCTION_2)
#if NARROW
HEIGHTS_2(TILE_FUNCTION_2N)
#endif
#if VECTORS_MAX == 4
HEIGHTS_3(TILE_FUNCTION_3)
HEIGHTS_4(TILE_FUNCTION_4)
#endif

#define TILE_ROWS(name, rows)                                                                                \
    if (row + (rows) <= end) row = rows_##name##_##rows(a, pieces, packed, row, end, column);
#define TILE_1(rows)  TILE_ROWS(1, rows)
#define TILE_2(rows)  TILE_ROWS(2, rows)
#define TILE_2N(rows) TILE_ROWS(2n, rows)
#define TILE_3(rows)  TILE_ROWS(3, rows)
#define TILE_4(rows)  TILE_ROWS(4, rows)

/* Rows [row, end) of one strip. */
static inline void strip_rows(const struct gemm_u8s8_args *a, struct pieces pieces, const void *packed,
                              int row, int end, int column, int vectors) {
#if NARROW
    if (strip_is_narrow(a->n - column, vectors)) {
        HEIGHTS_2(TILE_2N)
        return;
    }
#endif
    switch (vectors) {
    case 1: HEIGHTS_1(TILE_1) break;
    case 2: HEIGHTS_2(TILE_2) break;
#if VECTORS_MAX == 4
    case 3: HEIGHTS_3(TILE_3) break;
    case 4: HEIGHTS_4(TILE_4) break;
#endif
    default: break;
    }
}

/* Rows [row, end) of all channels. */
static inline void all_strips(const struct gemm_u8s8_args *a, struct pieces pieces, int row, int end) {
    const uint8_t *packed = a->packed;
    for (int column = 0, vectors; column < a->n; column += vectors * LANES) {
        vectors = strip_vectors(a->n - column, pieces.count * pieces.steps);
        strip_rows(a, pieces, packed, row, end, column, vectors);
        packed += strip_bytes(vectors, pieces.count * pieces.steps);
    }
}

#endif
