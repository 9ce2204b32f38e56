#include "kernels/simd/arm_neon.h"

enum { ROWS = 8, COLUMNS = 3, GEMM_CACHE_BYTES = 192 << 10 };
#define HEIGHTS(H) H(8) H(4) H(2) H(1)
#include "kernels/gemm_f32/simd.h"

const struct gemm_f32_impl gemm_f32_neon = {
    "neon 8x12", POMONA_TIER_NEON, ROWS, COLUMNS *VEC, packed_floats, pack, run};
