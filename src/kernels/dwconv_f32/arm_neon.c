#include "kernels/simd/arm_neon.h"

enum { OUTPUTS = 7, CHANNEL_VECTORS = 8 };
#include "kernels/dwconv_f32/simd.h"

const struct dwconv_f32_impl dwconv_f32_neon = {
    "neon, 7 outputs", POMONA_TIER_NEON, packed_floats, pack, scratch_floats, run};
