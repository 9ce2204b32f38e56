/* gemm_f32 on top of simd/ISA.h and gemm_f32/simd_tile.h. The source that includes this also defines
 *   GEMM_CACHE_BYTES  how much of the L2 cache one operand may take */
#include "kernels/gemm_f32/simd_tile.h"

static const struct segments whole_rows = {1, 0};

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
        strips(a, whole_rows, row, end);
    }
}

static size_t packed_floats(int n, int k) { return panels_floats(n, (size_t)k); }

static void pack(int n, int k, const float *w, const float *bias, float *packed) {
    panels_pack(n, 1, (size_t)k, w, bias, packed);
}
