/* The specification of dwconv_f32: acc = bias, then ky, kx ascending over the taps inside the image, then the clamp. */
#include "kernels/dwconv_f32/dwconv_f32.h"
#include "kernels/scalar.h"

#include <string.h>

/* packed: bias [channels], w [channels][kh][kw] */
static size_t packed_floats(int channels, int kernel_height, int kernel_width) {
    return (size_t)channels * ((size_t)kernel_height * (size_t)kernel_width + 1);
}

static void pack(int channels, int kernel_height, int kernel_width, const float *w, const float *bias,
                 float *packed) {
    size_t taps = (size_t)kernel_height * (size_t)kernel_width;
    for (int c = 0; c < channels; c++) packed[c] = bias ? bias[c] : 0.0f;
    memcpy(packed + channels, w, (size_t)channels * taps * sizeof *w);
}

static size_t scratch_floats(const struct window *window, int channels) {
    (void)window, (void)channels;
    return 0;
}

static void run(const struct dwconv_f32_args *a) {
    const struct window *g = &a->window;
    size_t channels = (size_t)a->channels, taps = (size_t)g->kernel_height * (size_t)g->kernel_width;
    const float *image = a->x, *bias = a->packed, *w = bias + channels;
    float *y = a->y;
    for (int n = 0; n < a->images; n++, image += (size_t)g->in_height * (size_t)g->in_width * channels)
        for (int out_y = 0; out_y < g->out_height; out_y++)
            for (int out_x = 0; out_x < g->out_width; out_x++)
                for (size_t c = 0; c < channels; c++) {
                    struct window_span rows = window_rows(g, out_y), columns = window_columns(g, out_x);
                    float sum = bias[c];
                    for (int ky = rows.first; ky < rows.last; ky++)
                        for (int kx = columns.first; kx < columns.last; kx++) {
                            int in_y = rows.start + ky * g->dilation_y,
                                in_x = columns.start + kx * g->dilation_x;
                            size_t pixel = (size_t)in_y * (size_t)g->in_width + (size_t)in_x;
                            sum += image[pixel * channels + c] *
                                   w[c * taps + (size_t)(ky * g->kernel_width + kx)];
                        }
                    *y++ = scalar_clamp(sum, a->low, a->high);
                }
}

const struct dwconv_f32_impl dwconv_f32_scalar = {"scalar", POMONA_TIER_SCALAR, packed_floats,
                                                  pack,     scratch_floats,     run};
