#include "kernels/simd_i8/arm_neondot.h"

#include "kernels/head_gap_f32/simd.h"

const struct head_gap_f32_impl head_gap_f32_neondot = {"neon sdot", POMONA_TIER_NEONDOT, packed_bytes, pack,
                                                       run};
