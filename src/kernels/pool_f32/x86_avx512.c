#include "kernels/simd/x86_avx512.h"

#include "kernels/pool_f32/simd.h"

const struct pool_f32_impl pool_f32_avx512 = {"avx512", POMONA_TIER_AVX512, pool_max, pool_average,
                                              global_average};
