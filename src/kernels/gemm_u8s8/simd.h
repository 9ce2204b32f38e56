/* gemm_u8s8 on top of simd_i8/ISA.h. The source that includes this defines HEIGHTS_n and ROWS_MAX (simd_tile.h) and
 *   GEMM_CACHE_BYTES  how much of the L2 cache one operand may take */
#include "kernels/gemm_u8s8/simd_rows.h"
#if STREAM_STEPS_MAX > 0
#include "kernels/gemm_u8s8/simd_stream.h"

#define STREAM_FUNCTIONS(steps)                                                                              \
    STREAM_FUNCTION(4, 1, steps, steps)                                                                      \
    STREAM_FUNCTION(2, 2, steps, steps)
STREAM_FUNCTIONS(4)
STREAM_FUNCTIONS(6)
STREAM_FUNCTIONS(8)

/* Streams as many of the rows [row, end) as it can; returns the next row, `row` where this is not for the strip. */
static inline int stream_rows(const struct gemm_u8s8_args *a, const void *packed, int row, int end,
                              int column, int vectors, size_t steps) {
    switch (steps * 10 + (size_t)vectors) {
    case 41: return stream_1_4(a, 0, packed, row, end, column);
    case 42: return stream_2_4(a, 0, packed, row, end, column);
    case 61: return stream_1_6(a, 0, packed, row, end, column);
    case 62: return stream_2_6(a, 0, packed, row, end, column);
    case 81: return stream_1_8(a, 0, packed, row, end, column);
    case 82: return stream_2_8(a, 0, packed, row, end, column);
    default: return row;
    }
}
#endif

static inline size_t steps_of(int k) { return ((size_t)k + GROUP - 1) / GROUP; }

/* Weights that fit the L2 cache are read again for each tile's height of rows. Larger ones are read once for as many rows as
 * the L2 cache keeps. */
static int block_rows(int m, int n, int k) {
    size_t rows = (size_t)m;
    if ((size_t)k * (size_t)n > GEMM_CACHE_BYTES) rows = GEMM_CACHE_BYTES / (size_t)k / ROWS_MAX * ROWS_MAX;
    if (rows < ROWS_MAX) rows = ROWS_MAX;
    return rows < (size_t)m ? (int)rows : m;
}

/* Rows [row, end) of all channels. */
static void strips(const struct gemm_u8s8_args *a, int row, int end) {
    const uint8_t *packed = a->packed;
    size_t steps = steps_of(a->k);
    for (int column = 0, vectors; column < a->n; column += vectors * LANES) {
        int next = row;
        vectors = strip_vectors(a->n - column, steps);
#if STREAM_STEPS_MAX > 0
        if (!strip_is_narrow(a->n - column, vectors))
            next = stream_rows(a, packed, row, end, column, vectors, steps);
#endif
        strip_rows(a, (struct pieces){1, 0, steps}, packed, next, end, column, vectors);
        packed += strip_bytes(vectors, steps);
    }
}

static void run(const struct gemm_u8s8_args *a) {
    int block = block_rows(a->m, a->n, a->k), end;
    for (int row = 0; row < a->m; row = end) {
        end = a->m - row > block ? row + block : a->m;
        strips(a, row, end);
    }
}

static size_t packed_bytes(int n, int k) { return strips_bytes(n, steps_of(k)); }

static void pack(int n, int k, const int8_t *w, const int32_t *bias, const float *multiplier, void *packed) {
    struct panel_source source = {.channels = n,
                                  .inputs = (size_t)k,
                                  .steps = steps_of(k),
                                  .w = w,
                                  .bias = bias,
                                  .multiplier = multiplier};
    strips_pack(&source, packed);
}
