/* conv_f32 on top of simd/ISA.h: the windows of a block of pixels are copied side by side into scratch, and the GEMM of
 * the same tier (GEMM, defined by the source that includes this) does the rest. A window copied once serves all
 * output channels, so the copy costs about 2 / out_channels of the sums.
 *
 * The idea is that of im2col with a small buffer; padding becomes zeros in the copy. */
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/simd/panel.h"

#include <stdbool.h>

enum {
    SMALL_WEIGHTS = 256 << 10, /* bytes that stay in the L2 cache beside the block */
    SMALL_BLOCK = 24 << 10,    /* bytes of windows that stay in the L1 cache */
    LARGE_BLOCK = 512 << 10    /* bytes of windows for which it pays to stream large weights */
};

static size_t window_floats(const struct window *g, int in_channels) {
    return (size_t)g->kernel_height * (size_t)g->kernel_width * (size_t)in_channels;
}

/* How many windows are copied before their sums are computed. */
static size_t block_windows(const struct window *g, int in_channels, int out_channels) {
    size_t bytes = window_floats(g, in_channels) * sizeof(float), tile = (size_t)GEMM.row_tile;
    size_t room = bytes * (size_t)out_channels <= SMALL_WEIGHTS ? SMALL_BLOCK : LARGE_BLOCK;
    size_t tiles = room / bytes / tile;
    return tile * (tiles ? tiles : 1);
}

/* Copying works in whole vectors, so the last one may write VEC - 1 floats too many. */
static size_t scratch_floats(const struct window *g, int in_channels, int out_channels) {
    return block_windows(g, in_channels, out_channels) * window_floats(g, in_channels) + VEC;
}

static size_t packed_floats(int out_channels, int in_channels, int kernel_height, int kernel_width) {
    return panels_floats(out_channels, (size_t)kernel_height * (size_t)kernel_width * (size_t)in_channels);
}

static void pack(int out_channels, int in_channels, int kernel_height, int kernel_width, const float *w,
                 const float *bias, float *packed) {
    panels_pack(out_channels, (size_t)kernel_height * (size_t)kernel_width, (size_t)in_channels, w, bias,
                packed);
}

/* Both write up to VEC - 1 floats past the end, which the next call overwrites, and return that end. */
ALWAYS_INLINE float *copy_floats(float *to, const float *from, size_t count) {
    for (size_t i = 0; i < count; i += VEC) vec_store(to + i, vec_load(from + i));
    return to + count;
}

ALWAYS_INLINE float *zero_floats(float *to, size_t count) {
    for (size_t i = 0; i < count; i += VEC) vec_store(to + i, vec_set(0.0f));
    return to + count;
}

/* One window [kh][kw][in]. */
static float *copy_window(const struct conv_f32_args *a, const float *image, int out_y, int out_x,
                          float *to) {
    const struct window *g = &a->window;
    struct window_span rows = window_rows(g, out_y), columns = window_columns(g, out_x);
    size_t in = (size_t)a->in_channels, tap_step = (size_t)g->dilation_x * a->x_stride;
    size_t before = (size_t)columns.first * in, after = (size_t)(g->kernel_width - columns.last) * in;
    int inside = columns.last - columns.first;
    to = zero_floats(to, (size_t)rows.first * (size_t)g->kernel_width * in);
    for (int ky = rows.first; ky < rows.last; ky++) {
        ptrdiff_t in_y = rows.start + ky * g->dilation_y,
                  in_x = columns.start + columns.first * g->dilation_x;
        const float *x = image + (in_y * g->in_width + in_x) * (ptrdiff_t)a->x_stride;
        to = zero_floats(to, before);
        if (tap_step == in)
            to = copy_floats(to, x, (size_t)inside * in);
        else
            for (int kx = 0; kx < inside; kx++) to = copy_floats(to, x + (size_t)kx * tap_step, in);
        to = zero_floats(to, after);
    }
    return zero_floats(to, (size_t)(g->kernel_height - rows.last) * (size_t)g->kernel_width * in);
}

static void run(const struct conv_f32_args *a) {
    const struct window *g = &a->window;
    size_t block = block_windows(g, a->in_channels, a->out_channels),
           image_pixels = (size_t)g->in_height * (size_t)g->in_width;
    size_t outputs = (size_t)a->images * (size_t)g->out_height * (size_t)g->out_width;
    struct gemm_f32_args gemm = {.n = a->out_channels,
                                 .k = (int)window_floats(g, a->in_channels),
                                 .x = a->scratch,
                                 .x_stride = window_floats(g, a->in_channels),
                                 .packed = a->packed,
                                 .residual_stride = a->residual_stride,
                                 .low = a->low,
                                 .high = a->high,
                                 .y_stride = a->y_stride};
    const float *image = a->x;
    int out_x = 0, out_y = 0;
    for (size_t first = 0; first < outputs; first += block) {
        size_t last = outputs - first < block ? outputs : first + block;
        float *to = a->scratch;
        for (size_t i = first; i < last; i++) {
            to = copy_window(a, image, out_y, out_x, to);
            if (++out_x < g->out_width) continue;
            out_x = 0;
            if (++out_y < g->out_height) continue;
            out_y = 0;
            image += image_pixels * a->x_stride;
        }
        gemm.m = (int)(last - first);
        gemm.residual = a->residual ? a->residual + first * a->residual_stride : NULL;
        gemm.y = a->y + first * a->y_stride;
        GEMM.run(&gemm);
    }
}
