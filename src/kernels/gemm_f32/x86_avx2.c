#include "kernels/simd/x86_avx2.h"

enum { ROWS = 6, COLUMNS = 2, GEMM_CACHE_BYTES = 192 << 10 };
#define HEIGHTS(H) H(6) H(4) H(2) H(1)
#include "kernels/gemm_f32/simd.h"

const struct gemm_f32_impl gemm_f32_avx2 = {
    "avx2 6x16", POMONA_TIER_AVX2, ROWS, COLUMNS *VEC, packed_floats, pack, run};
