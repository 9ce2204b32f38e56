#include "kernels/simd/x86_avx2.h"

#include "kernels/eltwise_f32/simd.h"

const struct eltwise_f32_impl eltwise_f32_avx2 = {
    "avx2", POMONA_TIER_AVX2, clamp, sigmoid, hard_sigmoid, hard_swish, add, multiply, scale_channels};
