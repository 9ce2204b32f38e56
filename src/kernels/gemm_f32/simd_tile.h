/* The register tile of gemm_f32 and of conv_f32, on top of simd/ISA.h. The source that includes this defines
 *   ROWS, COLUMNS  the tile: ROWS pixels by COLUMNS (2 or 3) vectors of output channels. Its sums, a row of weights
 *                  and a pixel fit the registers. At most 8 rows: those 4096 bytes apart compete for the ways of one
 *                  set of the L1 cache.
 *   HEIGHTS(H)     H(rows) for each height of tile to have, from ROWS down to 1
 *
 * The weights of one vector of output channels are a panel: [1 + k][VEC], the bias first. A tile keeps its sums in
 * registers over the whole of k, so that y is written once and each element is one chain, whatever the tile. */
#ifndef KERNELS_GEMM_F32_SIMD_TILE_H
#define KERNELS_GEMM_F32_SIMD_TILE_H

#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/simd/panel.h"

/* A row of x is `count` pieces of k floats, `step` apart: the rows of a window, in different rows of an image. */
struct segments {
    size_t count, step;
};

ALWAYS_INLINE void tile(const struct gemm_f32_args *a, struct segments segments, int row, int column,
                        int rows, int columns) {
    /* x [rows] of [segments][k], panel [columns][1 + segments * k][VEC], y [rows][columns][VEC] */
    size_t panel_size = panel_floats(segments.count * (size_t)a->k), x_stride = a->x_stride;
    const float *panel = a->packed + (size_t)(column / VEC) * panel_size;
    vec sum[ROWS][COLUMNS], w[COLUMNS];
    UNROLL
    for (int c = 0; c < columns; c++) {
        w[c] = vec_load(panel + (size_t)c * panel_size);
        UNROLL
        for (int r = 0; r < rows; r++) sum[r][c] = w[c];
    }
    for (size_t s = 0; s < segments.count; s++) {
        const float *x = a->x + (size_t)row * x_stride + s * segments.step;
        for (const float *end = x + a->k; x < end; x++) {
            panel += VEC;
            UNROLL
            for (int c = 0; c < columns; c++) w[c] = vec_load(panel + (size_t)c * panel_size);
            UNROLL
            for (int r = 0; r < rows; r++) {
                vec pixel = vec_broadcast(x + (size_t)r * x_stride);
                UNROLL
                for (int c = 0; c < columns; c++) sum[r][c] = vec_fma(pixel, w[c], sum[r][c]);
            }
        }
    }
    vec low = vec_set(a->low), high = vec_set(a->high);
    const float *residual = a->residual ? a->residual + (size_t)row * a->residual_stride + column : NULL;
    float *y = a->y + (size_t)row * a->y_stride + column;
    size_t last =
        (size_t)(a->n - column - (columns - 1) * VEC); /* lanes of the last vector, may exceed VEC */
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int c = 0; c < columns; c++) {
            size_t lanes = c + 1 < columns ? VEC : last;
            if (residual) sum[r][c] = vec_add(sum[r][c], vec_load_upto(residual + c * VEC, lanes));
            vec_store_upto(y + c * VEC, vec_clamp(sum[r][c], low, high), lanes);
        }
        if (residual) residual += a->residual_stride;
        y += a->y_stride;
    }
}

/* Rows [row, end) of `columns` vectors of channels. */
#define STEP(rows)                                                                                           \
    for (; row + (rows) <= end; row += (rows)) tile(a, segments, row, column, rows, columns);
ALWAYS_INLINE void strip(const struct gemm_f32_args *a, struct segments segments, int row, int end,
                         int column, int columns) {
    HEIGHTS(STEP)
}

/* How many vectors the next strip has when `left` remain: as many as possible, but no strip of one after a full one. */
static inline int strip_columns(int left) {
    if (left <= COLUMNS) return left;
    return left == COLUMNS + 1 ? (COLUMNS + 1) / 2 : COLUMNS;
}

/* One function a width, for the compiler's sake: sanitizers take minutes over all tiles in one. */
#define STRIP(name, columns)                                                                                 \
    __attribute__((noinline)) static void name(const struct gemm_f32_args *a, struct segments segments,      \
                                               int row, int end, int column) {                               \
        strip(a, segments, row, end, column, columns);                                                       \
    }
STRIP(strip_widest, COLUMNS)
STRIP(strip_narrower, COLUMNS - 1)
STRIP(strip_single, 1)

/* Rows [row, end) of all channels. */
static inline void strips(const struct gemm_f32_args *a, struct segments segments, int row, int end) {
    for (int column = 0, columns; column < a->n; column += columns * VEC) {
        columns = strip_columns((a->n - column + VEC - 1) / VEC);
        if (columns == COLUMNS)
            strip_widest(a, segments, row, end, column);
        else if (columns == 1)
            strip_single(a, segments, row, end, column);
        else
            strip_narrower(a, segments, row, end, column);
    }
}

#endif
