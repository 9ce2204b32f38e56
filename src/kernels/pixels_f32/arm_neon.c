#include "kernels/simd/arm_neon.h"

#include "kernels/pixels_f32/simd.h"

const struct pixels_f32_impl pixels_f32_neon = {"neon", POMONA_TIER_NEON, normalise};
