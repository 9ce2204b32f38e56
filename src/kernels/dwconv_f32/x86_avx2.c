#include "kernels/simd/x86_avx2.h"

enum { OUTPUTS = 7, CHANNEL_VECTORS = 8 };
#include "kernels/dwconv_f32/simd.h"

const struct dwconv_f32_impl dwconv_f32_avx2 = {
    "avx2, 7 outputs", POMONA_TIER_AVX2, packed_floats, pack, scratch_floats, run};
