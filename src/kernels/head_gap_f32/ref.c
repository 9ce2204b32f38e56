/* The specification of head_gap_f32: each pixel's value is rounded to float and clamped; the sum runs over pixels in order
 * from +0, then one division. */
#include "kernels/head_gap_f32/head_gap_f32.h"
#include "kernels/requantise.h"
#include "kernels/scalar.h"

#include <string.h>

/* packed: bias [n], multiplier [n], w [n][k] */
static size_t packed_bytes(int n, int k) { return (size_t)n * ((size_t)k + 8); }

static void pack(int n, int k, const int8_t *w, const int32_t *bias, const float *multiplier, void *packed) {
    size_t channels = (size_t)n;
    memcpy(packed, bias, channels * sizeof *bias);
    memcpy((char *)packed + 4 * channels, multiplier, channels * sizeof *multiplier);
    memcpy((char *)packed + 8 * channels, w, channels * (size_t)k);
}

static float pixel_value(const struct head_gap_f32_args *a, const uint8_t *x, int channel) {
    const int32_t *bias = a->packed;
    const float *multiplier = (const float *)bias + a->n;
    const int8_t *w = (const int8_t *)(multiplier + a->n) + (size_t)channel * (size_t)a->k;
    int32_t sum = bias[channel];
    for (int k = 0; k < a->k; k++) sum += x[k] * w[k];
    return scalar_clamp(requantise_scale(sum, multiplier[channel]), a->low, a->high);
}

static void run(const struct head_gap_f32_args *a) {
    size_t pixels = (size_t)a->pixels, k = (size_t)a->k;
    for (size_t image = 0; image < (size_t)a->images; image++)
        for (int channel = 0; channel < a->n; channel++) {
            float sum = 0;
            for (size_t pixel = 0; pixel < pixels; pixel++)
                sum += pixel_value(a, a->x + (image * pixels + pixel) * k, channel);
            a->y[image * (size_t)a->n + (size_t)channel] = sum / (float)a->pixels;
        }
}

const struct head_gap_f32_impl head_gap_f32_scalar = {"scalar", POMONA_TIER_SCALAR, packed_bytes, pack, run};
