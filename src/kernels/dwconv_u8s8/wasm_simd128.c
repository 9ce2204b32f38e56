#include "kernels/simd_i8/wasm_simd128.h"

enum { TAPS = 2, NEIGHBOURS = 2, taps_bytes = 64 };

struct taps {
    v128_t v[4]; /* [channel][t] of four channels each, in 16 bits */
};

ALWAYS_INLINE struct taps taps_load(const uint8_t *w) {
    return (struct taps){
        {wasm_v128_load(w), wasm_v128_load(w + 16), wasm_v128_load(w + 32), wasm_v128_load(w + 48)}};
}

static void taps_put(uint8_t *w, size_t channel, size_t t, int8_t weight) {
    int16_t wide = weight;
    memcpy(w + (channel * TAPS + t) * sizeof wide, &wide, sizeof wide);
}

ALWAYS_INLINE void taps_dot(sums *sum, const uint8_t *const *p, const struct taps *taps) {
    v128_t a = wasm_v128_load(p[0]), b = wasm_v128_load(p[1]);
    v128_t low = wasm_i8x16_shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    v128_t high = wasm_i8x16_shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    v128_t pairs[4] = {wasm_u16x8_extend_low_u8x16(low), wasm_u16x8_extend_high_u8x16(low),
                       wasm_u16x8_extend_low_u8x16(high), wasm_u16x8_extend_high_u8x16(high)};
#define DOT(i) sum[i] = wasm_i32x4_add(sum[i], wasm_i32x4_dot_i16x8(pairs[i], taps->v[i]));
    EACH_REGISTER(DOT)
#undef DOT
}

#include "kernels/dwconv_u8s8/simd_taps.h"

const struct dwconv_u8s8_impl dwconv_u8s8_wasm128 = {
    "wasm128, 16 channels", POMONA_TIER_WASM128, packed_bytes, pack, scratch_bytes, run};
