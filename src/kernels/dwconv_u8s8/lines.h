/* dwconv_u8s8 for blocks of WIDTH channels. The source that includes this (once for each width) defines
 *   WIDTH, VECTORS    channels of a block, and how many vectors of 32-bit sums they fill
 *   GROUP             bytes of a group of weights
 *   DW(name)          name_WIDTH
 *   vec, struct DW(quads)
 *   DW(interleave)(p) the quads of p[0..3]
 *   DW(dot)(sum, quads, j, w)     adds the products of vector j with the group w
 *   DW(load)(w, j)    vector j of the bias or the multiplier
 *   DW(finish)(block, sums, y)    requantises VECTORS sums and stores them
 *
 * A line of outputs slides along x: each column of the input is interleaved once and added to all outputs it is a
 * tap of, whose sums are in registers; each step finishes one output. Sums are kept by slots that go round. */

enum { DW(LINE_GROUPS_AT) = 8 * WIDTH };

/* Adds a column to the sums [slot][row][vector]. Its first tap would belong to the output `lead` columns behind the
 * first one in flight (whose slot is `phase`); only outputs before `limit` are in flight. */
ALWAYS_INLINE void DW(column)(const struct dw_block *b, vec *sums, const uint8_t *const *p,
                              struct dw_shape shape, int phase, int lead, int limit) {
    const int flight = (shape.kernel + shape.stride - 1) / shape.stride;
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
            vec *sum = sums + ((phase + ahead) % flight * shape.rows) * VECTORS + j;
            if (t == 0) sum[0] = DW(load)(b->packed, j);
            sum[0] = DW(dot)(sum[0], &quads, j, w);
            if (shape.kernel == 5) sum[0] = DW(dot)(sum[0], &rest, j, w + GROUP);
            if (shape.rows < 2) continue;
            if (t == 0) sum[VECTORS] = DW(load)(b->packed, j);
            sum[VECTORS] = DW(dot)(sum[VECTORS], &quads, j, w + GROUP);
        }
    }
}

/* The same for a column that may lie outside the image. */
ALWAYS_INLINE void DW(edge_column)(const struct dw_block *b, vec *sums, const struct dw_line *line, int in_x,
                                   struct dw_shape shape, int phase, int lead, int limit) {
    bool inside = in_x >= 0 && in_x < b->args->window.in_width;
    size_t offset = inside ? (size_t)in_x * (size_t)b->args->channels : 0;
    const uint8_t *p[5];
    UNROLL
    for (int r = 0; r < 5; r++) p[r] = inside ? line->rows[r] + offset : b->padding;
    DW(column)(b, sums, p, shape, phase, lead, limit);
}

/* Finishes the output in slot `phase`. */
ALWAYS_INLINE void DW(finish_rows)(const struct dw_block *b, const vec *sums, const struct dw_line *line,
                                   size_t y, struct dw_shape shape, int phase) {
    UNROLL
    for (int row = 0; row < shape.rows; row++)
        DW(finish)(b, sums + (phase * shape.rows + row) * VECTORS, line->y[row] + y);
}

/* One step inside the image: the last columns of an output, x bytes into the rows. */
ALWAYS_INLINE void DW(step)(const struct dw_block *b, vec *sums, const struct dw_line *line, size_t x,
                            size_t y, struct dw_shape shape, int phase) {
    const int flight = (shape.kernel + shape.stride - 1) / shape.stride;
    UNROLL
    for (int d = 0; d < shape.stride; d++) {
        const uint8_t *p[5];
        UNROLL
        for (int r = 0; r < 5; r++) p[r] = line->rows[r] + x + (size_t)d * (size_t)b->args->channels;
        DW(column)(b, sums, p, shape, phase, shape.kernel - shape.stride + d, flight);
    }
    DW(finish_rows)(b, sums, line, y, shape, phase);
}

/* Needs a line of at least flight - 1 outputs whose columns, but for those of its first and last outputs, lie inside
 * the image: see choose_shape(). */
ALWAYS_INLINE void DW(line)(const struct dw_block *b, const struct dw_line *line, struct dw_shape shape) {
    const struct window *g = &b->args->window;
    const int flight = (shape.kernel + shape.stride - 1) / shape.stride;
    const int ahead = shape.kernel - shape.stride; /* columns before the first step */
    const size_t channels = (size_t)b->args->channels, x_step = (size_t)shape.stride * channels;
    vec sums[5 * 2 * VECTORS];
    UNROLL
    for (int lead = 0; lead < ahead; lead++)
        DW(edge_column)(b, sums, line, lead - g->pad_left, shape, 0, lead, flight);
    int steps = g->out_width - (flight - 1), n = steps;
    size_t x = n > 0 ? (size_t)(ahead - g->pad_left) * channels : 0, y = 0;
    for (; n >= flight; n -= flight) {
        UNROLL
        for (int phase = 0; phase < flight; phase++, x += x_step, y += channels)
            DW(step)(b, sums, line, x, y, shape, phase);
    }
    for (; n > 0; n--, x += x_step, y += channels) {
        DW(step)(b, sums, line, x, y, shape, 0);
        UNROLL
        for (int i = 0; i < (flight - 1) * shape.rows * VECTORS; i++)
            sums[i] = sums[i + shape.rows * VECTORS];
    }
    UNROLL
    for (int phase = 0; phase < flight - 1; phase++, y += channels) {
        int in_x = (steps + phase) * shape.stride + ahead - g->pad_left;
        UNROLL
        for (int d = 0; d < shape.stride; d++)
            DW(edge_column)(b, sums, line, in_x + d, shape, phase, ahead + d, flight - 1 - phase);
        DW(finish_rows)(b, sums, line, y, shape, phase);
    }
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

/* All lines of an image. */
static void DW(lines)(const struct dw_block *b) {
    const struct window *g = &b->args->window;
    size_t y_row = (size_t)g->out_width * (size_t)b->args->channels;
    for (int out_y = 0; out_y < g->out_height;) {
        bool pair = b->shape.rows == 2 && out_y + 1 < g->out_height;
        struct dw_line line = {.y = {b->y + (size_t)out_y * y_row, b->y + (size_t)(out_y + pair) * y_row}};
        for (int r = 0; r < 5; r++) line.rows[r] = dw_row(b, out_y * g->stride_y - g->pad_top + r);
        if (pair)
            DW(line_3_1_pair)(b, &line);
        else if (b->shape.kernel == 3)
            (b->shape.stride == 1 ? DW(line_3_1) : DW(line_3_2))(b, &line);
        else
            (b->shape.stride == 1 ? DW(line_5_1) : DW(line_5_2))(b, &line);
        out_y += pair ? 2 : 1;
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
    uint8_t *y = b->y;
    for (int out_y = 0; out_y < b->args->window.out_height; out_y++)
        for (int out_x = 0; out_x < b->args->window.out_width; out_x++, y += b->args->channels)
            DW(point)(b, out_y, out_x, y);
}

static void DW(block)(const struct dw_block *b) {
    if (b->shape.kernel == 0)
        DW(points)(b);
    else
        DW(lines)(b);
}
