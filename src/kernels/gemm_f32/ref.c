/* The specification of gemm_f32: acc = bias, then k ascending, then the residual, then the clamp. */
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/scalar.h"

#include <string.h>

/* packed: bias [n], w [n][k] */
static size_t packed_floats(int n, int k) { return (size_t)n * ((size_t)k + 1); }

static void pack(int n, int k, const float *w, const float *bias, float *packed) {
    for (int j = 0; j < n; j++) packed[j] = bias ? bias[j] : 0.0f;
    memcpy(packed + n, w, (size_t)n * (size_t)k * sizeof *w);
}

static void run(const struct gemm_f32_args *a) {
    for (int i = 0; i < a->m; i++)
        for (int j = 0; j < a->n; j++) {
            const float *x = a->x + (size_t)i * a->x_stride, *w = a->packed + a->n + (size_t)j * (size_t)a->k;
            float sum = a->packed[j];
            for (int k = 0; k < a->k; k++) sum += x[k] * w[k];
            if (a->residual) sum += a->residual[(size_t)i * a->residual_stride + (size_t)j];
            a->y[(size_t)i * a->y_stride + (size_t)j] = scalar_clamp(sum, a->low, a->high);
        }
}

const struct gemm_f32_impl gemm_f32_scalar = {"scalar", POMONA_TIER_SCALAR, 1, 1, packed_floats, pack, run};
