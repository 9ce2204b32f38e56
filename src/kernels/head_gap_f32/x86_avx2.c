#include "kernels/simd_i8/x86_avx2.h"

#include "kernels/head_gap_f32/simd.h"

const struct head_gap_f32_impl head_gap_f32_avx2 = {"avx2", POMONA_TIER_AVX2, packed_bytes, pack, run};
