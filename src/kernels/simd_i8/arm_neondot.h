/* simd_i8/common.h for AArch64 with the dot product of signed bytes (Armv8.2): inputs become signed by subtracting 128. */
#ifndef KERNELS_SIMD_I8_ARM_NEONDOT_H
#define KERNELS_SIMD_I8_ARM_NEONDOT_H

#include "kernels/simd_i8/arm_common.h"

enum { X_OFFSET = 128 };
typedef int8x16_t pixels;
typedef int8x16_t weights;

ALWAYS_INLINE size_t weights_place(size_t lane, size_t t) { return lane * GROUP + t; }
ALWAYS_INLINE pixels pixels_load(const uint8_t *p) {
    uint32_t four;
    memcpy(&four, p, sizeof four);
    return veorq_s8(vreinterpretq_s8_u32(vdupq_n_u32(four)), vdupq_n_s8(-128));
}
ALWAYS_INLINE weights weights_load(const int8_t *p) { return vld1q_s8(p); }
ALWAYS_INLINE sums sums_dot(sums s, pixels p, weights w) { return vdotq_s32(s, p, w); }
ALWAYS_INLINE sums sums_dot_narrow(sums s, pixels p, weights w) { return sums_dot(s, p, w); }
ALWAYS_INLINE sums sums_dot_memory(sums s, pixels p, const int8_t *w) {
    return sums_dot(s, p, weights_load(w));
}

/* Heights of the tiles: sums, weights, one pixel and the 128s in 32 registers. */
#define ROWS_MAX         8
#define STREAM_STEPS_MAX 0
#define HEIGHTS_1(H)     H(8) H(4) H(2) H(1)
#define HEIGHTS_2(H)     H(8) H(4) H(2) H(1)
#define HEIGHTS_3(H)     H(7) H(4) H(2) H(1)
#define HEIGHTS_4(H)     H(5) H(4) H(2) H(1)

#endif
