#include "kernels/simd/arm_neon.h"

#define GEMM gemm_f32_neon
#include "kernels/conv_f32/simd.h"

const struct conv_f32_impl conv_f32_neon = {
    "neon, gathered rows", POMONA_TIER_NEON, packed_floats, pack, scratch_floats, run};
