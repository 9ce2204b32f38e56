/* The specification of resize_u8. */
#include "kernels/resize_u8/resize_u8.h"

static uint8_t clip(int32_t sum) {
    int32_t value = sum >> RESIZE_U8_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void pack(size_t weights, int32_t *weight) {
    (void)weights;
    (void)weight; /* already as wanted */
}

static void horizontal(const struct resize_u8_axis *axis, int rows, const uint8_t *const *x,
                       uint8_t *const *y) {
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < axis->out; i++) {
            const int32_t *w = axis->weights + (size_t)i * (size_t)axis->taps;
            const uint8_t *pixel = x[r] + 3 * (size_t)axis->start[i];
            int32_t sum[3] = {1 << (RESIZE_U8_BITS - 1), 1 << (RESIZE_U8_BITS - 1),
                              1 << (RESIZE_U8_BITS - 1)};
            for (int t = 0; t < axis->count[i]; t++)
                for (int c = 0; c < 3; c++) sum[c] += w[t] * pixel[3 * t + c];
            for (int c = 0; c < 3; c++) y[r][3 * i + c] = clip(sum[c]);
        }
}

static void vertical(const struct resize_u8_axis *axis, int index, size_t bytes, const uint8_t *const *x,
                     uint8_t *y) {
    const int32_t *w = axis->weights + (size_t)index * (size_t)axis->taps;
    for (size_t i = 0; i < bytes; i++) {
        int32_t sum = 1 << (RESIZE_U8_BITS - 1);
        for (int t = 0; t < axis->count[index]; t++) sum += w[t] * x[t][i];
        y[i] = clip(sum);
    }
}

const struct resize_u8_impl resize_u8_scalar = {"scalar", POMONA_TIER_SCALAR, pack, horizontal, vertical};
