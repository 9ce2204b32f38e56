#include "kernels/simd/x86_avx2.h"

#include "kernels/pool_f32/simd.h"

const struct pool_f32_impl pool_f32_avx2 = {"avx2", POMONA_TIER_AVX2, pool_max, pool_average, global_average};
