#include "kernels/simd_i8/arm_neon.h"

enum { TAPS = 1, NEIGHBOURS = 4, taps_bytes = 32 };

struct taps {
    int16x8_t low, high;
};

ALWAYS_INLINE struct taps taps_load(const uint8_t *w) {
    const int16_t *wide = (const int16_t *)(const void *)w;
    return (struct taps){vld1q_s16(wide), vld1q_s16(wide + 8)};
}

static void taps_put(uint8_t *w, size_t channel, size_t t, int8_t weight) {
    int16_t wide = weight;
    (void)t;
    memcpy(w + channel * sizeof wide, &wide, sizeof wide);
}

ALWAYS_INLINE void taps_dot(sums *sum, const uint8_t *const *p, const struct taps *taps) {
    uint8x16_t bytes = vld1q_u8(p[0]);
    int16x8_t low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes))),
              high = vreinterpretq_s16_u16(vmovl_high_u8(bytes));
    sum[0] = vmlal_s16(sum[0], vget_low_s16(low), vget_low_s16(taps->low));
    sum[1] = vmlal_high_s16(sum[1], low, taps->low);
    sum[2] = vmlal_s16(sum[2], vget_low_s16(high), vget_low_s16(taps->high));
    sum[3] = vmlal_high_s16(sum[3], high, taps->high);
}

#include "kernels/dwconv_u8s8/simd_taps.h"

const struct dwconv_u8s8_impl dwconv_u8s8_neon = {
    "neon, 16 channels", POMONA_TIER_NEON, packed_bytes, pack, scratch_bytes, run};
