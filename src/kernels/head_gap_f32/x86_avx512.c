#include "kernels/simd_i8/x86_avx512.h"

#include "kernels/head_gap_f32/simd.h"

const struct head_gap_f32_impl head_gap_f32_avx512 = {"avx512", POMONA_TIER_AVX512, packed_bytes, pack, run};
