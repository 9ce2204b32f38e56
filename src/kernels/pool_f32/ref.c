/* The specification of pool_f32: sums run over ky, kx (or pixels) ascending from 0, then one division. */
#include "kernels/pool_f32/pool_f32.h"

#include <math.h>
#include <stddef.h>

/* The window at (rows, columns) of channel c of one image: its maximum, or its sum. */
static float window_reduce(const struct pool_f32_args *a, const float *image, struct window_span rows,
                           struct window_span columns, int c, bool max) {
    const struct window *g = &a->window;
    float result = max ? -INFINITY : 0.0f;
    for (int ky = rows.first; ky < rows.last; ky++)
        for (int kx = columns.first; kx < columns.last; kx++) {
            int in_y = rows.start + ky * g->dilation_y, in_x = columns.start + kx * g->dilation_x;
            float x =
                image[((size_t)in_y * (size_t)g->in_width + (size_t)in_x) * (size_t)a->channels + (size_t)c];
            if (!max)
                result += x;
            else if (x > result)
                result = x;
        }
    return result;
}

static void pool(const struct pool_f32_args *a, bool max) {
    const struct window *g = &a->window;
    const float *image = a->x;
    float *y = a->y;
    for (int n = 0; n < a->images;
         n++, image += (size_t)g->in_height * (size_t)g->in_width * (size_t)a->channels)
        for (int out_y = 0; out_y < g->out_height; out_y++)
            for (int out_x = 0; out_x < g->out_width; out_x++) {
                struct window_span rows = window_rows(g, out_y), columns = window_columns(g, out_x);
                float divisor = pool_divisor(a, rows, columns);
                for (int c = 0; c < a->channels; c++) {
                    float result = window_reduce(a, image, rows, columns, c, max);
                    *y++ = max ? result : result / divisor;
                }
            }
}

static void pool_max(const struct pool_f32_args *args) { pool(args, true); }

static void pool_average(const struct pool_f32_args *args) { pool(args, false); }

static void global_average(int images, int pixels, int channels, const float *x, float *y) {
    for (int n = 0; n < images; n++, x += (size_t)pixels * (size_t)channels)
        for (int c = 0; c < channels; c++) {
            float sum = 0.0f;
            for (int pixel = 0; pixel < pixels; pixel++)
                sum += x[(size_t)pixel * (size_t)channels + (size_t)c];
            *y++ = sum / (float)pixels;
        }
}

const struct pool_f32_impl pool_f32_scalar = {"scalar", POMONA_TIER_SCALAR, pool_max, pool_average,
                                              global_average};
