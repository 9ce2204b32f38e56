/* pool_f32 on top of simd/ISA.h: one vector of channels of one output at a time. */
#include "kernels/pool_f32/pool_f32.h"

#include <math.h>
#include <stddef.h>

/* All channels of the output whose window lies at (rows, columns). */
ALWAYS_INLINE void pool_point(const struct pool_f32_args *a, const float *image, struct window_span rows,
                              struct window_span columns, float *y, bool max) {
    const struct window *g = &a->window;
    size_t channels = (size_t)a->channels;
    vec divisor = vec_set(pool_divisor(a, rows, columns));
    for (size_t c = 0; c < channels; c += VEC) {
        vec result = vec_set(max ? -INFINITY : 0.0f);
        for (int ky = rows.first; ky < rows.last; ky++)
            for (int kx = columns.first; kx < columns.last; kx++) {
                int in_y = rows.start + ky * g->dilation_y, in_x = columns.start + kx * g->dilation_x;
                size_t pixel = (size_t)in_y * (size_t)g->in_width + (size_t)in_x;
                vec x = vec_load_upto(image + pixel * channels + c, channels - c);
                result = max ? vec_max(x, result) : vec_add(result, x);
            }
        vec_store_upto(y + c, max ? result : vec_div(result, divisor), channels - c);
    }
}

ALWAYS_INLINE void pool(const struct pool_f32_args *a, bool max) {
    const struct window *g = &a->window;
    size_t channels = (size_t)a->channels,
           image_floats = (size_t)g->in_height * (size_t)g->in_width * channels;
    const float *image = a->x;
    float *y = a->y;
    for (int n = 0; n < a->images; n++, image += image_floats)
        for (int out_y = 0; out_y < g->out_height; out_y++)
            for (int out_x = 0; out_x < g->out_width; out_x++, y += channels)
                pool_point(a, image, window_rows(g, out_y), window_columns(g, out_x), y, max);
}

static void pool_max(const struct pool_f32_args *args) { pool(args, true); }

static void pool_average(const struct pool_f32_args *args) { pool(args, false); }

static void global_average(int images, int pixels, int channels, const float *x, float *y) {
    size_t count = (size_t)channels, image_floats = (size_t)pixels * count;
    vec divisor = vec_set((float)pixels);
    for (int n = 0; n < images; n++, x += image_floats, y += count)
        for (size_t c = 0; c < count; c += VEC) {
            vec sum = vec_set(0.0f);
            for (const float *p = x + c; p < x + image_floats; p += count)
                sum = vec_add(sum, vec_load_upto(p, count - c));
            vec_store_upto(y + c, vec_div(sum, divisor), count - c);
        }
}
