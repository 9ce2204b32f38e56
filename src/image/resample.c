#include "image/resample.h"

#include "base/memory.h"

#include <string.h>

/* Makes `*block` hold at least `bytes`; old contents are lost. */
static bool reserve(uint8_t **block, size_t *capacity, size_t bytes) {
    if (*block && *capacity >= bytes) return true;
    memory_free(*block);
    *block = memory_new_aligned(bytes, 1);
    *capacity = *block ? bytes : 0;
    return *block != NULL;
}

static bool reserve_window(struct resampler *r, size_t lines) {
    if (r->window_capacity >= lines) return true;
    const uint8_t **window = memory_resize(r->window, lines, sizeof *window);
    if (!window) return false;
    r->window = window;
    r->window_capacity = lines;
    return true;
}

/* The ring holds the lines of one output and the rows of one call of the kernel more. */
static pomona_status reserve_lines(struct resampler *r, struct pomona_error *error) {
    r->line_bytes = 3 * (size_t)(r->transpose ? r->across.in : r->across.kernel.out);
    r->ring_stride = r->line_bytes + RESIZE_U8_OVERREAD;
    r->ring_lines = r->down.span + RESIZE_U8_ROWS;
    size_t ring = size_multiply(r->ring_stride, (size_t)r->ring_lines);
    size_t column = r->transpose ? r->ring_stride + 3 * (size_t)r->across.kernel.out : 0;
    if (!reserve(&r->ring, &r->ring_capacity, ring) || !reserve_window(r, (size_t)r->down.kernel.taps) ||
        (column && !reserve(&r->column, &r->column_capacity, column)))
        return fail_memory(error, "lines of a picture");
    return POMONA_OK;
}

/* Where a box of the upright picture lies in the stored one. */
static struct crop_box stored_box(const struct resample_geometry *g) {
    const struct orientation *turn = &g->orientation;
    struct crop_box box = g->crop;
    if (turn->transpose) box = (struct crop_box){box.top, box.left, box.height, box.width};
    if (turn->flip_x) box.left = g->width - box.left - box.width;
    if (turn->flip_y) box.top = g->height - box.top - box.height;
    return box;
}

pomona_status resampler_start(struct resampler *r, const struct resample_geometry *g, uint8_t *out,
                              struct pomona_error *error) {
    const struct orientation *turn = &g->orientation;
    struct crop_box box = stored_box(g);
    r->left = box.left;
    r->top = box.top;
    r->transpose = turn->transpose;
    r->out = out;
    r->out_width = g->out_width;
    r->next_row = r->lines = r->outputs = 0;
    int across = turn->transpose ? g->out_height : g->out_width;
    int down = turn->transpose ? g->out_width : g->out_height;
    TRY(axis_build(&r->across, box.width, across, turn->flip_x, r->impl, error));
    TRY(axis_build(&r->down, box.height, down, turn->flip_y, r->impl, error));
    return reserve_lines(r, error);
}

static uint8_t *ring_line(const struct resampler *r, int line) {
    return r->ring + (size_t)(line % r->ring_lines) * r->ring_stride;
}

/* A line of stored pixels becomes a column of the result. */
static void make_column(struct resampler *r, int index) {
    uint8_t *pixels = r->column + r->ring_stride;
    r->impl->vertical(&r->down.kernel, index, r->line_bytes, r->window, r->column);
    r->impl->horizontal(&r->across.kernel, 1, (const uint8_t *const[]){r->column},
                        (uint8_t *const[]){pixels});
    for (int y = 0; y < r->across.kernel.out; y++)
        memcpy(r->out + 3 * ((size_t)y * (size_t)r->out_width + (size_t)index), pixels + 3 * (size_t)y, 3);
}

/* Makes every output whose lines have come; from the far end on where the axis is flipped. */
static void make_outputs(struct resampler *r) {
    const struct resize_u8_axis *down = &r->down.kernel;
    for (; r->outputs < down->out; r->outputs++) {
        int index = r->down.flip ? down->out - 1 - r->outputs : r->outputs;
        int start = down->start[index], count = down->count[index];
        if (start + count > r->lines) return;
        int padded = (count + RESIZE_U8_GROUP - 1) / RESIZE_U8_GROUP * RESIZE_U8_GROUP;
        for (int t = 0; t < padded; t++) r->window[t] = ring_line(r, start + (t < count ? t : count - 1));
        if (r->transpose)
            make_column(r, index);
        else
            r->impl->vertical(down, index, r->line_bytes, r->window, r->out + (size_t)index * r->line_bytes);
    }
}

/* Takes 1..RESIZE_U8_ROWS cropped rows into the ring. */
static void take_lines(struct resampler *r, int count, const uint8_t *const *rows) {
    const uint8_t *x[RESIZE_U8_ROWS];
    uint8_t *y[RESIZE_U8_ROWS];
    for (int i = 0; i < count; i++) {
        x[i] = rows[i] + 3 * (size_t)r->left;
        y[i] = ring_line(r, r->lines + i);
        if (r->transpose) memcpy(y[i], x[i], r->line_bytes);
    }
    if (!r->transpose) r->impl->horizontal(&r->across.kernel, count, x, y);
    r->lines += count;
    make_outputs(r);
}

void resampler_rows(struct resampler *r, int count, const uint8_t *const *rows) {
    int first = r->top - r->next_row,
        end = first + r->down.in; /* of the rows inside the crop, seen from rows[0] */
    r->next_row += count;
    if (first < 0) first = 0;
    if (end > count) end = count;
    for (int i = first; i < end; i += RESIZE_U8_ROWS)
        take_lines(r, end - i < RESIZE_U8_ROWS ? end - i : RESIZE_U8_ROWS, rows + i);
}

void resampler_free(struct resampler *r) {
    axis_free(&r->across);
    axis_free(&r->down);
    memory_free(r->ring);
    memory_free(r->column);
    memory_free(r->window);
    *r = (struct resampler){0};
}
