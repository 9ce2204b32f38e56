/* gemm_f32 on top of simd/ISA.h. The source that includes this defines
 *   ROWS, COLUMNS             the register tile: ROWS pixels by COLUMNS vectors
 *   HEIGHTS(H)                H(rows) for each height of tile to have, from ROWS down to 1
 *
 * The weights of one vector of output channels are a panel: [1 + k][VEC], the bias first. A tile keeps its sums in
 * registers over the whole of k, so that y is written once and each element is one chain, whatever the tile. */
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/simd/panel.h"

ALWAYS_INLINE void tile(const struct gemm_f32_args *a, int row, int column, int rows, int columns) {
    /* x [rows][k], panel [columns][1 + k][VEC], y [rows][columns][VEC] */
    size_t panel_size = panel_floats(a->k), x_stride = a->x_stride;
    const float *x = a->x + (size_t)row * x_stride;
    const float *panel = a->packed + (size_t)(column / VEC) * panel_size;
    vec sum[ROWS][COLUMNS], w[COLUMNS];
    UNROLL
    for (int c = 0; c < columns; c++) {
        w[c] = vec_load(panel + (size_t)c * panel_size);
        UNROLL
        for (int r = 0; r < rows; r++) sum[r][c] = w[c];
    }
    for (const float *end = x + a->k; x < end; x++) {
        panel += VEC;
        UNROLL
        for (int c = 0; c < columns; c++) w[c] = vec_load(panel + (size_t)c * panel_size);
        UNROLL
        for (int r = 0; r < rows; r++) {
            vec pixel = vec_broadcast(x + (size_t)r * x_stride);
            UNROLL
            for (int c = 0; c < columns; c++) sum[r][c] = vec_fma(pixel, w[c], sum[r][c]);
        }
    }
    vec low = vec_set(a->low), high = vec_set(a->high);
    float *y = a->y + (size_t)row * a->y_stride + column;
    size_t last =
        (size_t)(a->n - column - (columns - 1) * VEC); /* channels of the last vector, may exceed VEC */
    if (a->residual) {
        const float *residual = a->residual + (size_t)row * a->residual_stride + column;
        UNROLL
        for (int r = 0; r < rows; r++, residual += a->residual_stride) {
            UNROLL
            for (int c = 0; c + 1 < columns; c++)
                sum[r][c] = vec_add(sum[r][c], vec_load(residual + c * VEC));
            sum[r][columns - 1] =
                vec_add(sum[r][columns - 1], vec_load_upto(residual + (columns - 1) * VEC, last));
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++, y += a->y_stride) {
        UNROLL
        for (int c = 0; c + 1 < columns; c++) vec_store(y + c * VEC, vec_clamp(sum[r][c], low, high));
        vec_store_upto(y + (columns - 1) * VEC, vec_clamp(sum[r][columns - 1], low, high), last);
    }
}

/* Rows [row, end) of one column of tiles. */
#define STEP(rows)                                                                                           \
    for (; row + (rows) <= end; row += (rows)) tile(a, row, column, rows, columns);
ALWAYS_INLINE void strip(const struct gemm_f32_args *a, int row, int end, int column, int columns) {
    HEIGHTS(STEP)
}

static void strip_wide(const struct gemm_f32_args *a, int row, int end, int column) {
    strip(a, row, end, column, COLUMNS);
}

static void strip_narrow(const struct gemm_f32_args *a, int row, int end, int column) {
    strip(a, row, end, column, 1);
}

/* Weights that fit the L2 cache are read again for each tile's height of rows, which stay in the L1 cache. Larger
 * ones are read once for as many rows as the L2 cache keeps. */
static int block_rows(int m, int n, int k) {
    size_t row_bytes = (size_t)k * sizeof(float), rows = ROWS;
    if (row_bytes * (size_t)n > GEMM_CACHE_BYTES) rows = GEMM_CACHE_BYTES / row_bytes / ROWS * ROWS;
    if (rows < ROWS) rows = ROWS;
    return rows < (size_t)m ? (int)rows : m;
}

static void run(const struct gemm_f32_args *a) {
    int block = block_rows(a->m, a->n, a->k), end;
    for (int row = 0; row < a->m; row = end) {
        end = a->m - row > block ? row + block : a->m;
        int column = 0;
        for (; column + (COLUMNS - 1) * VEC < a->n; column += COLUMNS * VEC) strip_wide(a, row, end, column);
        for (; column < a->n; column += VEC) strip_narrow(a, row, end, column);
    }
}

static size_t packed_floats(int n, int k) { return panels_floats(n, (size_t)k); }

static void pack(int n, int k, const float *w, const float *bias, float *packed) {
    panels_pack(n, 1, (size_t)k, w, bias, packed);
}
