#include "kernels/simd_i8/arm_neon.h"

#include "kernels/head_gap_f32/simd.h"

const struct head_gap_f32_impl head_gap_f32_neon = {"neon", POMONA_TIER_NEON, packed_bytes, pack, run};
