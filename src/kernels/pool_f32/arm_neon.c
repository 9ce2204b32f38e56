#include "kernels/simd/arm_neon.h"

#include "kernels/pool_f32/simd.h"

const struct pool_f32_impl pool_f32_neon = {"neon", POMONA_TIER_NEON, pool_max, pool_average, global_average};
