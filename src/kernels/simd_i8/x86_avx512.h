/* simd_i8/common.h for AVX-512 with VNNI. */
#ifndef KERNELS_SIMD_I8_X86_AVX512_H
#define KERNELS_SIMD_I8_X86_AVX512_H

#include "kernels/simd_i8/common.h"

#include <immintrin.h>

#define VECTORS_MAX 4
enum { LANES = 16, GROUP = 4, X_OFFSET = 0 };
typedef __m512i sums;
typedef __m512i pixels;
typedef __m512i weights;
typedef __m512 floats;

ALWAYS_INLINE size_t weights_place(size_t lane, size_t t) { return lane * GROUP + t; }
ALWAYS_INLINE sums sums_load(const int32_t *p) { return _mm512_loadu_si512(p); }
ALWAYS_INLINE pixels pixels_load(const uint8_t *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
}
ALWAYS_INLINE weights weights_load(const int8_t *p) { return _mm512_loadu_si512(p); }
ALWAYS_INLINE sums sums_dot(sums s, pixels p, weights w) {
#if defined(__clang__)
    return _mm512_dpbusd_epi32(s, p, w);
#else /* gcc 12 copies accumulators around the intrinsic */
    __asm__("vpdpbusd %2, %1, %0" : "+v"(s) : "v"(p), "v"(w));
    return s;
#endif
}
ALWAYS_INLINE floats sums_scale(sums s, floats m) { return _mm512_mul_ps(_mm512_cvtepi32_ps(s), m); }
ALWAYS_INLINE floats floats_load(const float *p) { return _mm512_loadu_ps(p); }
ALWAYS_INLINE floats floats_set(float x) { return _mm512_set1_ps(x); }
ALWAYS_INLINE floats floats_add(floats a, floats b) { return _mm512_add_ps(a, b); }
ALWAYS_INLINE floats floats_div(floats a, floats b) { return _mm512_div_ps(a, b); }
ALWAYS_INLINE floats floats_clamp(floats v, floats low, floats high) {
    return _mm512_min_ps(high, _mm512_max_ps(low, v));
}
ALWAYS_INLINE void floats_store_upto(float *p, floats v, size_t count) {
    _mm512_mask_storeu_ps(p, (__mmask16)(count >= LANES ? 0xffff : (1u << count) - 1), v);
}

/* The dwords of a vector whose 128-bit lanes hold 4 * vectors bytes each, put side by side. */
ALWAYS_INLINE __m512i bytes_gather_order(int vectors) {
    return vectors == 3   ? _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 0, 0, 0, 0)
           : vectors == 2 ? _mm512_setr_epi32(0, 1, 4, 5, 8, 9, 12, 13, 0, 0, 0, 0, 0, 0, 0, 0)
                          : _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}
/* And back. */
ALWAYS_INLINE __m512i bytes_scatter_order(int vectors) {
    return vectors == 3   ? _mm512_setr_epi32(0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0)
           : vectors == 2 ? _mm512_setr_epi32(0, 1, 0, 0, 2, 3, 0, 0, 4, 5, 0, 0, 6, 7, 0, 0)
                          : _mm512_setr_epi32(0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0);
}
ALWAYS_INLINE __mmask64 bytes_mask(size_t count) {
    return count >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << count) - 1;
}

ALWAYS_INLINE void bytes_store(size_t count, int vectors, const floats *rounded,
                               struct requantise_output output, uint8_t *y) {
    __m512i integers[VECTORS_MAX], zero_point = _mm512_set1_epi16((short)output.zero_point);
    UNROLL
    for (int i = 0; i < vectors; i++) integers[i] = _mm512_cvtps_epi32(rounded[i]);
    __m512i left = _mm512_packs_epi32(integers[0], integers[vectors > 1 ? 1 : 0]), right = left;
    left = right = _mm512_adds_epi16(left, zero_point);
    if (vectors > 2)
        right = _mm512_adds_epi16(_mm512_packs_epi32(integers[2], integers[vectors > 3 ? 3 : 2]), zero_point);
    __m512i bytes = _mm512_packus_epi16(left, right);
    bytes = _mm512_max_epu8(bytes, _mm512_set1_epi8((char)output.low));
    bytes = _mm512_min_epu8(bytes, _mm512_set1_epi8((char)output.high));
    if (vectors < 4) bytes = _mm512_permutexvar_epi32(bytes_gather_order(vectors), bytes);
    _mm512_mask_storeu_epi8(y, bytes_mask(count), bytes);
}

ALWAYS_INLINE void residual_load(size_t count, int vectors, const uint8_t *r,
                                 struct requantise_residual scale, floats *addends) {
    __m512i bytes = _mm512_maskz_loadu_epi8(bytes_mask(count), r), zero = _mm512_setzero_si512();
    if (vectors < 4) bytes = _mm512_permutexvar_epi32(bytes_scatter_order(vectors), bytes);
    __m512i low = _mm512_unpacklo_epi8(bytes, zero), high = _mm512_unpackhi_epi8(bytes, zero);
    __m512i wide[VECTORS_MAX] = {_mm512_unpacklo_epi16(low, zero), _mm512_unpackhi_epi16(low, zero),
                                 _mm512_unpacklo_epi16(high, zero), _mm512_unpackhi_epi16(high, zero)};
    __m512i zero_point = _mm512_set1_epi32(scale.zero_point);
    UNROLL
    for (int i = 0; i < vectors; i++)
        addends[i] = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(wide[i], zero_point)),
                                   _mm512_set1_ps(scale.factor));
}

/* Heights of the tiles with AVX-512: 28 sums at most, four vectors of weights are read from memory. All of MobileNet's sides are
 * multiples of 7. */
#define ROWS_MAX     14
#define HEIGHTS_1(H) H(14) H(7) H(4) H(2) H(1)
#define HEIGHTS_2(H) H(14) H(7) H(4) H(2) H(1)
#define HEIGHTS_3(H) H(7) H(4) H(2) H(1)
#define HEIGHTS_4(H) H(7) H(4) H(2) H(1)

#endif
