/* simd_i8/common.h for WebAssembly's 128-bit SIMD, without its relaxed part, whose results differ between machines. The four inputs
 * of a group are taken as two pairs of 16 bits, (0, 2) and (1, 3), as with AVX2. */
#ifndef KERNELS_SIMD_I8_WASM_SIMD128_H
#define KERNELS_SIMD_I8_WASM_SIMD128_H

#include "kernels/simd_i8/common.h"
#include "kernels/simd_i8/unrolled.h"

#include <wasm_simd128.h>

#define VECTORS_MAX 2
#define NARROW      0
enum { LANES = 4, GROUP = 4, X_OFFSET = 0 };
typedef v128_t sums;
typedef struct {
    v128_t even, odd;
} pixels;
typedef struct {
    v128_t even, odd;
} weights;
typedef v128_t floats;

/* [pair][lane][2] */
ALWAYS_INLINE size_t weights_place(size_t lane, size_t t) { return t % 2 * 8 + lane * 2 + t / 2; }
ALWAYS_INLINE sums sums_load(const int32_t *p) { return wasm_v128_load(p); }
ALWAYS_INLINE pixels pixels_load(const uint8_t *p) {
    v128_t group = wasm_v128_load32_splat(p);
    return (pixels){wasm_v128_and(group, wasm_i16x8_splat(255)), wasm_u16x8_shr(group, 8)};
}
ALWAYS_INLINE weights weights_load(const int8_t *p) {
    return (weights){wasm_i16x8_load8x8(p), wasm_i16x8_load8x8(p + 8)};
}
ALWAYS_INLINE sums sums_dot(sums s, pixels p, weights w) {
    s = wasm_i32x4_add(s, wasm_i32x4_dot_i16x8(p.even, w.even));
    return wasm_i32x4_add(s, wasm_i32x4_dot_i16x8(p.odd, w.odd));
}
ALWAYS_INLINE sums sums_dot_narrow(sums s, pixels p, weights w) { return sums_dot(s, p, w); }
ALWAYS_INLINE sums sums_dot_memory(sums s, pixels p, const int8_t *w) {
    return sums_dot(s, p, weights_load(w));
}
ALWAYS_INLINE floats sums_scale(sums s, floats m) { return wasm_f32x4_mul(wasm_f32x4_convert_i32x4(s), m); }
ALWAYS_INLINE floats floats_load(const float *p) { return wasm_v128_load(p); }
ALWAYS_INLINE floats floats_set(float x) { return wasm_f32x4_splat(x); }
ALWAYS_INLINE floats floats_add(floats a, floats b) { return wasm_f32x4_add(a, b); }
ALWAYS_INLINE floats floats_div(floats a, floats b) { return wasm_f32x4_div(a, b); }
ALWAYS_INLINE floats floats_clamp(floats v, floats low, floats high) {
    return wasm_f32x4_pmin(wasm_f32x4_pmax(v, low), high);
}
ALWAYS_INLINE void floats_store_upto(float *p, floats v, size_t count) {
    float lanes[LANES];
    if (count >= LANES) {
        wasm_v128_store(p, v);
        return;
    }
    wasm_v128_store(lanes, v);
    memcpy(p, lanes, count * sizeof *p);
}

/* The first `count` bytes, up to 16. */
ALWAYS_INLINE void bytes_store_upto(uint8_t *y, v128_t bytes, size_t count) {
    if (count >= 16) {
        wasm_v128_store(y, bytes);
        return;
    }
    uint64_t part = (uint64_t)wasm_i64x2_extract_lane(bytes, 0);
    if (count & 8) memcpy(y, &part, 8), y += 8, part = (uint64_t)wasm_i64x2_extract_lane(bytes, 1);
    if (count & 4) memcpy(y, &part, 4), y += 4, part >>= 32;
    if (count & 2) memcpy(y, &part, 2), y += 2, part >>= 16;
    if (count & 1) memcpy(y, &part, 1);
}

/* Sums saturated to 16 bits and then to 8 end at the same bound as those that were clamped at once. */
ALWAYS_INLINE v128_t bytes_round(int registers, const floats *values, struct requantise_output output) {
    v128_t integers[4];
#define ROUND(i)                                                                                             \
    integers[i] = wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_nearest(values[(i) < registers ? (i) : 0]));
    EACH_REGISTER(ROUND)
#undef ROUND
    v128_t zero_point = wasm_i16x8_splat((int16_t)output.zero_point);
    v128_t left = wasm_i16x8_add_sat(wasm_i16x8_narrow_i32x4(integers[0], integers[1]), zero_point);
    v128_t right = wasm_i16x8_add_sat(wasm_i16x8_narrow_i32x4(integers[2], integers[3]), zero_point);
    v128_t bytes = wasm_u8x16_narrow_i16x8(left, right);
    bytes = wasm_u8x16_max(bytes, wasm_u8x16_splat((uint8_t)output.low));
    return wasm_u8x16_min(bytes, wasm_u8x16_splat((uint8_t)output.high));
}

ALWAYS_INLINE void bytes_store(int rows, int vectors, const floats *values, struct requantise_output output,
                               size_t count, bool narrow, uint8_t *y, size_t y_stride) {
    (void)narrow;
    v128_t bytes = bytes_round(rows * vectors, values, output);
    if (vectors == 4) {
        bytes_store_upto(y, bytes, count);
        return;
    }
    for (int r = 0; r < rows; r++) {
        bytes_store_upto(y + (size_t)r * y_stride, bytes, count);
        bytes = vectors == 1 ? wasm_i32x4_shuffle(bytes, bytes, 1, 2, 3, 0)
                             : wasm_i32x4_shuffle(bytes, bytes, 2, 3, 0, 1);
    }
}

ALWAYS_INLINE void residual_load(int rows, int vectors, const uint8_t *r, size_t r_stride, size_t count,
                                 bool narrow, struct requantise_residual scale, floats *addends) {
    (void)narrow;
    uint8_t all[16] = {0};
    size_t width = (size_t)vectors * LANES;
    for (int i = 0; i < rows; i++)
        memcpy(all + (size_t)i * width, r + (size_t)i * r_stride,
               width); /* may be past the row, as inputs allow */
    (void)count;
    v128_t bytes = wasm_v128_load(all);
    v128_t low = wasm_u16x8_extend_low_u8x16(bytes), high = wasm_u16x8_extend_high_u8x16(bytes);
    v128_t wide[4] = {wasm_u32x4_extend_low_u16x8(low), wasm_u32x4_extend_high_u16x8(low),
                      wasm_u32x4_extend_low_u16x8(high), wasm_u32x4_extend_high_u16x8(high)};
    v128_t zero_point = wasm_i32x4_splat(scale.zero_point), factor = wasm_f32x4_splat(scale.factor);
#define ADDEND(i)                                                                                            \
    if ((i) < rows * vectors)                                                                                \
        addends[i] = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(wasm_i32x4_sub(wide[i], zero_point)), factor);
    EACH_REGISTER(ADDEND)
#undef ADDEND
}

/* Heights of the tiles: browsers have 16 registers on x86. 8 sums, two halves of two vectors of weights, one pixel's halves. */
#define ROWS_MAX         4
#define STREAM_STEPS_MAX 0
#define HEIGHTS_1(H)     H(4) H(2) H(1)
#define HEIGHTS_2(H)     H(4) H(2) H(1)

#endif
