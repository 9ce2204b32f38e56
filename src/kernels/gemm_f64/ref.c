/* The specification of gemm_f64: y, then k ascending. */
#include "kernels/gemm_f64/gemm_f64.h"

static void run(const struct gemm_f64_args *a) {
    for (int i = 0; i < a->m; i++)
        for (int j = 0; j < a->n; j++) {
            double sum = a->y[(size_t)i * (size_t)a->n + (size_t)j];
            for (int k = 0; k < a->k; k++)
                sum += (double)a->x[(size_t)i * a->x_row + (size_t)k * a->x_column] *
                       a->w[(size_t)k * (size_t)a->n + (size_t)j];
            a->y[(size_t)i * (size_t)a->n + (size_t)j] = sum;
        }
}

const struct gemm_f64_impl gemm_f64_scalar = {"scalar", POMONA_TIER_SCALAR, run};
