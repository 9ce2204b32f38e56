/* dwconv_u8s8 for blocks of WIDTH channels. The source that includes this, once for each width, defines
 *   WIDTH, GROUP                      channels of a block; bytes of a group of weights
 *   RESIDENT_WEIGHTS                  whether the weights of a 3x3 window fit into registers
 *   HALVES_AT_ONCE                    whether the sums of all channels do
 *   PAIRS_OF_LINES                    whether two lines of a 3x3 window go together
 *   DW(name)                          name_WIDTH
 *   vec, struct DW(quads), struct DW(weights)
 *   DW(load)(p)
 *   DW(interleave)(p, half)           quads of p[0..3], two vectors: half of the channels
 *   DW(load_weights)(group, vector)   of vector 0..3
 *   DW(dot)(sum, quads, j, weights)   adds the products of vector j; dot_first: all weights but the first are 0
 *   struct DW(output), DW(output_of)(o)        what the next two need of o
 *   DW(to_16)(packed, output, sums, half)      scales two vectors of sums and adds the zero point
 *   DW(to_8)(output, low_half, high_half)      clamps; channels in order
 *   DW(store)(y, bytes, valid)                 the first `valid` bytes, all if there are more
 *
 * A line of outputs slides along x: each column of the input is interleaved once and added to all outputs it is a
 * tap of, whose sums are in registers; each step finishes one output. Sums are kept by slots that go round.
 *
 * Where registers are short, a line is run through twice, for one half of the channels and then for the other, so that
 * the weights of a 3x3 window stay in registers too: the load unit would be busier than the multipliers otherwise.
 * Results of the first half wait in scratch, in 16 bits. */

/* What must be inlined, so that shapes, phases and taps are constants. Sanitizers take minutes to instrument that. */
#if !defined(INLINED)
#if defined(SANITIZED)
#define INLINED static
#else
#define INLINED ALWAYS_INLINE
#endif
#endif

/* Hides where a number comes from. Otherwise the compiler keeps a pointer for each row and each step of an unrolled
 * loop, and most of them on the stack. */
#if !defined(KEEP)
#define KEEP(number) __asm__("" : "+r"(number))
#endif

enum { DW(LINE_GROUPS_AT) = 8 * WIDTH };

/* The sums of one column of outputs: of one line or two. */
struct DW(sums) {
    vec v[2][4];
};

/* One by one: clang does not keep an array in registers within which it copies several at once. */
INLINED void DW(move)(struct DW(sums) * to, const struct DW(sums) * from) {
    to->v[0][0] = from->v[0][0];
    to->v[0][1] = from->v[0][1];
    to->v[0][2] = from->v[0][2];
    to->v[0][3] = from->v[0][3];
    to->v[1][0] = from->v[1][0];
    to->v[1][1] = from->v[1][1];
    to->v[1][2] = from->v[1][2];
    to->v[1][3] = from->v[1][3];
}

/* Five rows of a column, or three or four. */
struct DW(column) {
    struct DW(quads) quads[2], rest[2]; /* of the two halves of the channels */
};

/* What a line needs of its block, copied so that the compiler knows that storing y does not change it. */
struct DW(pass) {
    const uint8_t *packed, *padding;
    size_t channels, valid;
    int in_width, out_width, pad_left;
    struct dw_line line;
    struct DW(output) output;
    struct DW(weights) weights[3][2][4]; /* [kx][line of a pair][vector], if resident */
};

INLINED struct DW(weights) DW(weights_at)(const uint8_t *packed, int t, int group, int vector) {
    return DW(load_weights)(packed + DW(LINE_GROUPS_AT) + (t * 2 + group) * GROUP, vector);
}

INLINED void DW(load_half)(struct DW(pass) * b, struct dw_shape shape, int t, int half) {
    if (!(shape.halves & 1 << half)) return;
    b->weights[t][0][2 * half] = DW(weights_at)(b->packed, t, 0, 2 * half);
    b->weights[t][0][2 * half + 1] = DW(weights_at)(b->packed, t, 0, 2 * half + 1);
    if (shape.rows < 2) return;
    b->weights[t][1][2 * half] = DW(weights_at)(b->packed, t, 1, 2 * half);
    b->weights[t][1][2 * half + 1] = DW(weights_at)(b->packed, t, 1, 2 * half + 1);
}

INLINED void DW(load_resident)(struct DW(pass) * b, struct dw_shape shape, int t) {
    DW(load_half)(b, shape, t, 0);
    DW(load_half)(b, shape, t, 1);
}

INLINED struct DW(pass)
    DW(pass_of)(const struct dw_block *b, const struct dw_line *line, struct dw_shape shape) {
    const struct window *g = &b->args->window;
    struct DW(pass) pass = {.packed = b->packed,
                            .padding = b->padding,
                            .channels = (size_t)b->args->channels,
                            .valid = b->valid,
                            .in_width = g->in_width,
                            .out_width = g->out_width,
                            .pad_left = g->pad_left,
                            .line = *line,
                            .output = DW(output_of)(&b->args->output)};
    if (RESIDENT_WEIGHTS && shape.kernel == 3) {
        DW(load_resident)(&pass, shape, 0);
        DW(load_resident)(&pass, shape, 1);
        DW(load_resident)(&pass, shape, 2);
    }
    return pass;
}

/* How many outputs of a line a column belongs to, and so how many are in flight. */
INLINED int DW(flight)(struct dw_shape shape) { return (shape.kernel + shape.stride - 1) / shape.stride; }

/* Adds tap t of a column to a vector of the sum of an output in line `row`. */
INLINED void DW(tap_of_vector)(const struct DW(pass) * b, struct dw_shape shape, struct DW(sums) * sum,
                               const struct DW(column) * x, int t, int vector, int row) {
    const int half = vector / 2, j = vector % 2;
    struct DW(weights) w = RESIDENT_WEIGHTS && shape.kernel == 3 ? b->weights[t][row][vector]
                                                                 : DW(weights_at)(b->packed, t, row, vector);
    vec v = t == 0 ? DW(load)(b->packed + vector * WIDTH) : sum->v[row][vector];
    v = DW(dot)(v, &x->quads[half], j, w);
    if (shape.kernel == 5) v = DW(dot_first)(v, &x->rest[half], j, DW(weights_at)(b->packed, t, 1, vector));
    sum->v[row][vector] = v;
}

INLINED void DW(tap_of_half)(const struct DW(pass) * b, struct dw_shape shape, struct DW(sums) * sum,
                             const struct DW(column) * x, int t, int half) {
    if (!(shape.halves & 1 << half)) return;
    DW(tap_of_vector)(b, shape, sum, x, t, 2 * half, 0);
    DW(tap_of_vector)(b, shape, sum, x, t, 2 * half + 1, 0);
    if (shape.rows < 2) return;
    DW(tap_of_vector)(b, shape, sum, x, t, 2 * half, 1);
    DW(tap_of_vector)(b, shape, sum, x, t, 2 * half + 1, 1);
}

/* Adds tap t of a column to the output it belongs to, if that is one in flight: see add_column(). */
INLINED void DW(tap)(const struct DW(pass) * b, struct dw_shape shape, struct DW(sums) * sums,
                     const struct DW(column) * x, int phase, int lead, int limit, int t) {
    const int ahead = (lead - t) / shape.stride;
    if (t >= shape.kernel || lead < t || (lead - t) % shape.stride != 0 || ahead >= limit) return;
    struct DW(sums) *sum = &sums[(phase + ahead) % DW(flight)(shape)];
    DW(tap_of_half)(b, shape, sum, x, t, 0);
    DW(tap_of_half)(b, shape, sum, x, t, 1);
}

/* Adds a column to the sums in flight. Its tap 0 belongs to the output `lead` columns behind the start of the first
 * one, whose slot is `phase`; only the first `limit` outputs are in flight. */
INLINED void DW(add_column)(const struct DW(pass) * b, struct dw_shape shape, struct DW(sums) * sums,
                            const uint8_t *const p[5], int phase, int lead, int limit) {
    const uint8_t *last = p[shape.kernel == 5 || shape.rows == 2 ? 3 : 2];
    const uint8_t *const first[4] = {p[0], p[1], p[2], last}, *const fifth[4] = {p[4], p[4], p[4], p[4]};
    struct DW(column) x;
    if (shape.halves & 1) x.quads[0] = DW(interleave)(first, 0);
    if (shape.halves & 2) x.quads[1] = DW(interleave)(first, 1);
    if (shape.kernel == 5 && shape.halves & 1) x.rest[0] = DW(interleave)(fifth, 0);
    if (shape.kernel == 5 && shape.halves & 2) x.rest[1] = DW(interleave)(fifth, 1);
    DW(tap)(b, shape, sums, &x, phase, lead, limit, 0);
    DW(tap)(b, shape, sums, &x, phase, lead, limit, 1);
    DW(tap)(b, shape, sums, &x, phase, lead, limit, 2);
    DW(tap)(b, shape, sums, &x, phase, lead, limit, 3);
    DW(tap)(b, shape, sums, &x, phase, lead, limit, 4);
}

/* The same for a column that may lie outside the image. */
INLINED void DW(edge_column)(const struct DW(pass) * b, struct dw_shape shape, struct DW(sums) * sums,
                             int in_x, int phase, int lead, int limit) {
    bool inside = in_x >= 0 && in_x < b->in_width;
    size_t offset = inside ? (size_t)in_x * b->channels : 0;
    const uint8_t *const *rows = b->line.rows, *out = b->padding;
    const uint8_t *const p[5] = {inside ? rows[0] + offset : out, inside ? rows[1] + offset : out,
                                 inside ? rows[2] + offset : out, inside ? rows[3] + offset : out,
                                 inside ? rows[4] + offset : out};
    DW(add_column)(b, shape, sums, p, phase, lead, limit);
}

/* Where a line has got to: bytes into its rows, and the next output. */
struct DW(cursor) {
    size_t x, y;
    uint8_t *waiting;
};

INLINED void DW(finish_row)(const struct DW(pass) * b, struct dw_shape shape, const struct DW(sums) * sums,
                            struct DW(cursor) * at, int row) {
    vec low, high;
    if (shape.halves & 1)
        low = DW(to_16)(b->packed, &b->output, sums->v[row], 0);
    else
        low = DW(load)(at->waiting);
    if (shape.halves & 2) {
        high = DW(to_16)(b->packed, &b->output, sums->v[row] + 2, 1);
        DW(store)(b->line.y[row] + at->y, DW(to_8)(&b->output, low, high), b->valid);
    } else {
        memcpy(at->waiting, &low, sizeof low);
    }
    at->waiting += WIDTH;
}

/* Finishes the output at the cursor and moves on. */
INLINED void DW(finish)(const struct DW(pass) * b, struct dw_shape shape, const struct DW(sums) * sums,
                        struct DW(cursor) * at) {
    DW(finish_row)(b, shape, sums, at, 0);
    if (shape.rows == 2) DW(finish_row)(b, shape, sums, at, 1);
    at->y += b->channels;
    KEEP(at->y);
}

/* Adds the next column, which is inside the image. */
INLINED void DW(next_column)(const struct DW(pass) * b, struct dw_shape shape, struct DW(sums) * sums,
                             struct DW(cursor) * at, int phase, int lead) {
    const uint8_t *const *rows = b->line.rows;
    const uint8_t *const p[5] = {rows[0] + at->x, rows[1] + at->x, rows[2] + at->x, rows[3] + at->x,
                                 rows[4] + at->x};
    DW(add_column)(b, shape, sums, p, phase, lead, DW(flight)(shape));
    at->x += b->channels;
    KEEP(at->x);
}

/* The last columns of the output in slot `phase`. */
INLINED void DW(step)(const struct DW(pass) * b, struct dw_shape shape, struct DW(sums) * sums,
                      struct DW(cursor) * at, int phase) {
    const int ahead = shape.kernel - shape.stride;
    DW(next_column)(b, shape, sums, at, phase, ahead);
    if (shape.stride == 2) DW(next_column)(b, shape, sums, at, phase, ahead + 1);
    DW(finish)(b, shape, &sums[phase], at);
}

/* The columns before the first step. */
INLINED void DW(begin)(const struct DW(pass) * b, struct dw_shape shape, struct DW(sums) * sums) {
    const int flight = DW(flight)(shape), ahead = shape.kernel - shape.stride;
    DW(edge_column)(b, shape, sums, -b->pad_left, 0, 0, flight);
    if (ahead > 1) DW(edge_column)(b, shape, sums, 1 - b->pad_left, 0, 1, flight);
    if (ahead > 2) DW(edge_column)(b, shape, sums, 2 - b->pad_left, 0, 2, flight);
    if (ahead > 3) DW(edge_column)(b, shape, sums, 3 - b->pad_left, 0, 3, flight);
}

/* The step of one of the last flight - 1 outputs, if there are so many; in_x is the first column of the first. */
INLINED void DW(end)(const struct DW(pass) * b, struct dw_shape shape, struct DW(sums) * sums,
                     struct DW(cursor) * at, int in_x, int phase) {
    const int ahead = shape.kernel - shape.stride, limit = DW(flight)(shape) - 1 - phase;
    if (limit < 1) return;
    in_x += phase * shape.stride;
    DW(edge_column)(b, shape, sums, in_x, phase, ahead, limit);
    if (shape.stride == 2) DW(edge_column)(b, shape, sums, in_x + 1, phase, ahead + 1, limit);
    DW(finish)(b, shape, &sums[phase], at);
}

/* Needs a line of at least flight - 1 outputs whose columns, but for those of begin() and end(), lie inside the image:
 * see choose_shape(). No loops over phases, taps or vectors: as long as an index is not a constant, clang keeps the sums on the stack. */
INLINED void DW(pass_over)(const struct dw_block *block, const struct dw_line *line, struct dw_shape shape) {
    const struct DW(pass) pass = DW(pass_of)(block, line, shape), *b = &pass;
    const int flight = DW(flight)(shape), ahead = shape.kernel - shape.stride,
              steps = b->out_width - (flight - 1);
    struct DW(sums) sums[5];
    DW(begin)(b, shape, sums);
    struct DW(cursor) at = {steps > 0 ? (size_t)(ahead - b->pad_left) * b->channels : 0, 0, block->waiting};
    int n = steps;
    for (; n >= flight; n -= flight) {
        DW(step)(b, shape, sums, &at, 0);
        if (flight > 1) DW(step)(b, shape, sums, &at, 1);
        if (flight > 2) DW(step)(b, shape, sums, &at, 2);
        if (flight > 3) DW(step)(b, shape, sums, &at, 3);
        if (flight > 4) DW(step)(b, shape, sums, &at, 4);
    }
    for (; n > 0; n--) {
        DW(step)(b, shape, sums, &at, 0);
        DW(move)(&sums[0], &sums[1]);
        if (flight > 2) DW(move)(&sums[1], &sums[2]);
        if (flight > 3) DW(move)(&sums[2], &sums[3]);
        if (flight > 4) DW(move)(&sums[3], &sums[4]);
    }
    int in_x = steps * shape.stride + ahead - b->pad_left;
    DW(end)(b, shape, sums, &at, in_x, 0);
    DW(end)(b, shape, sums, &at, in_x, 1);
    DW(end)(b, shape, sums, &at, in_x, 2);
    DW(end)(b, shape, sums, &at, in_x, 3);
}

INLINED void DW(line)(const struct dw_block *b, const struct dw_line *line, int kernel, int stride,
                      int rows) {
    if (HALVES_AT_ONCE && rows == 1) {
        DW(pass_over)(b, line, (struct dw_shape){kernel, stride, rows, 3});
        return;
    }
    DW(pass_over)(b, line, (struct dw_shape){kernel, stride, rows, 1});
    DW(pass_over)(b, line, (struct dw_shape){kernel, stride, rows, 2});
}

/* Line out_y of an image, and the next one with it if `pair`. */
static void DW(line_of)(const struct dw_block *b, int out_y, bool pair) {
    const struct window *g = &b->args->window;
    size_t y_row = (size_t)g->out_width * (size_t)b->args->channels;
    struct dw_line line = {.y = {b->y + (size_t)out_y * y_row, b->y + (size_t)(out_y + pair) * y_row}};
    for (int r = 0; r < 5; r++) line.rows[r] = dw_row(b, out_y * g->stride_y - g->pad_top + r);
    if (PAIRS_OF_LINES && pair)
        DW(line)(b, &line, 3, 1, 2);
    else if (b->shape.kernel == 3 && b->shape.stride == 1)
        DW(line)(b, &line, 3, 1, 1);
    else if (b->shape.kernel == 3)
        DW(line)(b, &line, 3, 2, 1);
    else if (b->shape.stride == 1)
        DW(line)(b, &line, 5, 1, 1);
    else
        DW(line)(b, &line, 5, 2, 1);
}

/* An image, for all blocks: a line of one after the other, while its rows are in the cache. */
static void DW(lines)(const struct dw_block *b) {
    const int height = b->args->window.out_height;
    for (int out_y = 0, done; out_y < height; out_y += done) {
        done = PAIRS_OF_LINES && b->shape.rows == 2 && out_y + 1 < height ? 2 : 1;
        for (struct dw_block block = *b; block.valid > 0; dw_next(&block, WIDTH))
            DW(line_of)(&block, out_y, done == 2);
    }
}

/* One output of any window, four taps at a time. */
static void DW(point)(const struct dw_block *b, int out_y, int out_x, uint8_t *y) {
    const struct window *g = &b->args->window;
    const uint8_t *w =
        b->packed + DW(LINE_GROUPS_AT) + dw_line_groups(g->kernel_height, g->kernel_width) * GROUP;
    vec sums[4];
    UNROLL
    for (int j = 0; j < 4; j++) sums[j] = DW(load)(b->packed + j * WIDTH);
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
        struct DW(quads) low = DW(interleave)(p, 0), high = DW(interleave)(p, 1);
        UNROLL
        for (int j = 0; j < 2; j++) {
            sums[j] = DW(dot)(sums[j], &low, j, DW(load_weights)(w, j));
            sums[2 + j] = DW(dot)(sums[2 + j], &high, j, DW(load_weights)(w, 2 + j));
        }
        w += GROUP;
    }
    struct DW(output) output = DW(output_of)(&b->args->output);
    vec q0 = DW(to_16)(b->packed, &output, sums, 0), q1 = DW(to_16)(b->packed, &output, sums + 2, 1);
    DW(store)(y, DW(to_8)(&output, q0, q1), b->valid);
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
