#include "kernels/simd/x86_avx2.h"

#define GEMM gemm_f32_avx2
#include "kernels/conv_f32/simd.h"

const struct conv_f32_impl conv_f32_avx2 = {
    "avx2, gathered rows", POMONA_TIER_AVX2, packed_floats, pack, scratch_floats, run};
