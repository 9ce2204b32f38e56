/* conv0_rgbx on top of simd_i8/ISA.h. The source that includes this defines HEIGHTS_n and ROWS_MAX (gemm_u8s8/simd_tile.h) and
 *   RGBX_STEP, rgbx_step(x, y)  that many RGB pixels to RGBX; reads and writes no more: the pixels are the caller's */
#include "kernels/conv0_rgbx/conv0_rgbx.h"
#include "kernels/gemm_u8s8/simd_rows.h"
#if STREAM_STEPS_MAX > 0
#include "kernels/gemm_u8s8/simd_stream.h"

STREAM_FUNCTION(4, 1, 9, 3)
STREAM_FUNCTION(2, 2, 9, 3)
#endif

static size_t packed_bytes(int out_channels, int kernel_height, int kernel_width) {
    return strips_bytes(out_channels, (size_t)kernel_height * (size_t)kernel_width);
}

static void pack(int out_channels, int kernel_height, int kernel_width, const int8_t *w, const int32_t *bias,
                 const float *multiplier, void *packed) {
    struct panel_source source = {.channels = out_channels,
                                  .steps = (size_t)kernel_height * (size_t)kernel_width,
                                  .rgbx = true,
                                  .w = w,
                                  .bias = bias,
                                  .multiplier = multiplier};
    strips_pack(&source, packed);
}

/* The scratch holds what the windows see: padding and image, [padded height][padded width][4]. */
static size_t padded_width(const struct window *g) {
    return (size_t)(g->out_width - 1) * (size_t)g->stride_x + (size_t)g->kernel_width;
}
static size_t padded_height(const struct window *g) {
    return (size_t)(g->out_height - 1) * (size_t)g->stride_y + (size_t)g->kernel_height;
}
static size_t scratch_bytes(const struct window *window) {
    return padded_width(window) * padded_height(window) * 4;
}

static void widen_row(const uint8_t *x, const uint8_t *table, size_t count, uint8_t *y) {
    size_t i = 0;
    if (!table)
        for (; i + RGBX_STEP <= count; i += RGBX_STEP) rgbx_step(x + 3 * i, y + 4 * i);
    for (; i < count; i++) {
        const uint8_t *from = x + 3 * i;
        uint8_t *to = y + 4 * i;
        for (int c = 0; c < 3; c++) to[c] = table ? table[c * 256 + from[c]] : from[c];
        to[3] = 0;
    }
}

static void prepare(const struct conv0_rgbx_args *a) {
    const struct window *g = &a->window;
    size_t width = padded_width(g), height = padded_height(g), row = 4 * width;
    size_t left = (size_t)g->pad_left < width ? (size_t)g->pad_left : width;
    size_t inside = width - left < (size_t)g->in_width ? width - left : (size_t)g->in_width;
    uint8_t *y = a->scratch;
    for (size_t i = 0; i < height; i++, y += row) {
        long in_y = (long)i - g->pad_top;
        if (in_y < 0 || in_y >= g->in_height) {
            memset(y, a->padding, row);
            continue;
        }
        memset(y, a->padding, 4 * left);
        widen_row(a->x + (size_t)in_y * (size_t)g->in_width * 3, a->table, inside, y + 4 * left);
        memset(y + 4 * (left + inside), a->padding, row - 4 * (left + inside));
    }
}

/* A row of outputs. A 3x3 window of few channels streams past weights that stay in registers. */
static void output_row(const struct gemm_u8s8_args *gemm, struct pieces pieces) {
    int next = 0;
#if STREAM_STEPS_MAX > 0
    bool small = pieces.count == 3 && pieces.steps == 3;
    if (small && gemm->n == LANES)
        next = stream_1_9(gemm, pieces.distance, gemm->packed, 0, gemm->m, 0);
    else if (small && gemm->n == 2 * LANES)
        next = stream_2_9(gemm, pieces.distance, gemm->packed, 0, gemm->m, 0);
#endif
    if (next < gemm->m) all_strips(gemm, pieces, next, gemm->m);
}

static void run(const struct conv0_rgbx_args *a) {
    const struct window *g = &a->window;
    size_t row = 4 * padded_width(g), channels = (size_t)a->out_channels;
    struct pieces pieces = {(size_t)g->kernel_height, row, (size_t)g->kernel_width};
    for (int out_y = a->first; out_y < a->last; out_y++) {
        struct gemm_u8s8_args gemm = {
            .m = g->out_width,
            .n = a->out_channels,
            .x = (const uint8_t *)a->scratch + (size_t)out_y * (size_t)g->stride_y * row,
            .x_stride = 4 * (size_t)g->stride_x,
            .packed = a->packed,
            .output = a->output,
            .y = a->y + (size_t)(out_y - a->first) * (size_t)g->out_width * channels,
            .y_stride = channels};
        output_row(&gemm, pieces);
    }
}
