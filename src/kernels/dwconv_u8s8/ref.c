/* The specification of dwconv_u8s8: every tap counts, those outside the image read the padding byte. */
#include "kernels/dwconv_u8s8/dwconv_u8s8.h"

#include <stdbool.h>
#include <string.h>

/* packed: bias [channels], multiplier [channels], w [channels][kh][kw] */
static size_t packed_bytes(int channels, int kernel_height, int kernel_width) {
    return (size_t)channels * ((size_t)kernel_height * (size_t)kernel_width + 8);
}

static void pack(int channels, int kernel_height, int kernel_width, const int8_t *w, const int32_t *bias,
                 const float *multiplier, void *packed) {
    size_t count = (size_t)channels, taps = (size_t)kernel_height * (size_t)kernel_width;
    memcpy(packed, bias, count * sizeof *bias);
    memcpy((char *)packed + 4 * count, multiplier, count * sizeof *multiplier);
    memcpy((char *)packed + 8 * count, w, count * taps);
}

static size_t scratch_bytes(const struct window *window, int channels) {
    (void)window, (void)channels;
    return 0;
}

/* The window at (out_y, out_x) of channel c. */
static int32_t window_sum(const struct dwconv_u8s8_args *a, const uint8_t *image, int out_y, int out_x, int c,
                          const int8_t *w, int32_t sum) {
    const struct window *g = &a->window;
    for (int ky = 0; ky < g->kernel_height; ky++)
        for (int kx = 0; kx < g->kernel_width; kx++) {
            int y = out_y * g->stride_y - g->pad_top + ky * g->dilation_y;
            int x = out_x * g->stride_x - g->pad_left + kx * g->dilation_x;
            bool inside = y >= 0 && y < g->in_height && x >= 0 && x < g->in_width;
            size_t pixel = inside ? (size_t)y * (size_t)g->in_width + (size_t)x : 0;
            int value = inside ? image[pixel * (size_t)a->channels + (size_t)c] : a->padding;
            sum += value * *w++;
        }
    return sum;
}

static void run(const struct dwconv_u8s8_args *a) {
    const struct window *g = &a->window;
    const int32_t *bias = a->packed;
    const float *multiplier = (const float *)bias + a->channels;
    const int8_t *weights = (const int8_t *)(multiplier + a->channels);
    size_t channels = (size_t)a->channels, taps = (size_t)g->kernel_height * (size_t)g->kernel_width;
    const uint8_t *image = a->x;
    uint8_t *y = a->y;
    for (int n = 0; n < a->images; n++, image += (size_t)g->in_height * (size_t)g->in_width * channels)
        for (int out_y = 0; out_y < g->out_height; out_y++)
            for (int out_x = 0; out_x < g->out_width; out_x++)
                for (int c = 0; c < a->channels; c++) {
                    int32_t sum = window_sum(a, image, out_y, out_x, c, weights + (size_t)c * taps, bias[c]);
                    *y++ = requantise_round(requantise_scale(sum, multiplier[c]), a->output);
                }
}

const struct dwconv_u8s8_impl dwconv_u8s8_scalar = {"scalar", POMONA_TIER_SCALAR, packed_bytes,
                                                    pack,     scratch_bytes,      run};
