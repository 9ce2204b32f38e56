#include "kernels/simd/x86_avx512.h"

enum { ROWS = 7, COLUMNS = 3, GEMM_CACHE_BYTES = 384 << 10 };
#define HEIGHTS(H) H(7) H(4) H(2) H(1)
#include "kernels/gemm_f32/simd.h"

const struct gemm_f32_impl gemm_f32_avx512 = {
    "avx512 7x48", POMONA_TIER_AVX512, ROWS, COLUMNS *VEC, packed_floats, pack, run};
