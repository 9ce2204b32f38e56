/* What simd_i8/arm_neon.h and arm_neondot.h share: all but the products. Four lanes are 128 bits, so channels stay in order. */
#ifndef KERNELS_SIMD_I8_ARM_COMMON_H
#define KERNELS_SIMD_I8_ARM_COMMON_H

#include "kernels/simd_i8/common.h"
#include "kernels/simd_i8/unrolled.h"

#include <arm_neon.h>

#define VECTORS_MAX 4
#define NARROW      0
enum { LANES = 4, GROUP = 4 };
typedef int32x4_t sums;
typedef float32x4_t floats;

ALWAYS_INLINE sums sums_load(const int32_t *p) { return vld1q_s32(p); }
ALWAYS_INLINE floats sums_scale(sums s, floats m) { return vmulq_f32(vcvtq_f32_s32(s), m); }
ALWAYS_INLINE floats floats_load(const float *p) { return vld1q_f32(p); }
ALWAYS_INLINE floats floats_set(float x) { return vdupq_n_f32(x); }
ALWAYS_INLINE floats floats_add(floats a, floats b) { return vaddq_f32(a, b); }
ALWAYS_INLINE floats floats_div(floats a, floats b) { return vdivq_f32(a, b); }
/* Of the two zeros any may come out: they are added to sums that begin with +0, where both do nothing. */
ALWAYS_INLINE floats floats_clamp(floats v, floats low, floats high) {
    return vminq_f32(high, vmaxq_f32(low, v));
}
ALWAYS_INLINE void floats_store_upto(float *p, floats v, size_t count) {
    float lanes[LANES];
    if (count >= LANES) {
        vst1q_f32(p, v);
        return;
    }
    vst1q_f32(lanes, v);
    memcpy(p, lanes, count * sizeof *p);
}

/* The first `count` bytes, up to 16, without a call that would cost sums their registers. */
ALWAYS_INLINE void bytes_store_upto(uint8_t *y, uint8x16_t bytes, size_t count) {
    if (count >= 16) {
        vst1q_u8(y, bytes);
        return;
    }
    uint64x2_t both = vreinterpretq_u64_u8(bytes);
    uint64_t part = vgetq_lane_u64(both, 0);
    if (count & 8) memcpy(y, &part, 8), y += 8, part = vgetq_lane_u64(both, 1);
    if (count & 4) memcpy(y, &part, 4), y += 4, part >>= 32;
    if (count & 2) memcpy(y, &part, 2), y += 2, part >>= 16;
    if (count & 1) memcpy(y, &part, 1);
}

/* Sums saturated to 16 bits and then to 8 end at the same bound as those that were clamped at once. */
ALWAYS_INLINE uint8x16_t bytes_round(int registers, const floats *values, struct requantise_output output) {
    int16x4_t narrow[4];
#define ROUND(i) narrow[i] = vqmovn_s32(vcvtnq_s32_f32(values[(i) < registers ? (i) : 0]));
    EACH_REGISTER(ROUND)
#undef ROUND
    int16x8_t zero_point = vdupq_n_s16((int16_t)output.zero_point);
    int16x8_t left = vqaddq_s16(vcombine_s16(narrow[0], narrow[1]), zero_point);
    int16x8_t right = vqaddq_s16(vcombine_s16(narrow[2], narrow[3]), zero_point);
    uint8x16_t bytes = vcombine_u8(vqmovun_s16(left), vqmovun_s16(right));
    bytes = vmaxq_u8(bytes, vdupq_n_u8((uint8_t)output.low));
    return vminq_u8(bytes, vdupq_n_u8((uint8_t)output.high));
}

ALWAYS_INLINE void bytes_store(int rows, int vectors, const floats *values, struct requantise_output output,
                               size_t count, bool narrow, uint8_t *y, size_t y_stride) {
    (void)narrow;
    uint8x16_t bytes = bytes_round(rows * vectors, values, output);
#define STORE_ROW(r)                                                                                         \
    if ((r) < rows) {                                                                                        \
        bytes_store_upto(y + (r)*y_stride, bytes, count);                                                    \
        bytes = vectors == 1 ? vextq_u8(bytes, bytes, 4) : vextq_u8(bytes, bytes, 8);                        \
    }
    EACH_REGISTER(STORE_ROW)
#undef STORE_ROW
}

ALWAYS_INLINE void residual_load(int rows, int vectors, const uint8_t *r, size_t r_stride, size_t count,
                                 bool narrow, struct requantise_residual scale, floats *addends) {
    (void)narrow;
    uint8_t all[16] = {0};
    size_t width = (size_t)vectors * LANES;
#define LOAD_ROW(i)                                                                                          \
    if ((i) < rows)                                                                                          \
        memcpy(all + (i) % rows * width, r + (i)*r_stride, width); /* may be past the row, as inputs allow */
    EACH_REGISTER(LOAD_ROW)
#undef LOAD_ROW
    (void)count;
    uint8x16_t bytes = vld1q_u8(all);
    uint16x8_t low = vmovl_u8(vget_low_u8(bytes)), high = vmovl_u8(vget_high_u8(bytes));
    uint32x4_t wide[4] = {vmovl_u16(vget_low_u16(low)), vmovl_u16(vget_high_u16(low)),
                          vmovl_u16(vget_low_u16(high)), vmovl_u16(vget_high_u16(high))};
    int32x4_t zero_point = vdupq_n_s32(scale.zero_point);
#define ADDEND(i)                                                                                            \
    if ((i) < rows * vectors)                                                                                \
        addends[i] =                                                                                         \
            vmulq_n_f32(vcvtq_f32_s32(vsubq_s32(vreinterpretq_s32_u32(wide[i]), zero_point)), scale.factor);
    EACH_REGISTER(ADDEND)
#undef ADDEND
}

#endif
