/* The specification of conv0_rgbx: every tap counts, those outside the image read the padding byte. */
#include "kernels/conv0_rgbx/conv0_rgbx.h"

#include <string.h>

/* packed: bias [out], multiplier [out], w [out][3][kh][kw] */
static size_t packed_bytes(int out_channels, int kernel_height, int kernel_width) {
    return (size_t)out_channels * (3 * (size_t)kernel_height * (size_t)kernel_width + 8);
}

static void pack(int out_channels, int kernel_height, int kernel_width, const int8_t *w, const int32_t *bias,
                 const float *multiplier, void *packed) {
    size_t count = (size_t)out_channels, taps = (size_t)kernel_height * (size_t)kernel_width;
    memcpy(packed, bias, count * sizeof *bias);
    memcpy((char *)packed + 4 * count, multiplier, count * sizeof *multiplier);
    memcpy((char *)packed + 8 * count, w, count * 3 * taps);
}

static size_t scratch_bytes(const struct window *window) {
    (void)window;
    return 0;
}

static void prepare(const struct conv0_rgbx_args *args) { (void)args; }

static int32_t window_sum(const struct conv0_rgbx_args *a, int out_y, int out_x, const int8_t *w,
                          int32_t sum) {
    const struct window *g = &a->window;
    for (int c = 0; c < 3; c++)
        for (int ky = 0; ky < g->kernel_height; ky++)
            for (int kx = 0; kx < g->kernel_width; kx++) {
                int y = out_y * g->stride_y - g->pad_top + ky, x = out_x * g->stride_x - g->pad_left + kx;
                int value = a->padding;
                if (y >= 0 && y < g->in_height && x >= 0 && x < g->in_width) {
                    value = a->x[((size_t)y * (size_t)g->in_width + (size_t)x) * 3 + (size_t)c];
                    if (a->table) value = a->table[c * 256 + value];
                }
                sum += value * *w++;
            }
    return sum;
}

static void run(const struct conv0_rgbx_args *a) {
    const int32_t *bias = a->packed;
    const float *multiplier = (const float *)bias + a->out_channels;
    const int8_t *weights = (const int8_t *)(multiplier + a->out_channels);
    size_t taps = 3 * (size_t)a->window.kernel_height * (size_t)a->window.kernel_width;
    uint8_t *y = a->y;
    for (int out_y = a->first; out_y < a->last; out_y++)
        for (int out_x = 0; out_x < a->window.out_width; out_x++)
            for (int c = 0; c < a->out_channels; c++) {
                int32_t sum = window_sum(a, out_y, out_x, weights + (size_t)c * taps, bias[c]);
                *y++ = requantise_round(requantise_scale(sum, multiplier[c]), a->output);
            }
}

const struct conv0_rgbx_impl conv0_rgbx_scalar = {
    "scalar", POMONA_TIER_SCALAR, packed_bytes, pack, scratch_bytes, prepare, run};
