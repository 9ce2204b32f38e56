/* simd_i8/common.h for AArch64 Advanced SIMD without the dot product: weights and inputs are widened to 16 bits, since products
 * of bytes added in pairs would overflow 16 bits. */
#ifndef KERNELS_SIMD_I8_ARM_NEON_H
#define KERNELS_SIMD_I8_ARM_NEON_H

#include "kernels/simd_i8/arm_common.h"

enum { X_OFFSET = 0 };
typedef int16x4_t pixels;
typedef struct {
    int16x8_t first, last; /* of inputs 0 and 1, 2 and 3: [input][lane] */
} weights;

/* [t][lane] */
ALWAYS_INLINE size_t weights_place(size_t lane, size_t t) { return t * LANES + lane; }
ALWAYS_INLINE pixels pixels_load(const uint8_t *p) {
    uint32_t four;
    memcpy(&four, p, sizeof four);
    return vreinterpret_s16_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four)))));
}
ALWAYS_INLINE weights weights_load(const int8_t *p) {
    int8x16_t bytes = vld1q_s8(p);
    return (weights){vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes)};
}
ALWAYS_INLINE sums sums_dot(sums s, pixels p, weights w) {
    s = vmlal_lane_s16(s, vget_low_s16(w.first), p, 0);
    s = vmlal_high_lane_s16(s, w.first, p, 1);
    s = vmlal_lane_s16(s, vget_low_s16(w.last), p, 2);
    return vmlal_high_lane_s16(s, w.last, p, 3);
}
ALWAYS_INLINE sums sums_dot_narrow(sums s, pixels p, weights w) { return sums_dot(s, p, w); }
ALWAYS_INLINE sums sums_dot_memory(sums s, pixels p, const int8_t *w) {
    return sums_dot(s, p, weights_load(w));
}

/* Heights of the tiles: sums, two registers for a vector of weights and one pixel in 32 registers. */
#define ROWS_MAX         8
#define STREAM_STEPS_MAX 0
#define HEIGHTS_1(H)     H(8) H(4) H(2) H(1)
#define HEIGHTS_2(H)     H(8) H(4) H(2) H(1)
#define HEIGHTS_3(H)     H(6) H(4) H(2) H(1)
#define HEIGHTS_4(H)     H(4) H(2) H(1)

#endif
