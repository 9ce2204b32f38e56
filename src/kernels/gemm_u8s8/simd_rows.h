/* Rows of a product to bytes, on top of gemm_u8s8/simd_tile.h: what gemm_u8s8 and conv0_rgbx share. */
#ifndef KERNELS_GEMM_U8S8_SIMD_ROWS_H
#define KERNELS_GEMM_U8S8_SIMD_ROWS_H

#include "kernels/gemm_u8s8/gemm_u8s8.h"
#include "kernels/gemm_u8s8/simd_tile.h"

/* Rows [row, row + rows) of the channels from `column` on. */
ALWAYS_INLINE void tile(const struct gemm_u8s8_args *a, struct pieces pieces, struct strip strip, int row,
                        int column, int rows, int vectors) {
    sums sum[ROWS_MAX][VECTORS_MAX];
    tile_sums(a->x + (size_t)row * a->x_stride, a->x_stride, pieces, strip, rows, vectors, sum);
    size_t count = (size_t)(a->n - column); /* of bytes in a row, may exceed the strip */
    if (count > (size_t)vectors * LANES) count = (size_t)vectors * LANES;
    uint8_t *y = a->y + (size_t)row * a->y_stride + column;
    const uint8_t *residual = a->residual ? a->residual + (size_t)row * a->residual_stride + column : NULL;
    floats multiplier[VECTORS_MAX];
    UNROLL
    for (int v = 0; v < vectors; v++) multiplier[v] = floats_load(strip.multiplier + v * LANES);
    UNROLL
    for (int r = 0; r < rows; r++) {
        floats value[VECTORS_MAX];
        UNROLL
        for (int v = 0; v < vectors; v++) value[v] = sums_scale(sum[r][v], multiplier[v]);
        if (residual) {
            floats addend[VECTORS_MAX];
            residual_load(count, vectors, residual, a->residual_scale, addend);
            UNROLL
            for (int v = 0; v < vectors; v++) value[v] = floats_add(value[v], addend[v]);
            residual += a->residual_stride;
        }
        bytes_store(count, vectors, value, a->output, y);
        y += a->y_stride;
    }
}

#define TILE_ROWS(rows, vectors)                                                                             \
    for (; row + (rows) <= end; row += (rows)) tile(a, pieces, strip, row, column, rows, vectors);
#define TILE_1(rows) TILE_ROWS(rows, 1)
#define TILE_2(rows) TILE_ROWS(rows, 2)
#define TILE_3(rows) TILE_ROWS(rows, 3)
#define TILE_4(rows) TILE_ROWS(rows, 4)

/* Rows [row, end) of one strip. One function a width, for the compiler's sake: sanitizers take minutes over all tiles in one. */
#define STRIP_ROWS(vectors)                                                                                  \
    __attribute__((noinline)) static void strip_rows_##vectors(const struct gemm_u8s8_args *a,               \
                                                               struct pieces pieces, const void *packed,     \
                                                               int row, int end, int column) {               \
        struct strip strip = strip_at(packed, vectors);                                                      \
        HEIGHTS_##vectors(TILE_##vectors)                                                                    \
    }
STRIP_ROWS(1)
STRIP_ROWS(2)
#if VECTORS_MAX == 4
STRIP_ROWS(3)
STRIP_ROWS(4)
#endif

/* Rows [row, end) of all channels. */
static inline void all_strips(const struct gemm_u8s8_args *a, struct pieces pieces, int row, int end) {
    const uint8_t *packed = a->packed;
    for (int column = 0, vectors; column < a->n; column += vectors * LANES) {
        vectors = strip_vectors(a->n - column);
        switch (vectors) {
        case 1: strip_rows_1(a, pieces, packed, row, end, column); break;
        case 2: strip_rows_2(a, pieces, packed, row, end, column); break;
#if VECTORS_MAX == 4
        case 3: strip_rows_3(a, pieces, packed, row, end, column); break;
        default: strip_rows_4(a, pieces, packed, row, end, column); break;
#endif
        }
        packed += strip_bytes(vectors, pieces.count * pieces.steps);
    }
}

#endif
