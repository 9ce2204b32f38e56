/* resize_u8 with Advanced SIMD: int32 multiply-accumulate, which is exact as it stands. */
#include "kernels/resize_u8/resize_u8.h"

#include <arm_neon.h>
#include <string.h>

enum { HALF = 1 << (RESIZE_U8_BITS - 1) };

static void pack(size_t weights, int32_t *weight) {
    (void)weights;
    (void)weight; /* already as wanted */
}

/* Sums to uint8, clamped; narrowing saturates at both ends. */
static inline uint8x8_t finish(int32x4_t a, int32x4_t b) {
    int16x8_t both =
        vcombine_s16(vqmovn_s32(vshrq_n_s32(a, RESIZE_U8_BITS)), vqmovn_s32(vshrq_n_s32(b, RESIZE_U8_BITS)));
    return vqmovun_s16(both);
}

/* One output pixel of one row: lanes R G B and one that is not used. A load of four pixels reads 16 bytes. */
static inline int32x4_t one_pixel(const int32_t *w, int groups, const uint8_t *x) {
    static const uint8_t first_two[16] = {0, 255, 1, 255, 2, 255, 255, 255, 3, 255, 4, 255, 5, 255, 255, 255};
    static const uint8_t last_two[16] = {6, 255, 7,  255, 8,  255, 255, 255,
                                         9, 255, 10, 255, 11, 255, 255, 255};
    const uint8x16_t index01 = vld1q_u8(first_two), index23 = vld1q_u8(last_two);
    int32x4_t sum = vdupq_n_s32(HALF), sum2 = vdupq_n_s32(0);
    for (int g = 0; g < groups; g++, w += 4, x += 12) {
        uint8x16_t bytes = vld1q_u8(x);
        uint16x8_t x01 = vreinterpretq_u16_u8(vqtbl1q_u8(bytes, index01));
        uint16x8_t x23 = vreinterpretq_u16_u8(vqtbl1q_u8(bytes, index23));
        int32x4_t weights = vld1q_s32(w);
        sum = vmlaq_laneq_s32(sum, vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(x01))), weights, 0);
        sum2 = vmlaq_laneq_s32(sum2, vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(x01))), weights, 1);
        sum = vmlaq_laneq_s32(sum, vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(x23))), weights, 2);
        sum2 = vmlaq_laneq_s32(sum2, vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(x23))), weights, 3);
    }
    return vaddq_s32(sum, sum2);
}

static void horizontal(const struct resize_u8_axis *axis, int rows, const uint8_t *const *x,
                       uint8_t *const *y) {
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < axis->out; i++) {
            int groups = (axis->count[i] + RESIZE_U8_GROUP - 1) / RESIZE_U8_GROUP;
            int32x4_t sum = one_pixel(axis->weights + (size_t)i * (size_t)axis->taps, groups,
                                      x[r] + 3 * (size_t)axis->start[i]);
            uint8_t pixel[8];
            vst1_u8(pixel, finish(sum, sum));
            memcpy(y[r] + 3 * (size_t)i, pixel, 3);
        }
}

/* 16 outputs from offset i on. */
static inline uint8x16_t vertical_block(const int32_t *w, int taps, const uint8_t *const *x, size_t i) {
    int32x4_t sum[4] = {vdupq_n_s32(HALF), vdupq_n_s32(HALF), vdupq_n_s32(HALF), vdupq_n_s32(HALF)};
    for (int t = 0; t < taps; t++) {
        uint8x16_t bytes = vld1q_u8(x[t] + i);
        uint16x8_t low = vmovl_u8(vget_low_u8(bytes)), high = vmovl_u8(vget_high_u8(bytes));
        sum[0] = vmlaq_n_s32(sum[0], vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(low))), w[t]);
        sum[1] = vmlaq_n_s32(sum[1], vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(low))), w[t]);
        sum[2] = vmlaq_n_s32(sum[2], vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(high))), w[t]);
        sum[3] = vmlaq_n_s32(sum[3], vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(high))), w[t]);
    }
    return vcombine_u8(finish(sum[0], sum[1]), finish(sum[2], sum[3]));
}

static void vertical(const struct resize_u8_axis *axis, int index, size_t bytes, const uint8_t *const *x,
                     uint8_t *y) {
    const int32_t *w = axis->weights + (size_t)index * (size_t)axis->taps;
    size_t i = 0;
    for (; i + 16 <= bytes; i += 16) vst1q_u8(y + i, vertical_block(w, axis->count[index], x, i));
    if (i < bytes) {
        uint8_t tail[16];
        vst1q_u8(tail, vertical_block(w, axis->count[index], x, i));
        memcpy(y + i, tail, bytes - i);
    }
}

const struct resize_u8_impl resize_u8_neon = {"neon", POMONA_TIER_NEON, pack, horizontal, vertical};
