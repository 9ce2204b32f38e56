/* simd/common.h for AVX-512 F, BW, DQ, VL. */
#ifndef KERNELS_SIMD_X86_AVX512_H
#define KERNELS_SIMD_X86_AVX512_H

#include "kernels/simd/common.h"

#include <immintrin.h>

enum { VEC = 16 };
typedef __m512 vec;

ALWAYS_INLINE vec vec_load(const float *p) { return _mm512_loadu_ps(p); }
ALWAYS_INLINE void vec_store(float *p, vec v) { _mm512_storeu_ps(p, v); }
ALWAYS_INLINE __mmask16 vec_first(size_t count) { return (__mmask16)((1u << count) - 1); }
ALWAYS_INLINE vec vec_load_part(const float *p, size_t count) {
    return _mm512_maskz_loadu_ps(vec_first(count), p);
}
ALWAYS_INLINE void vec_store_part(float *p, vec v, size_t count) {
    _mm512_mask_storeu_ps(p, vec_first(count), v);
}
ALWAYS_INLINE vec vec_load_u8(const uint8_t *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}
ALWAYS_INLINE vec vec_set(float x) { return _mm512_set1_ps(x); }
ALWAYS_INLINE vec vec_broadcast(const float *p) { return _mm512_set1_ps(*p); }
ALWAYS_INLINE vec vec_add(vec a, vec b) { return _mm512_add_ps(a, b); }
ALWAYS_INLINE vec vec_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
ALWAYS_INLINE vec vec_div(vec a, vec b) { return _mm512_div_ps(a, b); }
ALWAYS_INLINE vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
ALWAYS_INLINE vec vec_max(vec a, vec b) { return _mm512_max_ps(a, b); }
ALWAYS_INLINE vec vec_min(vec a, vec b) { return _mm512_min_ps(a, b); }
ALWAYS_INLINE vec vec_round(vec v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT); }
ALWAYS_INLINE vec vec_power_of_two(vec n) {
    __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23));
}

#include "kernels/simd/clamp.h"

#endif
