/* The specification of conv_f32: acc = bias, then ky, kx, input channel ascending over the taps inside the image,
 * then the residual, then the clamp. */
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/scalar.h"

/* packed: bias [out], w [out][kh][kw][in] */
static size_t packed_floats(int out_channels, int in_channels, int kernel_height, int kernel_width) {
    return (size_t)out_channels * ((size_t)kernel_height * (size_t)kernel_width * (size_t)in_channels + 1);
}

static void pack(int out_channels, int in_channels, int kernel_height, int kernel_width, const float *w,
                 const float *bias, float *packed) {
    size_t taps = (size_t)kernel_height * (size_t)kernel_width, in = (size_t)in_channels;
    for (int o = 0; o < out_channels; o++) *packed++ = bias ? bias[o] : 0.0f;
    for (int o = 0; o < out_channels; o++, w += in * taps)
        for (size_t tap = 0; tap < taps; tap++)
            for (size_t i = 0; i < in; i++) *packed++ = w[i * taps + tap];
}

static size_t scratch_floats(const struct window *window, int in_channels, int out_channels) {
    (void)window, (void)in_channels, (void)out_channels;
    return 0;
}

/* The sum over the window at (rows, columns) of one image; w [kh][kw][in] */
static float window_sum(const struct conv_f32_args *a, const float *image, const float *w, float sum,
                        struct window_span rows, struct window_span columns) {
    const struct window *g = &a->window;
    for (int ky = rows.first; ky < rows.last; ky++)
        for (int kx = columns.first; kx < columns.last; kx++) {
            int in_y = rows.start + ky * g->dilation_y, in_x = columns.start + kx * g->dilation_x;
            const float *x = image + ((size_t)in_y * (size_t)g->in_width + (size_t)in_x) * a->x_stride;
            const float *tap =
                w + ((size_t)ky * (size_t)g->kernel_width + (size_t)kx) * (size_t)a->in_channels;
            for (int c = 0; c < a->in_channels; c++) sum += x[c] * tap[c];
        }
    return sum;
}

static void run(const struct conv_f32_args *a) {
    const struct window *g = &a->window;
    const float *image = a->x, *bias = a->packed, *w = bias + a->out_channels;
    size_t filter = (size_t)g->kernel_height * (size_t)g->kernel_width * (size_t)a->in_channels, pixel = 0;
    for (int n = 0; n < a->images; n++, image += (size_t)g->in_height * (size_t)g->in_width * a->x_stride)
        for (int out_y = 0; out_y < g->out_height; out_y++)
            for (int out_x = 0; out_x < g->out_width; out_x++, pixel++)
                for (int o = 0; o < a->out_channels; o++) {
                    float sum = window_sum(a, image, w + (size_t)o * filter, bias[o], window_rows(g, out_y),
                                           window_columns(g, out_x));
                    if (a->residual) sum += a->residual[pixel * a->residual_stride + (size_t)o];
                    a->y[pixel * a->y_stride + (size_t)o] = scalar_clamp(sum, a->low, a->high);
                }
}

const struct conv_f32_impl conv_f32_scalar = {"scalar", POMONA_TIER_SCALAR, packed_floats,
                                              pack,     scratch_floats,     run};
