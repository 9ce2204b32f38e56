#include "kernels/simd_i8/arm_neondot.h"

enum { TAPS = 4, NEIGHBOURS = 4, taps_bytes = 64 };

struct taps {
    int8x16_t v[4]; /* [channel][t] of four channels each */
};

ALWAYS_INLINE struct taps taps_load(const uint8_t *w) {
    const int8_t *bytes = (const int8_t *)w;
    return (struct taps){{vld1q_s8(bytes), vld1q_s8(bytes + 16), vld1q_s8(bytes + 32), vld1q_s8(bytes + 48)}};
}

static void taps_put(uint8_t *w, size_t channel, size_t t, int8_t weight) {
    memcpy(w + channel * TAPS + t, &weight, 1);
}

ALWAYS_INLINE void taps_dot(sums *sum, const uint8_t *const *p, const struct taps *taps) {
    uint8x16_t a = vld1q_u8(p[0]), b = vld1q_u8(p[1]), c = vld1q_u8(p[2]), d = vld1q_u8(p[3]);
    uint16x8_t low_ab = vreinterpretq_u16_u8(vzip1q_u8(a, b)), low_cd = vreinterpretq_u16_u8(vzip1q_u8(c, d));
    uint16x8_t high_ab = vreinterpretq_u16_u8(vzip2q_u8(a, b)),
               high_cd = vreinterpretq_u16_u8(vzip2q_u8(c, d));
    uint16x8_t quads[4] = {vzip1q_u16(low_ab, low_cd), vzip2q_u16(low_ab, low_cd),
                           vzip1q_u16(high_ab, high_cd), vzip2q_u16(high_ab, high_cd)};
    int8x16_t offset = vdupq_n_s8(-128);
#define DOT(i) sum[i] = vdotq_s32(sum[i], veorq_s8(vreinterpretq_s8_u16(quads[i]), offset), taps->v[i]);
    EACH_REGISTER(DOT)
#undef DOT
}

#include "kernels/dwconv_u8s8/simd_taps.h"

const struct dwconv_u8s8_impl dwconv_u8s8_neondot = {
    "neon sdot, 16 channels", POMONA_TIER_NEONDOT, packed_bytes, pack, scratch_bytes, run};
