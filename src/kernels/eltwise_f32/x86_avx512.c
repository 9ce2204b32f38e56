#include "kernels/simd/x86_avx512.h"

#include "kernels/eltwise_f32/simd.h"

const struct eltwise_f32_impl eltwise_f32_avx512 = {
    "avx512", POMONA_TIER_AVX512, clamp, sigmoid, hard_sigmoid, hard_swish, add, multiply, scale_channels};
