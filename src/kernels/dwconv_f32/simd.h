/* dwconv_f32 on top of simd/ISA.h. The source that includes this defines
 *   OUTPUTS          how many neighbours of one row of outputs are computed together, sharing x and weights
 *   CHANNEL_VECTORS  how many vectors of channels are done for a whole image before the next ones: their weights
 *                    and a few rows of x stay in the L1 cache
 *
 * Windows 3 and 5 wide with stride 1 or 2 and no dilation, up to MAX_HEIGHT high, go through dw_tile(): inside the
 * image it reads x in place; where the tile's windows overlap the padding it reads through a table of pointers, in
 * which columns outside the image point to a row of zeros. Any other window goes tap by tap. */
#include "kernels/dwconv_f32/dwconv_f32.h"
#include "kernels/simd/panel.h"

#include <stdbool.h>
#include <string.h>

enum { MAX_HEIGHT = 5, MAX_WIDTH = 5, MAX_COLUMNS = (OUTPUTS - 1) * 2 + MAX_WIDTH };

/* Some channels of one row of outputs of one image. */
struct dw_row {
    const struct dwconv_f32_args *args;
    const float *image; /* x of the image */
    float *y;           /* [out_width][channels] */
    struct window_span rows;
    size_t channel, channel_end;
    size_t taps; /* kernel_height * kernel_width */
};

/* x at tap row ky and column in_x, which must be inside the image, channel 0 */
ALWAYS_INLINE const float *dw_pixel(const struct dw_row *row, int ky, int in_x) {
    const struct window *g = &row->args->window;
    int in_y = row->rows.start + ky * g->dilation_y;
    return row->image + ((size_t)in_y * (size_t)g->in_width + (size_t)in_x) * (size_t)row->args->channels;
}

/* One output, any window. */
static void dw_point(const struct dw_row *row, int out_x) {
    const struct window *g = &row->args->window;
    size_t channels = (size_t)row->args->channels;
    struct window_span columns = window_columns(g, out_x);
    vec low = vec_set(row->args->low), high = vec_set(row->args->high);
    for (size_t c = row->channel; c < row->channel_end; c += VEC) {
        const float *panel = row->args->packed + c / VEC * panel_floats(row->taps);
        vec sum = vec_load(panel);
        for (int ky = row->rows.first; ky < row->rows.last; ky++)
            for (int kx = columns.first; kx < columns.last; kx++) {
                const float *x = dw_pixel(row, ky, columns.start + kx * g->dilation_x);
                const float *w = panel + (size_t)(1 + ky * g->kernel_width + kx) * VEC;
                sum = vec_fma(vec_load_upto(x + c, channels - c), vec_load(w), sum);
            }
        vec_store_upto(row->y + (size_t)out_x * channels + c, vec_clamp(sum, low, high), channels - c);
    }
}

/* Fills the pointers of a tile of `width` columns from in_x on: column[ky][i] is x there, or zeros outside. */
static void dw_columns(const struct dw_row *row, int in_x, int width,
                       const float *column[MAX_HEIGHT][MAX_COLUMNS]) {
    const struct window *g = &row->args->window;
    for (int ky = row->rows.first; ky < row->rows.last; ky++)
        for (int i = 0; i < width; i++) {
            bool inside = in_x + i >= 0 && in_x + i < g->in_width;
            column[ky][i] = inside ? dw_pixel(row, ky, in_x + i) : row->args->scratch;
        }
}

/* Outputs out_x, out_x + 1, ... : OUTPUTS of them, of which `valid` are stored. The columns they read lie inside the
 * image unless `edge`. */
ALWAYS_INLINE void dw_tile(const struct dw_row *row, int out_x, int valid, bool edge, int kernel_width,
                           int stride) {
    const struct dwconv_f32_args *a = row->args;
    size_t channels = (size_t)a->channels, x_row = (size_t)a->window.in_width * channels;
    int in_x = out_x * stride - a->window.pad_left, width = (OUTPUTS - 1) * stride + kernel_width;
    const float *column[MAX_HEIGHT][MAX_COLUMNS];
    const float *corner = NULL;
    if (edge)
        dw_columns(row, in_x, width, column);
    else
        corner = dw_pixel(row, row->rows.first, in_x);
    vec low = vec_set(a->low), high = vec_set(a->high);
    float *y = row->y + (size_t)out_x * channels;
    for (size_t c = row->channel; c < row->channel_end; c += VEC) {
        const float *panel = a->packed + c / VEC * panel_floats(row->taps), *x = edge ? NULL : corner + c;
        const float *w = panel + (1 + row->rows.first * kernel_width) * VEC;
        vec sum[OUTPUTS], in[MAX_COLUMNS];
        UNROLL
        for (int t = 0; t < OUTPUTS; t++) sum[t] = vec_load(panel);
        for (int ky = row->rows.first; ky < row->rows.last; ky++) {
            UNROLL
            for (int i = 0; i < width; i++)
                in[i] = vec_load(edge ? column[ky][i] + c : x + (size_t)i * channels);
            UNROLL
            for (int kx = 0; kx < kernel_width; kx++, w += VEC) {
                UNROLL
                for (int t = 0; t < OUTPUTS; t++) sum[t] = vec_fma(in[t * stride + kx], vec_load(w), sum[t]);
            }
            if (!edge) x += x_row;
        }
        UNROLL
        for (int t = 0; t < OUTPUTS; t++)
            if (!edge || t < valid)
                vec_store_upto(y + (size_t)t * channels + c, vec_clamp(sum[t], low, high), channels - c);
    }
}

ALWAYS_INLINE void dw_row_tiles(const struct dw_row *row, int kernel_width, int stride) {
    const struct window *g = &row->args->window;
    for (int out_x = 0; out_x < g->out_width; out_x += OUTPUTS) {
        int valid = g->out_width - out_x, in_x = out_x * stride - g->pad_left;
        bool inside = in_x >= 0 && in_x + (OUTPUTS - 1) * stride + kernel_width <= g->in_width;
        if (inside && valid >= OUTPUTS)
            dw_tile(row, out_x, OUTPUTS, false, kernel_width, stride);
        else
            dw_tile(row, out_x, valid, true, kernel_width, stride);
    }
}

static void dw_row_points(const struct dw_row *row) {
    for (int out_x = 0; out_x < row->args->window.out_width; out_x++) dw_point(row, out_x);
}

static void dw_row_3_1(const struct dw_row *row) { dw_row_tiles(row, 3, 1); }
static void dw_row_3_2(const struct dw_row *row) { dw_row_tiles(row, 3, 2); }
static void dw_row_5_1(const struct dw_row *row) { dw_row_tiles(row, 5, 1); }
static void dw_row_5_2(const struct dw_row *row) { dw_row_tiles(row, 5, 2); }

typedef void dw_row_function(const struct dw_row *row);

static dw_row_function *choose_row_function(const struct window *g) {
    if (g->dilation_x != 1 || g->dilation_y != 1 || g->kernel_height > MAX_HEIGHT) return dw_row_points;
    if (g->kernel_width == 3 && g->stride_x == 1) return dw_row_3_1;
    if (g->kernel_width == 3 && g->stride_x == 2) return dw_row_3_2;
    if (g->kernel_width == 5 && g->stride_x == 1) return dw_row_5_1;
    if (g->kernel_width == 5 && g->stride_x == 2) return dw_row_5_2;
    return dw_row_points;
}

static size_t packed_floats(int channels, int kernel_height, int kernel_width) {
    return panels_floats(channels, (size_t)kernel_height * (size_t)kernel_width);
}

static void pack(int channels, int kernel_height, int kernel_width, const float *w, const float *bias,
                 float *packed) {
    panels_pack(channels, (size_t)kernel_height * (size_t)kernel_width, 1, w, bias, packed);
}

/* One pixel of zeros, rounded up to whole vectors. */
static size_t scratch_floats(const struct window *window, int channels) {
    (void)window;
    return ((size_t)channels + VEC - 1) / VEC * VEC;
}

static void run(const struct dwconv_f32_args *a) {
    const struct window *g = &a->window;
    dw_row_function *row_function = choose_row_function(g);
    size_t channels = (size_t)a->channels;
    size_t x_image = (size_t)g->in_height * (size_t)g->in_width * channels,
           y_row = (size_t)g->out_width * channels;
    struct dw_row row = {.args = a, .taps = (size_t)g->kernel_height * (size_t)g->kernel_width};
    memset(a->scratch, 0, scratch_floats(g, a->channels) * sizeof(float));
    for (int image = 0; image < a->images; image++) {
        row.image = a->x + (size_t)image * x_image;
        for (row.channel = 0; row.channel < channels; row.channel = row.channel_end) {
            row.channel_end = row.channel + CHANNEL_VECTORS * VEC;
            if (row.channel_end > channels) row.channel_end = channels;
            for (int out_y = 0; out_y < g->out_height; out_y++) {
                row.rows = window_rows(g, out_y);
                row.y = a->y + ((size_t)image * (size_t)g->out_height + (size_t)out_y) * y_row;
                row_function(&row);
            }
        }
    }
}
