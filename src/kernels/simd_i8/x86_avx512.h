/* simd_i8/common.h for AVX-512 with VNNI. */
#ifndef KERNELS_SIMD_I8_X86_AVX512_H
#define KERNELS_SIMD_I8_X86_AVX512_H

#include "kernels/simd_i8/common.h"
#include "kernels/simd_i8/unrolled.h"

#include <immintrin.h>

#define VECTORS_MAX 4
#define NARROW      1
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
/* Of the lower half alone, in half the time; the upper half becomes 0. */
ALWAYS_INLINE sums sums_dot_narrow(sums s, pixels p, weights w) {
    __m256i half = _mm512_castsi512_si256(s);
    __asm__("vpdpbusd %2, %1, %0"
            : "+v"(half)
            : "v"(_mm512_castsi512_si256(p)), "v"(_mm512_castsi512_si256(w)));
    return _mm512_castsi256_si512(half);
}
ALWAYS_INLINE sums sums_dot_memory(sums s, pixels p, const int8_t *w) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(s) : "v"(p), "m"(*(const __m512i_u *)(const void *)w));
    return s;
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

/* Packing leaves [lane of 128 bits][register][4] bytes; rows want [row][lane][vector][4]. For `rows` rows of `vectors` registers:
 * which dword goes where. */
ALWAYS_INLINE __m512i bytes_to_rows(int rows, int vectors, bool narrow) {
    int32_t order[16];
    UNROLL
    for (int i = 0; i < 16; i++) {
        int row = i / (4 * vectors), lane = i / vectors % 4, v = i % vectors;
        if (narrow)
            lane = i % 4, v = i / 4 % 2; /* channels in order: four lanes of one vector, two of the other */
        order[i] = row < rows ? lane * 4 + row * vectors + v : 0;
    }
    return _mm512_loadu_si512(order);
}
/* And back. */
ALWAYS_INLINE __m512i rows_to_bytes(int rows, int vectors, bool narrow) {
    int32_t order[16];
    UNROLL
    for (int i = 0; i < 16; i++) {
        int lane = i / 4, row = i % 4 / vectors, v = i % 4 % vectors;
        int at = narrow ? v * 4 + lane : lane * vectors + v;
        order[i] = row < rows ? row * 4 * vectors + at : 0;
    }
    return _mm512_loadu_si512(order);
}
ALWAYS_INLINE __mmask64 bytes_mask(size_t count) {
    return count >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << count) - 1;
}

/* `count` bytes, 24 and 8 as parts without a mask: those are widths that networks have. */
ALWAYS_INLINE void bytes_store_16(uint8_t *y, __m128i bytes, size_t count) {
    if (count >= 16)
        _mm_storeu_si128((__m128i *)(void *)y, bytes);
    else if (count == 8)
        _mm_storel_epi64((__m128i *)(void *)y, bytes);
    else
        _mm_mask_storeu_epi8(y, (__mmask16)bytes_mask(count), bytes);
}
ALWAYS_INLINE void bytes_store_32(uint8_t *y, __m256i bytes, size_t count) {
    if (count >= 32) {
        _mm256_storeu_si256((__m256i *)(void *)y, bytes);
    } else if (count == 24) {
        _mm_storeu_si128((__m128i *)(void *)y, _mm256_castsi256_si128(bytes));
        _mm_storel_epi64((__m128i *)(void *)(y + 16), _mm256_extracti128_si256(bytes, 1));
    } else {
        _mm256_mask_storeu_epi8(y, (__mmask32)bytes_mask(count), bytes);
    }
}

ALWAYS_INLINE void bytes_store(int rows, int vectors, const floats *values, struct requantise_output output,
                               size_t count, bool narrow, uint8_t *y, size_t y_stride) {
    __m512i integers[4], zero_point = _mm512_set1_epi16((short)output.zero_point);
#define ROUND(i)                                                                                             \
    if ((i) < rows * vectors) integers[i] = _mm512_cvtps_epi32(values[i]);
    EACH_REGISTER(ROUND)
#undef ROUND
    int second = rows * vectors > 1 ? 1 : 0, third = rows * vectors > 2 ? 2 : 0, last = rows * vectors - 1;
    __m512i left = _mm512_packs_epi32(integers[0], integers[second]), right = left;
    if (third) right = _mm512_packs_epi32(integers[third], integers[last]);
    if (output.zero_point > 0) {
        left = _mm512_adds_epi16(left, zero_point);
        right = _mm512_adds_epi16(right, zero_point);
    }
    __m512i bytes = _mm512_packus_epi16(left, right);
    if (output.low > 0 || output.high < 255) {
        bytes = _mm512_max_epu8(bytes, _mm512_set1_epi8((char)output.low));
        bytes = _mm512_min_epu8(bytes, _mm512_set1_epi8((char)output.high));
    }
    if (vectors < 4) bytes = _mm512_permutexvar_epi32(bytes_to_rows(rows, vectors, narrow), bytes);
    bool full = count == (size_t)vectors * LANES; /* masked stores take several times as long */
    __m256i half = _mm512_castsi512_si256(bytes);
    if (vectors == 4 || (full && rows * vectors == 4 && y_stride == count)) {
        if (full)
            _mm512_storeu_si512(y, bytes);
        else
            _mm512_mask_storeu_epi8(y, bytes_mask(count), bytes);
    } else if (vectors == 3) {
        if (full) {
            _mm256_storeu_si256((__m256i *)(void *)y, half);
            _mm_storeu_si128((__m128i *)(void *)(y + 32), _mm512_extracti32x4_epi32(bytes, 2));
        } else {
            _mm512_mask_storeu_epi8(y, bytes_mask(count), bytes);
        }
    } else if (vectors == 2) {
        bytes_store_32(y, half, count);
        if (rows > 1) bytes_store_32(y + y_stride, _mm512_extracti64x4_epi64(bytes, 1), count);
    } else {
        bytes_store_16(y, _mm512_castsi512_si128(bytes), count);
        if (rows > 1) bytes_store_16(y + y_stride, _mm512_extracti32x4_epi32(bytes, 1), count);
        if (rows > 2) bytes_store_16(y + 2 * y_stride, _mm512_extracti32x4_epi32(bytes, 2), count);
        if (rows > 3) bytes_store_16(y + 3 * y_stride, _mm512_extracti32x4_epi32(bytes, 3), count);
    }
}

ALWAYS_INLINE void residual_load(int rows, int vectors, const uint8_t *r, size_t r_stride, size_t count,
                                 bool narrow, struct requantise_residual scale, floats *addends) {
    __m512i bytes, zero = _mm512_setzero_si512();
    if (rows == 1) {
        bytes = _mm512_maskz_loadu_epi8(bytes_mask(count), r);
    } else if (vectors == 2) {
        __mmask32 mask = (__mmask32)bytes_mask(count);
        bytes = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_maskz_loadu_epi8(mask, r)),
                                   _mm256_maskz_loadu_epi8(mask, r + r_stride), 1);
    } else {
        __mmask16 mask = (__mmask16)bytes_mask(count);
        bytes = _mm512_inserti32x4(_mm512_castsi128_si512(_mm_maskz_loadu_epi8(mask, r)),
                                   _mm_maskz_loadu_epi8(mask, r + r_stride), 1);
        if (rows > 2) bytes = _mm512_inserti32x4(bytes, _mm_maskz_loadu_epi8(mask, r + 2 * r_stride), 2);
        if (rows > 3) bytes = _mm512_inserti32x4(bytes, _mm_maskz_loadu_epi8(mask, r + 3 * r_stride), 3);
    }
    if (vectors < 4) bytes = _mm512_permutexvar_epi32(rows_to_bytes(rows, vectors, narrow), bytes);
    __m512i low = _mm512_unpacklo_epi8(bytes, zero), high = _mm512_unpackhi_epi8(bytes, zero);
    __m512i wide[4] = {_mm512_unpacklo_epi16(low, zero), _mm512_unpackhi_epi16(low, zero),
                       _mm512_unpacklo_epi16(high, zero), _mm512_unpackhi_epi16(high, zero)};
    __m512i zero_point = _mm512_set1_epi32(scale.zero_point);
#define ADDEND(i)                                                                                            \
    if ((i) < rows * vectors)                                                                                \
        addends[i] = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(wide[i], zero_point)),                \
                                   _mm512_set1_ps(scale.factor));
    EACH_REGISTER(ADDEND)
#undef ADDEND
}

/* Heights of the tiles with AVX-512: 28 sums at most, four vectors of weights are read from memory. All of MobileNet's sides are
 * multiples of 7. */
#define ROWS_MAX         14
#define STREAM_STEPS_MAX 8 /* 16 weights of two vectors */
#define HEIGHTS_1(H)     H(12) H(4) H(2) H(1)
#define HEIGHTS_2(H)     H(14) H(4) H(2) H(1)
#define HEIGHTS_3(H)     H(7) H(4) H(2) H(1)
#define HEIGHTS_4(H)     H(7) H(4) H(2) H(1)

#endif
