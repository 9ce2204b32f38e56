/* simd_i8/common.h for AVX2: bytes are widened to 16 bits, since vpmaddubsw saturates. The four inputs of a group are taken as
 * two pairs, (0, 2) and (1, 3): a mask and a shift of the broadcast group make them. */
#ifndef KERNELS_SIMD_I8_X86_AVX2_H
#define KERNELS_SIMD_I8_X86_AVX2_H

#include "kernels/simd_i8/common.h"
#include "kernels/simd_i8/unrolled.h"

#include <immintrin.h>

#define VECTORS_MAX 2
#define NARROW      0
enum { LANES = 8, GROUP = 4, X_OFFSET = 0 };
typedef __m256i sums;
typedef struct {
    __m256i even, odd;
} pixels;
typedef struct {
    __m256i even, odd;
} weights;
typedef __m256 floats;

/* [pair][lane][2] */
ALWAYS_INLINE size_t weights_place(size_t lane, size_t t) { return t % 2 * 16 + lane * 2 + t / 2; }
ALWAYS_INLINE sums sums_load(const int32_t *p) {
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}
ALWAYS_INLINE pixels pixels_load(const uint8_t *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    __m256i group = _mm256_set1_epi32(four);
    return (pixels){_mm256_and_si256(group, _mm256_set1_epi16(255)), _mm256_srli_epi16(group, 8)};
}
ALWAYS_INLINE weights weights_load(const int8_t *p) {
    return (weights){_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p)),
                     _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(p + 16)))};
}
ALWAYS_INLINE sums sums_dot(sums s, pixels p, weights w) {
    s = _mm256_add_epi32(s, _mm256_madd_epi16(p.even, w.even));
    return _mm256_add_epi32(s, _mm256_madd_epi16(p.odd, w.odd));
}
ALWAYS_INLINE sums sums_dot_narrow(sums s, pixels p, weights w) { return sums_dot(s, p, w); }
ALWAYS_INLINE sums sums_dot_memory(sums s, pixels p, const int8_t *w) {
    return sums_dot(s, p, weights_load(w));
}
ALWAYS_INLINE floats sums_scale(sums s, floats m) { return _mm256_mul_ps(_mm256_cvtepi32_ps(s), m); }
ALWAYS_INLINE floats floats_load(const float *p) { return _mm256_loadu_ps(p); }
ALWAYS_INLINE floats floats_set(float x) { return _mm256_set1_ps(x); }
ALWAYS_INLINE floats floats_add(floats a, floats b) { return _mm256_add_ps(a, b); }
ALWAYS_INLINE floats floats_div(floats a, floats b) { return _mm256_div_ps(a, b); }
ALWAYS_INLINE floats floats_clamp(floats v, floats low, floats high) {
    return _mm256_min_ps(high, _mm256_max_ps(low, v));
}
ALWAYS_INLINE void floats_store_upto(float *p, floats v, size_t count) {
    float lanes[LANES];
    if (count >= LANES) {
        _mm256_storeu_ps(p, v);
        return;
    }
    _mm256_storeu_ps(lanes, v);
    memcpy(p, lanes, count * sizeof *p);
}

/* Packing leaves [half][register][4] bytes; rows want [row][half][vector][4]. */
ALWAYS_INLINE __m256i bytes_to_rows(int rows, int vectors) {
    int32_t order[8];
    UNROLL
    for (int i = 0; i < 8; i++) {
        int row = i / (2 * vectors), half = i / vectors % 2, v = i % vectors;
        order[i] = row < rows ? half * 4 + row * vectors + v : 0;
    }
    return _mm256_loadu_si256((const __m256i *)(const void *)order);
}
/* And back. */
ALWAYS_INLINE __m256i rows_to_bytes(int rows, int vectors) {
    int32_t order[8];
    UNROLL
    for (int i = 0; i < 8; i++) {
        int half = i / 4, row = i % 4 / vectors, v = i % 4 % vectors;
        order[i] = row < rows ? row * 2 * vectors + half * vectors + v : 0;
    }
    return _mm256_loadu_si256((const __m256i *)(const void *)order);
}

ALWAYS_INLINE void bytes_store(int rows, int vectors, const floats *values, struct requantise_output output,
                               size_t count, bool narrow, uint8_t *y, size_t y_stride) {
    (void)narrow;
    __m256i integers[4], zero_point = _mm256_set1_epi16((short)output.zero_point);
#define ROUND(i)                                                                                             \
    if ((i) < rows * vectors) integers[i] = _mm256_cvtps_epi32(values[i]);
    EACH_REGISTER(ROUND)
#undef ROUND
    int second = rows * vectors > 1 ? 1 : 0, third = rows * vectors > 2 ? 2 : 0, last = rows * vectors - 1;
    __m256i left = _mm256_adds_epi16(_mm256_packs_epi32(integers[0], integers[second]), zero_point);
    __m256i right = left;
    if (third) right = _mm256_adds_epi16(_mm256_packs_epi32(integers[third], integers[last]), zero_point);
    __m256i bytes = _mm256_packus_epi16(left, right);
    bytes = _mm256_max_epu8(bytes, _mm256_set1_epi8((char)output.low));
    bytes = _mm256_min_epu8(bytes, _mm256_set1_epi8((char)output.high));
    bytes = _mm256_permutevar8x32_epi32(bytes, bytes_to_rows(rows, vectors));
    uint8_t all[32];
    size_t width = (size_t)vectors * LANES;
    if (count < width) {
        _mm256_storeu_si256((__m256i *)(void *)all, bytes);
        for (int r = 0; r < rows; r++) memcpy(y + (size_t)r * y_stride, all + (size_t)r * width, count);
        return;
    }
    __m128i low = _mm256_castsi256_si128(bytes), high = _mm256_extracti128_si256(bytes, 1);
    if (vectors == 2) {
        _mm_storeu_si128((__m128i *)(void *)y, low);
        if (rows > 1) _mm_storeu_si128((__m128i *)(void *)(y + y_stride), high);
    } else {
        _mm_storel_epi64((__m128i *)(void *)y, low);
        if (rows > 1) _mm_storel_epi64((__m128i *)(void *)(y + y_stride), _mm_unpackhi_epi64(low, low));
        if (rows > 2) _mm_storel_epi64((__m128i *)(void *)(y + 2 * y_stride), high);
        if (rows > 3) _mm_storel_epi64((__m128i *)(void *)(y + 3 * y_stride), _mm_unpackhi_epi64(high, high));
    }
}

ALWAYS_INLINE void residual_load(int rows, int vectors, const uint8_t *r, size_t r_stride, size_t count,
                                 bool narrow, struct requantise_residual scale, floats *addends) {
    (void)narrow;
    uint8_t all[32] = {0};
    size_t width = (size_t)vectors * LANES;
    UNROLL
    for (int i = 0; i < rows; i++)
        memcpy(all + (size_t)i * width, r + (size_t)i * r_stride,
               width); /* may be past the row, as inputs allow */
    (void)count;
    __m256i zero = _mm256_setzero_si256(), bytes = _mm256_loadu_si256((const __m256i *)(const void *)all);
    bytes = _mm256_permutevar8x32_epi32(bytes, rows_to_bytes(rows, vectors));
    __m256i low = _mm256_unpacklo_epi8(bytes, zero), high = _mm256_unpackhi_epi8(bytes, zero);
    __m256i wide[4] = {_mm256_unpacklo_epi16(low, zero), _mm256_unpackhi_epi16(low, zero),
                       _mm256_unpacklo_epi16(high, zero), _mm256_unpackhi_epi16(high, zero)};
    __m256i zero_point = _mm256_set1_epi32(scale.zero_point);
#define ADDEND(i)                                                                                            \
    if ((i) < rows * vectors)                                                                                \
        addends[i] = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(wide[i], zero_point)),                \
                                   _mm256_set1_ps(scale.factor));
    EACH_REGISTER(ADDEND)
#undef ADDEND
}

/* Heights of the tiles with AVX2: 8 sums, two halves of two vectors of weights, one pixel's halves in 16 registers. */
#define ROWS_MAX         4
#define STREAM_STEPS_MAX 0
#define HEIGHTS_1(H)     H(4) H(2) H(1)
#define HEIGHTS_2(H)     H(4) H(2) H(1)

#endif
