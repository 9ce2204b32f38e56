/* conv_f32 on top of simd/ISA.h and gemm_f32/simd_tile.h. The source that includes this also defines GEMM, the GEMM of its
 * tier. There are two ways:
 *
 *  - In place. The pixels of a window's row are neighbours, so a row of outputs is a matrix product whose rows
 *    overlap in x, with one segment for each row of the window. It serves windows inside the image, of images wide
 *    enough to fill tiles, above all the first layer.
 *  - Gathered. The windows of a block of outputs are copied side by side into scratch, padding becomes zeros, and the
 *    GEMM does the rest: im2col with a small buffer. A window copied once serves all output channels, so the copy
 *    costs about 2 / out_channels of the sums. */
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/gemm_f32/simd_tile.h"

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

/* One window [kh][kw][in] of the row of outputs whose windows lie at `rows`. */
ALWAYS_INLINE float *copy_window(const struct conv_f32_args *a, const float *image, struct window_span rows,
                                 int out_x, float *to) {
    const struct window *g = &a->window;
    struct window_span columns = window_columns(g, out_x);
    size_t in = (size_t)a->in_channels, tap_row = (size_t)g->kernel_width * in;
    size_t tap_step = (size_t)g->dilation_x * a->x_stride, before = (size_t)columns.first * in;
    size_t inside = (size_t)(columns.last - columns.first), after = tap_row - before - inside * in;
    ptrdiff_t in_x = columns.start + columns.first * g->dilation_x;
    to = zero_floats(to, (size_t)rows.first * tap_row);
    for (int ky = rows.first; ky < rows.last; ky++) {
        ptrdiff_t in_y = rows.start + ky * g->dilation_y;
        const float *x = image + (in_y * g->in_width + in_x) * (ptrdiff_t)a->x_stride;
        to = zero_floats(to, before);
        if (tap_step == in)
            to = copy_floats(to, x, inside * in);
        else
            for (size_t kx = 0; kx < inside; kx++) to = copy_floats(to, x + kx * tap_step, in);
        to = zero_floats(to, after);
    }
    return zero_floats(to, (size_t)(g->kernel_height - rows.last) * tap_row);
}

/* What the outputs share, whichever way they are computed. */
static struct gemm_f32_args gemm_args(const struct conv_f32_args *a) {
    return (struct gemm_f32_args){.n = a->out_channels,
                                  .packed = a->packed,
                                  .residual_stride = a->residual_stride,
                                  .low = a->low,
                                  .high = a->high,
                                  .y_stride = a->y_stride};
}

/* Points to the outputs [first, last), counted over all images. */
static void set_outputs(const struct conv_f32_args *a, struct gemm_f32_args *gemm, size_t first,
                        size_t last) {
    gemm->m = (int)(last - first);
    gemm->residual = a->residual ? a->residual + first * a->residual_stride : NULL;
    gemm->y = a->y + first * a->y_stride;
}

static const float *image_at(const struct conv_f32_args *a, size_t image) {
    return a->x + image * (size_t)a->window.in_height * (size_t)a->window.in_width * a->x_stride;
}

/* Outputs [first, end) gathered. */
static void run_gathered(const struct conv_f32_args *a, size_t first, size_t end) {
    const struct window *g = &a->window;
    size_t block = block_windows(g, a->in_channels, a->out_channels), width = (size_t)g->out_width;
    struct gemm_f32_args gemm = gemm_args(a);
    gemm.k = (int)window_floats(g, a->in_channels);
    gemm.x = a->scratch;
    gemm.x_stride = (size_t)gemm.k;
    for (; first < end; first += block) {
        size_t last = end - first < block ? end : first + block;
        float *to = a->scratch;
        for (size_t row = first / width; row * width < last; row++) {
            const float *image = image_at(a, row / (size_t)g->out_height);
            struct window_span rows = window_rows(g, (int)(row % (size_t)g->out_height));
            size_t from = row * width < first ? first - row * width : 0;
            size_t until = last - row * width < width ? last - row * width : width;
            for (size_t x = from; x < until; x++) to = copy_window(a, image, rows, (int)x, to);
        }
        set_outputs(a, &gemm, first, last);
        GEMM.run(&gemm);
    }
}

/* Columns [first, last) of a row of outputs whose windows lie inside the image; `row` is counted over all images. */
static void run_in_place(const struct conv_f32_args *a, size_t row, struct window_span rows, int first,
                         int last) {
    const struct window *g = &a->window;
    struct gemm_f32_args gemm = gemm_args(a);
    struct segments segments = {(size_t)g->kernel_height,
                                (size_t)g->dilation_y * (size_t)g->in_width * a->x_stride};
    gemm.k = g->kernel_width * a->in_channels;
    gemm.x_stride = (size_t)g->stride_x * a->x_stride;
    gemm.x =
        image_at(a, row / (size_t)g->out_height) +
        ((size_t)rows.start * (size_t)g->in_width + (size_t)window_columns(g, first).start) * a->x_stride;
    set_outputs(a, &gemm, row * (size_t)g->out_width + (size_t)first,
                row * (size_t)g->out_width + (size_t)last);
    for (int pixel = 0; pixel < gemm.m; pixel += ROWS) {
        strips(&gemm, segments, pixel, gemm.m - pixel > ROWS ? pixel + ROWS : gemm.m);
    }
}

static void run(const struct conv_f32_args *a) {
    const struct window *g = &a->window;
    size_t width = (size_t)g->out_width, output_rows = (size_t)a->images * (size_t)g->out_height;
    int first = 0, last = g->out_width; /* the columns whose windows lie inside the image */
    while (first < last && window_columns(g, first).start < 0) first++;
    while (last > first && window_columns(g, last - 1).last < g->kernel_width) last--;
    bool dense = (size_t)g->dilation_x * a->x_stride == (size_t)a->in_channels;
    bool small = window_floats(g, a->in_channels) * (size_t)a->out_channels * sizeof(float) <= SMALL_WEIGHTS;
    if (!dense || !small || last - first < 3 * ROWS) {
        run_gathered(a, 0, output_rows * width);
        return;
    }
    for (size_t row = 0; row < output_rows; row++) {
        struct window_span rows = window_rows(g, (int)(row % (size_t)g->out_height));
        bool inside = rows.start >= 0 && rows.last == g->kernel_height;
        int from = inside ? first : g->out_width;
        run_gathered(a, row * width, row * width + (size_t)from);
        if (!inside) continue;
        run_in_place(a, row, rows, first, last);
        run_gathered(a, row * width + (size_t)last, (row + 1) * width);
    }
}
