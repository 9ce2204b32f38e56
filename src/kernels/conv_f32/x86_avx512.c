#include "kernels/simd/x86_avx512.h"

#define GEMM gemm_f32_avx512
#include "kernels/conv_f32/simd.h"

const struct conv_f32_impl conv_f32_avx512 = {
    "avx512, gathered rows", POMONA_TIER_AVX512, packed_floats, pack, scratch_floats, run};
