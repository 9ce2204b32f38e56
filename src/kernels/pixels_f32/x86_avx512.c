#include "kernels/simd/x86_avx512.h"

#include "kernels/pixels_f32/simd.h"

const struct pixels_f32_impl pixels_f32_avx512 = {"avx512", POMONA_TIER_AVX512, normalise};
