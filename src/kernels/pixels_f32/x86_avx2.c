#include "kernels/simd/x86_avx2.h"

#include "kernels/pixels_f32/simd.h"

const struct pixels_f32_impl pixels_f32_avx2 = {"avx2", POMONA_TIER_AVX2, normalise};
