/* dwconv_u8s8 for blocks of WIDTH channels. The source that includes this (once for each width) defines
 *   WIDTH, VECTORS    channels of a block, and how many vectors of 32-bit sums they fill
 *   GROUP             bytes of a group of weights
 *   DW(name)          name_WIDTH
 *   vec, struct DW(quads)
 *   DW(interleave)(p) the quads of p[0..3]
 *   DW(dot)(sum, quads, j, w)     adds the products of vector j with the group w
 *   DW(dot_first)(sum, quads, j, w)   the same where all weights but the first are 0
 *   DW(load)(w, j)    vector j of the bias or the multiplier
 *   DW(finish)(block, sums, y)    requantises VECTORS sums and stores them
 *
 * A line of outputs slides along x: each column of the input is interleaved once and added to all outputs it is a
 * tap of, whose sums are in registers; each step finishes one output. Sums are kept by slots that go round. */

enum { DW(LINE_GROUPS_AT) = 8 * WIDTH };

/* The sums of one column of outputs: of one line or two. */
struct DW(sums) {
    vec v[2][VECTORS];
};

/* How many outputs of a line a column belongs to, and so how many are in flight. */
ALWAYS_INLINE int DW(flight)(struct dw_shape shape) {
    return (shape.kernel + shape.stride - 1) / shape.stride;
}

/* Adds a column to the sums in flight. Its tap 0 belongs to the output `lead` columns behind the start of the first
 * one, whose slot is `phase`; only the first `limit` outputs are in flight. */
ALWAYS_INLINE void DW(column)(const struct dw_block *b, struct DW(sums) * sums, const uint8_t *const *p,
                              struct dw_shape shape, int phase, int lead, int limit) {
    const uint8_t *last = p[shape.kernel == 5 || shape.rows == 2 ? 3 : 2];
    struct DW(quads) quads = DW(interleave)((const uint8_t *const[4]){p[0], p[1], p[2], last}), rest = quads;
    if (shape.kernel == 5) rest = DW(interleave)((const uint8_t *const[4]){p[4], p[4], p[4], p[4]});
    UNROLL
    for (int j = 0; j < VECTORS; j++) {
        UNROLL
        for (int t = 0; t < shape.kernel; t++) {
            const int ahead = (lead - t) / shape.stride;
            if (lead < t || (lead - t) % shape.stride != 0 || ahead >= limit) continue;
            const uint8_t *w = b->packed + DW(LINE_GROUPS_AT) + t * 2 * GROUP;
            struct DW(sums) *sum = &sums[(phase + ahead) % DW(flight)(shape)];
            vec v = t == 0 ? DW(load)(b->packed, j) : sum->v[0][j];
            v = DW(dot)(v, &quads, j, w);
            sum->v[0][j] = shape.kernel == 5 ? DW(dot_first)(v, &rest, j, w + GROUP) : v;
            if (shape.rows < 2) continue;
            v = t == 0 ? DW(load)(b->packed, j) : sum->v[1][j];
            sum->v[1][j] = DW(dot)(v, &quads, j, w + GROUP);
        }
    }
}

/* The same for a column that may lie outside the image. */
ALWAYS_INLINE void DW(edge_column)(const struct dw_block *b, struct DW(sums) * sums,
                                   const struct dw_line *line, int in_x, struct dw_shape shape, int phase,
                                   int lead, int limit) {
    bool inside = in_x >= 0 && in_x < b->args->window.in_width;
    size_t offset = inside ? (size_t)in_x * (size_t)b->args->channels : 0;
    const uint8_t *p[5];
    UNROLL
    for (int r = 0; r < 5; r++) p[r] = inside ? line->rows[r] + offset : b->padding;
    DW(column)(b, sums, p, shape, phase, lead, limit);
}

/* Finishes an output, y bytes into the line. */
ALWAYS_INLINE void DW(finish_rows)(const struct dw_block *b, const struct DW(sums) * sums,
                                   const struct dw_line *line, size_t y, struct dw_shape shape) {
    DW(finish)(b, sums->v[0], line->y[0] + y);
    if (shape.rows == 2) DW(finish)(b, sums->v[1], line->y[1] + y);
}

/* Where a line has got to: bytes into its rows. */
struct DW(cursor) {
    size_t x, y;
};

/* The last columns of the output in slot `phase`, inside the image. */
ALWAYS_INLINE void DW(step)(const struct dw_block *b, struct DW(sums) * sums, const struct dw_line *line,
                            struct DW(cursor) * at, struct dw_shape shape, int phase) {
    size_t channels = (size_t)b->args->channels;
    UNROLL
    for (int d = 0; d < shape.stride; d++, at->x += channels) {
        const uint8_t *p[5];
        UNROLL
        for (int r = 0; r < 5; r++) p[r] = line->rows[r] + at->x;
        DW(column)(b, sums, p, shape, phase, shape.kernel - shape.stride + d, DW(flight)(shape));
    }
    DW(finish_rows)(b, &sums[phase], line, at->y, shape);
    at->y += channels;
}

/* The columns before the first step. */
ALWAYS_INLINE void DW(begin)(const struct dw_block *b, struct DW(sums) * sums, const struct dw_line *line,
                             struct dw_shape shape) {
    const int flight = DW(flight)(shape), ahead = shape.kernel - shape.stride,
              in_x = -b->args->window.pad_left;
    DW(edge_column)(b, sums, line, in_x, shape, 0, 0, flight);
    if (ahead > 1) DW(edge_column)(b, sums, line, in_x + 1, shape, 0, 1, flight);
    if (ahead > 2) DW(edge_column)(b, sums, line, in_x + 2, shape, 0, 2, flight);
    if (ahead > 3) DW(edge_column)(b, sums, line, in_x + 3, shape, 0, 3, flight);
}

/* The step of one of the last flight - 1 outputs, from column in_x on. */
ALWAYS_INLINE void DW(end)(const struct dw_block *b, struct DW(sums) * sums, const struct dw_line *line,
                           int in_x, size_t y, struct dw_shape shape, int phase) {
    const int ahead = shape.kernel - shape.stride, limit = DW(flight)(shape) - 1 - phase;
    if (limit < 1) return;
    in_x += phase * shape.stride;
    DW(edge_column)(b, sums, line, in_x, shape, phase, ahead, limit);
    if (shape.stride == 2) DW(edge_column)(b, sums, line, in_x + 1, shape, phase, ahead + 1, limit);
    DW(finish_rows)(b, &sums[phase], line, y + (size_t)phase * (size_t)b->args->channels, shape);
}

/* Needs a line of at least flight - 1 outputs whose columns, but for those of begin() and end(), lie inside the image:
 * see choose_shape(). No loop over phases: each has to be a constant for the sums to stay in registers. */
ALWAYS_INLINE void DW(line)(const struct dw_block *b, const struct dw_line *line, struct dw_shape shape) {
    const struct window *g = &b->args->window;
    const int flight = DW(flight)(shape), ahead = shape.kernel - shape.stride,
              steps = g->out_width - (flight - 1);
    struct DW(sums) sums[5];
    DW(begin)(b, sums, line, shape);
    struct DW(cursor) at = {steps > 0 ? (size_t)(ahead - g->pad_left) * (size_t)b->args->channels : 0, 0};
    int n = steps;
    for (; n >= flight; n -= flight) {
        DW(step)(b, sums, line, &at, shape, 0);
        if (flight > 1) DW(step)(b, sums, line, &at, shape, 1);
        if (flight > 2) DW(step)(b, sums, line, &at, shape, 2);
        if (flight > 3) DW(step)(b, sums, line, &at, shape, 3);
        if (flight > 4) DW(step)(b, sums, line, &at, shape, 4);
    }
    for (; n > 0; n--) {
        DW(step)(b, sums, line, &at, shape, 0);
        sums[0] = sums[1];
        if (flight > 2) sums[1] = sums[2];
        if (flight > 3) sums[2] = sums[3];
        if (flight > 4) sums[3] = sums[4];
    }
    int in_x = steps * shape.stride + ahead - g->pad_left;
    DW(end)(b, sums, line, in_x, at.y, shape, 0);
    DW(end)(b, sums, line, in_x, at.y, shape, 1);
    DW(end)(b, sums, line, in_x, at.y, shape, 2);
    DW(end)(b, sums, line, in_x, at.y, shape, 3);
}

static void DW(line_3_1_pair)(const struct dw_block *b, const struct dw_line *line) {
    DW(line)(b, line, (struct dw_shape){3, 1, 2});
}
static void DW(line_3_1)(const struct dw_block *b, const struct dw_line *line) {
    DW(line)(b, line, (struct dw_shape){3, 1, 1});
}
static void DW(line_3_2)(const struct dw_block *b, const struct dw_line *line) {
    DW(line)(b, line, (struct dw_shape){3, 2, 1});
}
static void DW(line_5_1)(const struct dw_block *b, const struct dw_line *line) {
    DW(line)(b, line, (struct dw_shape){5, 1, 1});
}
static void DW(line_5_2)(const struct dw_block *b, const struct dw_line *line) {
    DW(line)(b, line, (struct dw_shape){5, 2, 1});
}

/* Line out_y of an image, and the next one with it if `pair`. */
static void DW(line_of)(const struct dw_block *b, int out_y, bool pair) {
    const struct window *g = &b->args->window;
    size_t y_row = (size_t)g->out_width * (size_t)b->args->channels;
    struct dw_line line = {.y = {b->y + (size_t)out_y * y_row, b->y + (size_t)(out_y + pair) * y_row}};
    for (int r = 0; r < 5; r++) line.rows[r] = dw_row(b, out_y * g->stride_y - g->pad_top + r);
    if (pair)
        DW(line_3_1_pair)(b, &line);
    else if (b->shape.kernel == 3 && b->shape.stride == 1)
        DW(line_3_1)(b, &line);
    else if (b->shape.kernel == 3)
        DW(line_3_2)(b, &line);
    else if (b->shape.stride == 1)
        DW(line_5_1)(b, &line);
    else
        DW(line_5_2)(b, &line);
}

/* An image, for all blocks: a line of one after the other, while its rows are in the cache. */
static void DW(lines)(const struct dw_block *b) {
    const int height = b->args->window.out_height;
    for (int out_y = 0, done; out_y < height; out_y += done) {
        done = b->shape.rows == 2 && out_y + 1 < height ? 2 : 1;
        for (struct dw_block block = *b; block.valid > 0; dw_next(&block, WIDTH))
            DW(line_of)(&block, out_y, done == 2);
    }
}

/* One output of any window, four taps at a time. */
static void DW(point)(const struct dw_block *b, int out_y, int out_x, uint8_t *y) {
    const struct window *g = &b->args->window;
    const uint8_t *w =
        b->packed + DW(LINE_GROUPS_AT) + dw_line_groups(g->kernel_height, g->kernel_width) * GROUP;
    vec sums[VECTORS];
    UNROLL
    for (int j = 0; j < VECTORS; j++) sums[j] = DW(load)(b->packed, j);
    int ky = 0, kx = 0;
    while (ky < g->kernel_height) {
        const uint8_t *p[4] = {b->padding, b->padding, b->padding, b->padding};
        for (int i = 0; i < 4 && ky < g->kernel_height; i++) {
            int in_x = out_x * g->stride_x - g->pad_left + kx * g->dilation_x;
            if (in_x >= 0 && in_x < g->in_width)
                p[i] = dw_row(b, out_y * g->stride_y - g->pad_top + ky * g->dilation_y) +
                       (size_t)in_x * (size_t)b->args->channels;
            if (++kx == g->kernel_width) kx = 0, ky++;
        }
        struct DW(quads) quads = DW(interleave)(p);
        UNROLL
        for (int j = 0; j < VECTORS; j++) sums[j] = DW(dot)(sums[j], &quads, j, w);
        w += GROUP;
    }
    DW(finish)(b, sums, y);
}

static void DW(points)(const struct dw_block *b) {
    const struct window *g = &b->args->window;
    for (struct dw_block block = *b; block.valid > 0; dw_next(&block, WIDTH)) {
        uint8_t *y = block.y;
        for (int out_y = 0; out_y < g->out_height; out_y++)
            for (int out_x = 0; out_x < g->out_width; out_x++, y += block.args->channels)
                DW(point)(&block, out_y, out_x, y);
    }
}

static void DW(blocks)(const struct dw_block *b) {
    if (b->shape.kernel == 0)
        DW(points)(b);
    else
        DW(lines)(b);
}
