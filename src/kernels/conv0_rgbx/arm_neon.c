#include "kernels/simd_i8/arm_neon.h"

enum { RGBX_STEP = 8 };

ALWAYS_INLINE void rgbx_step(const uint8_t *x, uint8_t *y) {
    uint8x8x3_t rgb = vld3_u8(x);
    uint8x8x4_t rgbx = {{rgb.val[0], rgb.val[1], rgb.val[2], vdup_n_u8(0)}};
    vst4_u8(y, rgbx);
}

#include "kernels/conv0_rgbx/simd.h"

const struct conv0_rgbx_impl conv0_rgbx_neon = {"neon 4x16",   POMONA_TIER_NEON, packed_bytes, pack,
                                                scratch_bytes, prepare,          run};
