/* dwconv_u8s8 for 128-bit vectors, on top of a simd_i8/ISA.h: blocks of 16 channels, any window, no shape of its own. A few
 * neighbours of a row go through all taps together, TAPS at a time, and share the weights. The source that includes this defines
 *   TAPS, NEIGHBOURS            taps that one step takes; outputs in a tile
 *   struct taps                 the weights of one step
 *   taps_load(w)                from packed bytes
 *   taps_bytes                  of one step
 *   taps_put(w, channel, t, weight)    weight of tap t (below TAPS) into packed bytes that were 0
 *   taps_dot(sum, p, taps)      adds to four sums what the 16 bytes at each p[TAPS] contribute, less X_OFFSET each
 *
 * A tap outside the image reads a row of padding. A table has, for each tap of a line of outputs, the row that it reads and how far
 * the columns of that row are apart: 0 in the padding, so that there is no branch for each tap. Only outputs whose window
 * reaches past the left or the right edge ask whether a column is inside.
 *
 * packed, for each block: bias [16], multiplier [16], then the steps. */
#include "base/memory.h"
#include "kernels/dwconv_u8s8/dwconv_u8s8.h"
#include "kernels/simd_i8/unrolled.h"

#include <stdbool.h>

enum { WIDTH = 16, WEIGHTS_AT = WIDTH * (sizeof(int32_t) + sizeof(float)) };

/* Where a tap reads, for the outputs of one line. */
struct tap {
    const uint8_t *row; /* of the image or of padding, at its first column */
    size_t step;        /* from one column to the next: the channels, or 0 */
    int column;         /* that the first output of the line reads; may be outside */
};

struct line {
    const struct dwconv_u8s8_args *args;
    const struct tap *taps; /* [steps][TAPS] */
    size_t steps;
    const uint8_t *padding;
    uint8_t *y;      /* the line, at its first column */
    int first, last; /* outputs [first, last) have all their columns inside */
};

static size_t taps_of(int kernel_height, int kernel_width) {
    return (size_t)kernel_height * (size_t)kernel_width;
}

static size_t steps_of(int kernel_height, int kernel_width) {
    return (taps_of(kernel_height, kernel_width) + TAPS - 1) / TAPS;
}

static size_t block_bytes(int kernel_height, int kernel_width) {
    return WEIGHTS_AT + steps_of(kernel_height, kernel_width) * taps_bytes;
}

static size_t packed_bytes(int channels, int kernel_height, int kernel_width) {
    return ((size_t)channels + WIDTH - 1) / WIDTH * block_bytes(kernel_height, kernel_width);
}

static void pack(int channels, int kernel_height, int kernel_width, const int8_t *w, const int32_t *bias,
                 const float *multiplier, void *packed) {
    size_t taps = taps_of(kernel_height, kernel_width), bytes = block_bytes(kernel_height, kernel_width);
    memset(packed, 0, packed_bytes(channels, kernel_height, kernel_width));
    for (size_t c = 0; c < (size_t)channels; c++) {
        uint8_t *block = (uint8_t *)packed + c / WIDTH * bytes;
        uint32_t total = (uint32_t)bias[c];
        for (size_t t = 0; t < taps; t++) {
            int8_t weight = w[c * taps + t];
            taps_put(block + WEIGHTS_AT + t / TAPS * taps_bytes, c % WIDTH, t % TAPS, weight);
            total += X_OFFSET * (uint32_t)weight;
        }
        memcpy(block + c % WIDTH * sizeof total, &total, sizeof total);
        memcpy(block + (WIDTH + c % WIDTH) * sizeof *multiplier, &multiplier[c], sizeof *multiplier);
    }
}

/* The scratch: a row of one padded pixel, past whose end a block may read, then the table of taps. */
static size_t padding_bytes(int channels) {
    return ((size_t)channels + 2 * MEMORY_ALIGN - 1) / MEMORY_ALIGN * MEMORY_ALIGN;
}

static size_t scratch_bytes(const struct window *window, int channels) {
    size_t steps = steps_of(window->kernel_height, window->kernel_width);
    return padding_bytes(channels) + steps * TAPS * sizeof(struct tap);
}

/* The taps of line out_y; those that fill up the last step have weights 0. */
static void fill_taps(const struct dwconv_u8s8_args *a, const uint8_t *image, int out_y, struct tap *taps) {
    const struct window *g = &a->window;
    size_t row = (size_t)g->in_width * (size_t)a->channels;
    struct tap *tap = taps, *end = taps + steps_of(g->kernel_height, g->kernel_width) * TAPS;
    for (int ky = 0; ky < g->kernel_height; ky++) {
        int y = out_y * g->stride_y - g->pad_top + ky * g->dilation_y;
        bool inside = y >= 0 && y < g->in_height;
        for (int kx = 0; kx < g->kernel_width; kx++)
            *tap++ = (struct tap){inside ? image + (size_t)y * row : a->scratch,
                                  inside ? (size_t)a->channels : 0, kx * g->dilation_x - g->pad_left};
    }
    for (; tap < end; tap++) *tap = (struct tap){a->scratch, 0, 0};
}

/* `count` outputs from out_x on, `valid` channels from `channel` on. */
ALWAYS_INLINE void tile(const struct line *line, const uint8_t *block, size_t channel, size_t valid,
                        int out_x, int count, bool edge) {
    const struct window *g = &line->args->window;
    sums sum[NEIGHBOURS][4];
#define START(o, v)                                                                                          \
    if ((o) < count && (v) < 4)                                                                              \
        sum[(o) < NEIGHBOURS ? (o) : 0][v] = sums_load((const int32_t *)(const void *)block + (v)*LANES);
#define START_OUTPUT(o) EACH_VECTOR(START, o)
    EACH_REGISTER(START_OUTPUT)
#undef START
#undef START_OUTPUT
    const uint8_t *w = block + WEIGHTS_AT;
    const struct tap *tap = line->taps;
    for (size_t step = 0; step < line->steps; step++, w += taps_bytes, tap += TAPS) {
        struct taps weights_here = taps_load(w);
        const uint8_t *p[NEIGHBOURS][TAPS];
        UNROLL
        for (int t = 0; t < TAPS; t++) {
            int column = tap[t].column + out_x * g->stride_x;
            UNROLL
            for (int o = 0; o < count; o++, column += g->stride_x) {
                bool outside = edge && (column < 0 || column >= g->in_width);
                p[o][t] = outside ? line->padding + channel
                                  : tap[t].row + (ptrdiff_t)column * (ptrdiff_t)tap[t].step + channel;
            }
        }
#define DOT(o)                                                                                               \
    if ((o) < count) taps_dot(sum[(o) < NEIGHBOURS ? (o) : 0], p[(o) < NEIGHBOURS ? (o) : 0], &weights_here);
        EACH_REGISTER(DOT)
#undef DOT
    }
    const float *multiplier = (const float *)(const void *)(block + WIDTH * sizeof(int32_t));
    uint8_t *y = line->y + (size_t)out_x * (size_t)line->args->channels + channel;
#define STORE(o)                                                                                             \
    if ((o) < count) {                                                                                       \
        sums *s = sum[(o) < NEIGHBOURS ? (o) : 0];                                                           \
        floats values[4] = {sums_scale(s[0], floats_load(multiplier)),                                       \
                            sums_scale(s[1], floats_load(multiplier + LANES)),                               \
                            sums_scale(s[2], floats_load(multiplier + 2 * LANES)),                           \
                            sums_scale(s[3], floats_load(multiplier + 3 * LANES))};                          \
        bytes_store(1, 4, values, line->args->output, valid, false, y, 0);                                   \
        y += line->args->channels;                                                                           \
    }
    EACH_REGISTER(STORE)
#undef STORE
}

/* One function a tile, as in gemm_u8s8/simd_rows.h. */
__attribute__((noinline)) static void inner_tiles(const struct line *line, const uint8_t *block,
                                                  size_t channel, size_t valid) {
    for (int out_x = line->first; out_x < line->last; out_x += NEIGHBOURS)
        tile(line, block, channel, valid, out_x, NEIGHBOURS, false);
}

__attribute__((noinline)) static void outputs(const struct line *line, const uint8_t *block, size_t channel,
                                              size_t valid, int from, int to) {
    for (int out_x = from; out_x < to; out_x++) tile(line, block, channel, valid, out_x, 1, true);
}

/* Which outputs of a line have all their columns inside, as many as tiles need: [first, last). */
static void find_inside(const struct window *g, struct line *line) {
    int reach = (g->kernel_width - 1) * g->dilation_x, room = g->in_width - 1 - reach + g->pad_left;
    line->first = (g->pad_left + g->stride_x - 1) / g->stride_x;
    int end = room < 0 ? 0 : room / g->stride_x + 1;
    if (end > g->out_width) end = g->out_width;
    if (line->first > end) line->first = end;
    line->last = line->first + (end - line->first) / NEIGHBOURS * NEIGHBOURS;
}

static void run(const struct dwconv_u8s8_args *a) {
    const struct window *g = &a->window;
    size_t channels = (size_t)a->channels, bytes = block_bytes(g->kernel_height, g->kernel_width);
    struct tap *taps = (struct tap *)(void *)((uint8_t *)a->scratch + padding_bytes(a->channels));
    struct line line = {.args = a,
                        .taps = taps,
                        .steps = steps_of(g->kernel_height, g->kernel_width),
                        .padding = a->scratch,
                        .y = a->y};
    memset(a->scratch, a->padding, padding_bytes(a->channels));
    find_inside(g, &line);
    const uint8_t *image = a->x;
    for (int i = 0; i < a->images; i++, image += (size_t)g->in_height * (size_t)g->in_width * channels)
        for (int out_y = 0; out_y < g->out_height; out_y++, line.y += (size_t)g->out_width * channels) {
            fill_taps(a, image, out_y, taps);
            const uint8_t *block = a->packed;
            for (size_t c = 0; c < channels; c += WIDTH, block += bytes) {
                size_t valid = channels - c < WIDTH ? channels - c : WIDTH;
                outputs(&line, block, c, valid, 0, line.first);
                inner_tiles(&line, block, c, valid);
                outputs(&line, block, c, valid, line.last, g->out_width);
            }
        }
}
