/* y += x . w in double, x stored as float: the two products of a regression on float features (rows times weights, and
 * features times residuals). */
#ifndef KERNELS_GEMM_F64_H
#define KERNELS_GEMM_F64_H

#include "pomona/cpu.h"

#include <stddef.h>

enum { GEMM_F64_COLUMNS = 8 /* n is a multiple of it */ };

struct gemm_f64_args {
    int m, n, k; /* >= 1; n a multiple of GEMM_F64_COLUMNS */
    const float
        *x; /* element (i, j), i < m, j < k, at x[i * x_row + j * x_column]; nothing past them is read */
    size_t x_row, x_column;
    const double *w; /* [k][n], any alignment */
    double *y;       /* [m][n]; each element is its old value, then k ascending */
};

struct gemm_f64_impl {
    const char *name;
    pomona_tier tier;
    void (*run)(const struct gemm_f64_args *args);
};

#define IMPL(symbol, tier) extern const struct gemm_f64_impl symbol;
#include "kernels/gemm_f64/gemm_f64.inc"
#undef IMPL

#endif
