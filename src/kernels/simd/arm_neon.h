/* simd/common.h for AArch64 Advanced SIMD. */
#ifndef KERNELS_SIMD_ARM_NEON_H
#define KERNELS_SIMD_ARM_NEON_H

#include "kernels/simd/common.h"

#include <arm_neon.h>
#include <string.h>

enum { VEC = 4 };
typedef float32x4_t vec;

ALWAYS_INLINE vec vec_load(const float *p) { return vld1q_f32(p); }
ALWAYS_INLINE void vec_store(float *p, vec v) { vst1q_f32(p, v); }
ALWAYS_INLINE vec vec_load_part(const float *p, size_t count) {
    float lanes[VEC] = {0};
    for (size_t i = 0; i < count; i++) lanes[i] = p[i];
    return vld1q_f32(lanes);
}
ALWAYS_INLINE void vec_store_part(float *p, vec v, size_t count) {
    float lanes[VEC];
    vst1q_f32(lanes, v);
    for (size_t i = 0; i < count; i++) p[i] = lanes[i];
}
ALWAYS_INLINE vec vec_load_u8(const uint8_t *p) {
    uint32_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    uint8x8_t packed = vcreate_u8(bytes);
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(packed))));
}
ALWAYS_INLINE vec vec_set(float x) { return vdupq_n_f32(x); }
ALWAYS_INLINE vec vec_broadcast(const float *p) { return vld1q_dup_f32(p); }
ALWAYS_INLINE vec vec_add(vec a, vec b) { return vaddq_f32(a, b); }
ALWAYS_INLINE vec vec_mul(vec a, vec b) { return vmulq_f32(a, b); }
ALWAYS_INLINE vec vec_div(vec a, vec b) { return vdivq_f32(a, b); }
ALWAYS_INLINE vec vec_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
ALWAYS_INLINE vec vec_max(vec a, vec b) { return vmaxq_f32(a, b); }
ALWAYS_INLINE vec vec_min(vec a, vec b) { return vminq_f32(a, b); }
ALWAYS_INLINE vec vec_round(vec v) { return vrndnq_f32(v); }
ALWAYS_INLINE vec vec_power_of_two(vec n) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23));
}

#include "kernels/simd/clamp.h"

#endif
