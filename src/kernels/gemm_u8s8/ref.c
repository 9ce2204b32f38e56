/* The specification of gemm_u8s8: integer sums, one rounding to float, one to 8 bits. */
#include "kernels/gemm_u8s8/gemm_u8s8.h"

#include <string.h>

/* packed: bias [n], multiplier [n], w [n][k] */
static size_t packed_bytes(int n, int k) { return (size_t)n * ((size_t)k + 8); }

static void pack(int n, int k, const int8_t *w, const int32_t *bias, const float *multiplier, void *packed) {
    size_t channels = (size_t)n;
    memcpy(packed, bias, channels * sizeof *bias);
    memcpy((char *)packed + 4 * channels, multiplier, channels * sizeof *multiplier);
    memcpy((char *)packed + 8 * channels, w, channels * (size_t)k);
}

static void run(const struct gemm_u8s8_args *a) {
    const int32_t *bias = a->packed;
    const float *multiplier = (const float *)bias + a->n;
    const int8_t *weights = (const int8_t *)(multiplier + a->n);
    for (int i = 0; i < a->m; i++)
        for (int j = 0; j < a->n; j++) {
            const uint8_t *x = a->x + (size_t)i * a->x_stride;
            const int8_t *w = weights + (size_t)j * (size_t)a->k;
            int32_t sum = bias[j];
            for (int k = 0; k < a->k; k++) sum += x[k] * w[k];
            float value = requantise_scale(sum, multiplier[j]);
            if (a->residual)
                value = requantise_add(value, a->residual[(size_t)i * a->residual_stride + (size_t)j],
                                       a->residual_scale);
            a->y[(size_t)i * a->y_stride + (size_t)j] = requantise_round(value, a->output);
        }
}

const struct gemm_u8s8_impl gemm_u8s8_scalar = {"scalar", POMONA_TIER_SCALAR, packed_bytes, pack, run};
