/* The body of gemm_f64 for every instruction set: the source that includes it defines `vec`, one register of VEC doubles,
 * vec_load, vec_store (any alignment), vec_set, vec_fma(a, b, c) = a * b + c rounded once, and ROWS and COLUMNS, the
 * tile that the registers hold: ROWS rows of COLUMNS registers.
 *
 * GEMM_F64_NARROW says whether a tile is wider than GEMM_F64_COLUMNS, so that some columns need narrower ones.
 *
 * A tile's rows of x are turned into doubles once ([k][ROWS], in the first cache) and used for all columns. */
#ifndef KERNELS_GEMM_F64_SIMD_H
#define KERNELS_GEMM_F64_SIMD_H

#include "kernels/gemm_f64/gemm_f64.h"
#include "kernels/simd/common.h"

enum { K_BLOCK = 256 };

/* y [rows][columns vectors] += block . w, of `k` steps. */
ALWAYS_INLINE void tile(const double *block, const double *w, int k, double *y, size_t n, int rows,
                        int columns) {
    vec sum[ROWS][COLUMNS];
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int c = 0; c < columns; c++) sum[r][c] = vec_load(y + (size_t)r * n + (size_t)c * VEC);
    }
    for (const double *end = block + (size_t)k * ROWS; block < end; block += ROWS, w += n) {
        vec weight[COLUMNS];
        UNROLL
        for (int c = 0; c < columns; c++) weight[c] = vec_load(w + (size_t)c * VEC);
        UNROLL
        for (int r = 0; r < rows; r++) {
            vec value = vec_set(block[r]);
            UNROLL
            for (int c = 0; c < columns; c++) sum[r][c] = vec_fma(value, weight[c], sum[r][c]);
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int c = 0; c < columns; c++) vec_store(y + (size_t)r * n + (size_t)c * VEC, sum[r][c]);
    }
}

#define STRIP(name, columns)                                                                                 \
    __attribute__((noinline)) static void name(const double *block, const double *w, int k, double *y,       \
                                               size_t n, int rows) {                                         \
        if (rows == ROWS)                                                                                    \
            tile(block, w, k, y, n, ROWS, columns);                                                          \
        else                                                                                                 \
            for (int r = 0; r < rows; r++) tile(block + r, w, k, y + (size_t)r * n, n, 1, columns);          \
    }
#if GEMM_F64_NARROW
STRIP(strip_1, 1)
STRIP(strip_2, 2)
STRIP(strip_3, 3)
#endif
STRIP(strip_widest, COLUMNS)

/* The next vectors of columns; returns how many. n is a multiple of GEMM_F64_COLUMNS, so only tiles wider than that need
 * the narrow ones. */
static inline int strip(const double *block, const double *w, int k, double *y, size_t n, int rows,
                        int left) {
#if GEMM_F64_NARROW
    if (left == 1) return strip_1(block, w, k, y, n, rows), 1;
    if (left == 2) return strip_2(block, w, k, y, n, rows), 2;
    if (left == 3 || left == 5) return strip_3(block, w, k, y, n, rows), 3;
#endif
    (void)left;
    strip_widest(block, w, k, y, n, rows);
    return COLUMNS;
}

static void run(const struct gemm_f64_args *a) {
    double block[K_BLOCK * ROWS + ROWS];
    size_t n = (size_t)a->n;
    for (int first = 0; first < a->k; first += K_BLOCK) {
        int k = a->k - first < K_BLOCK ? a->k - first : K_BLOCK;
        const double *w = a->w + (size_t)first * n;
        for (int row = 0; row < a->m; row += ROWS) {
            int rows = a->m - row < ROWS ? a->m - row : ROWS;
            const float *x = a->x + (size_t)row * a->x_row + (size_t)first * a->x_column;
            for (int j = 0; j < k; j++)
                for (int r = 0; r < rows; r++)
                    block[j * ROWS + r] = (double)x[(size_t)r * a->x_row + (size_t)j * a->x_column];
            double *y = a->y + (size_t)row * n;
            for (int vectors = a->n / VEC, at = 0; at < vectors;)
                at += strip(block, w + (size_t)at * VEC, k, y + (size_t)at * VEC, n, rows, vectors - at);
        }
    }
}

#endif
