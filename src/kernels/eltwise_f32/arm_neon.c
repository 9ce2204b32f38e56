#include "kernels/simd/arm_neon.h"

#include "kernels/eltwise_f32/simd.h"

const struct eltwise_f32_impl eltwise_f32_neon = {
    "neon", POMONA_TIER_NEON, clamp, sigmoid, hard_sigmoid, hard_swish, add, multiply, scale_channels};
