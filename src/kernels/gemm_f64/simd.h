/* The body of gemm_f64 for every instruction set: the source that includes it defines `vec`, one register of VEC doubles,
 * vec_load, vec_store (any alignment), vec_set, vec_fma(a, b, c) = a * b + c rounded once, and ROWS and COLUMNS, the
 * tile that the registers hold: ROWS rows of COLUMNS registers.
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
STRIP(strip_wide, COLUMNS)
STRIP(strip_narrow, GEMM_F64_COLUMNS / VEC)

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
            int column = 0;
            for (; column + COLUMNS * VEC <= a->n; column += COLUMNS * VEC)
                strip_wide(block, w + column, k, y + column, n, rows);
            for (; column < a->n; column += GEMM_F64_COLUMNS)
                strip_narrow(block, w + column, k, y + column, n, rows);
        }
    }
}

#endif
