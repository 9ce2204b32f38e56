#include "kernels/peak/peak.h"
#include "kernels/simd/common.h"

#include <arm_neon.h>

static float f32(long steps) {
    float32x4_t chain[PEAK_CHAINS], one = vdupq_n_f32(1);
    float sum = 0;
    PEAK_HIDE("w", one);
    UNROLL for (int i = 0; i < PEAK_CHAINS; i++) {
        chain[i] = vdupq_n_f32(0);
        PEAK_HIDE("w", chain[i]);
    }
    for (long n = 0; n < steps; n++) {
        UNROLL for (int i = 0; i < PEAK_CHAINS; i++) chain[i] = vfmaq_f32(one, chain[i], one);
    }
    UNROLL for (int i = 0; i < PEAK_CHAINS; i++) sum += vaddvq_f32(chain[i]);
    return sum;
}

/* Products of 16 bits added to 32: bytes times bytes in 16 bits would overflow. */
static uint32_t u8s8(long steps) {
    int32x4_t chain[PEAK_CHAINS];
    int16x4_t a = vdup_n_s16(1), b = a;
    uint32_t sum = 0;
    PEAK_HIDE("w", b);
    UNROLL for (int i = 0; i < PEAK_CHAINS; i++) {
        chain[i] = vdupq_n_s32(0);
        PEAK_HIDE("w", chain[i]);
    }
    for (long n = 0; n < steps; n++) {
        UNROLL for (int i = 0; i < PEAK_CHAINS; i++) {
            PEAK_HIDE("w", a);
            chain[i] = vmlal_s16(chain[i], a, b);
            PEAK_HIDE("w", chain[i]); /* now, or sums would wait on the stack */
        }
    }
    UNROLL for (int i = 0; i < PEAK_CHAINS; i++) sum += (uint32_t)vaddvq_s32(chain[i]);
    return sum;
}

const struct peak_impl peak_neon = {
    "neon fmla, smlal", POMONA_TIER_NEON, 4 * PEAK_CHAINS, 4 * PEAK_CHAINS, f32, u8s8};
