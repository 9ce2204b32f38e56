#include "kernels/simd_i8/wasm_simd128.h"

enum { RGBX_STEP = 4 };

ALWAYS_INLINE void rgbx_step(const uint8_t *x, uint8_t *y) {
    /* 8 bytes and 4: the photo may end behind them */
    v128_t rgb = wasm_v128_load32_lane(x + 8, wasm_v128_load64_zero(x), 2), zero = wasm_i8x16_splat(0);
    wasm_v128_store(y, wasm_i8x16_shuffle(rgb, zero, 0, 1, 2, 16, 3, 4, 5, 16, 6, 7, 8, 16, 9, 10, 11, 16));
}

#include "kernels/conv0_rgbx/simd.h"

const struct conv0_rgbx_impl conv0_rgbx_wasm128 = {
    "wasm128 4x8", POMONA_TIER_WASM128, packed_bytes, pack, scratch_bytes, prepare, run};
