/* simd_i8/common.h for AVX2: bytes are widened to 16 bits, since vpmaddubsw saturates. The four inputs of a group are taken as
 * two pairs, (0, 2) and (1, 3): a mask and a shift of the broadcast group make them. */
#ifndef KERNELS_SIMD_I8_X86_AVX2_H
#define KERNELS_SIMD_I8_X86_AVX2_H

#include "kernels/simd_i8/common.h"

#include <immintrin.h>

#define VECTORS_MAX 2
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

ALWAYS_INLINE void bytes_store(size_t count, int vectors, const floats *rounded,
                               struct requantise_output output, uint8_t *y) {
    __m256i first = _mm256_cvtps_epi32(rounded[0]), second = _mm256_cvtps_epi32(rounded[vectors - 1]);
    __m256i words =
        _mm256_adds_epi16(_mm256_packs_epi32(first, second), _mm256_set1_epi16((short)output.zero_point));
    __m256i bytes = _mm256_packus_epi16(words, words); /* each half: 4 * vectors bytes, twice or more */
    bytes = _mm256_max_epu8(bytes, _mm256_set1_epi8((char)output.low));
    bytes = _mm256_min_epu8(bytes, _mm256_set1_epi8((char)output.high));
    __m128i low = _mm256_castsi256_si128(bytes), high = _mm256_extracti128_si256(bytes, 1);
    __m128i together = vectors == 2 ? _mm_unpacklo_epi64(low, high) : _mm_unpacklo_epi32(low, high);
    if (count >= (size_t)vectors * LANES && vectors == 2) {
        _mm_storeu_si128((__m128i *)(void *)y, together);
    } else {
        uint8_t all[16];
        _mm_storeu_si128((__m128i *)(void *)all, together);
        memcpy(y, all, count);
    }
}

ALWAYS_INLINE void residual_load(size_t count, int vectors, const uint8_t *r,
                                 struct requantise_residual scale, floats *addends) {
    /* at most 16 bytes of which `count` matter: kernels may read past the end of their inputs */
    (void)count;
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)r);
    __m128i order = vectors == 2 ? _mm_setr_epi8(0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15)
                                 : _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7);
    bytes = _mm_shuffle_epi8(bytes, order);
    __m256i wide[2] = {_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))};
    __m256i zero_point = _mm256_set1_epi32(scale.zero_point);
    UNROLL
    for (int i = 0; i < vectors; i++)
        addends[i] = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(wide[i], zero_point)),
                                   _mm256_set1_ps(scale.factor));
}

/* Heights of the tiles with AVX2: 8 sums, two halves of two vectors of weights, one pixel's halves in 16 registers. */
#define ROWS_MAX     4
#define HEIGHTS_1(H) H(4) H(2) H(1)
#define HEIGHTS_2(H) H(4) H(2) H(1)

#endif
