/* The register tile of gemm_f32 and of conv_f32, on top of simd/ISA.h. The source that includes this defines
 *   ROWS, COLUMNS      the highest tile in pixels, and the widest (2 or 3) in vectors of output channels
 *   TILE_VECTORS       the largest tile in vectors: its sums, a row of weights and a pixel fit the registers
 *   HEIGHTS(H)         H(rows) for each height of tile to have, from ROWS down to 1
 *
 * The weights of one vector of output channels are a panel: [1 + k][VEC], the bias first. A tile keeps its sums in
 * registers over the whole of k, so that y is written once and each element is one chain, whatever the tile. */
#ifndef KERNELS_GEMM_F32_TILE_H
#define KERNELS_GEMM_F32_TILE_H

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
    const float *x = a->x + (size_t)row * x_stride;
    const float *panel = a->packed + (size_t)(column / VEC) * panel_size;
    vec sum[ROWS][COLUMNS], w[COLUMNS];
    UNROLL
    for (int c = 0; c < columns; c++) {
        w[c] = vec_load(panel + (size_t)c * panel_size);
        UNROLL
        for (int r = 0; r < rows; r++) sum[r][c] = w[c];
    }
    for (size_t s = 0; s < segments.count; s++, x += segments.step - (size_t)a->k)
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
    vec low = vec_set(a->low), high = vec_set(a->high);
    float *y = a->y + (size_t)row * a->y_stride + column;
    size_t last =
        (size_t)(a->n - column - (columns - 1) * VEC); /* channels of the last vector, may exceed VEC */
    if (a->residual) {
        const float *residual = a->residual + (size_t)row * a->residual_stride + column;
        UNROLL
        for (int r = 0; r < rows; r++, residual += a->residual_stride) {
            UNROLL
            for (int c = 0; c + 1 < columns; c++)
                sum[r][c] = vec_add(sum[r][c], vec_load(residual + c * VEC));
            sum[r][columns - 1] =
                vec_add(sum[r][columns - 1], vec_load_upto(residual + (columns - 1) * VEC, last));
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++, y += a->y_stride) {
        UNROLL
        for (int c = 0; c + 1 < columns; c++) vec_store(y + c * VEC, vec_clamp(sum[r][c], low, high));
        vec_store_upto(y + (columns - 1) * VEC, vec_clamp(sum[r][columns - 1], low, high), last);
    }
}

/* Rows 4096 bytes apart compete for the 8 ways of one set of the L1 cache; a tile of more would evict its own. */
enum { SET_FLOATS = 1024, SET_WAYS = 8 };

/* Rows [row, end) of `columns` vectors of channels, in tiles as high as fit. */
#define STEP(rows)                                                                                           \
    if ((rows)*columns <= TILE_VECTORS && (rows) <= most)                                                    \
        for (; row + (rows) <= end; row += (rows)) tile(a, segments, row, column, rows, columns);
ALWAYS_INLINE void strip(const struct gemm_f32_args *a, struct segments segments, int row, int end,
                         int column, int columns) {
    int most = a->x_stride % SET_FLOATS ? ROWS : SET_WAYS;
    HEIGHTS(STEP)
}

/* How many vectors the next strip has when `left` remain: as many as possible, but no strip of one after a full one. */
static inline int strip_columns(int left) {
    if (left <= COLUMNS) return left;
    return left == COLUMNS + 1 ? (COLUMNS + 1) / 2 : COLUMNS;
}

/* Rows [row, end) of all channels. */
ALWAYS_INLINE void strips(const struct gemm_f32_args *a, struct segments segments, int row, int end) {
    for (int column = 0, columns; column < a->n; column += columns * VEC) {
        columns = strip_columns((a->n - column + VEC - 1) / VEC);
        if (columns == COLUMNS)
            strip(a, segments, row, end, column, COLUMNS);
        else if (columns == 1)
            strip(a, segments, row, end, column, 1);
        else
            strip(a, segments, row, end, column, COLUMNS - 1);
    }
}

#endif
