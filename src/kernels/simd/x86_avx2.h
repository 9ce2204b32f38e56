/* simd/common.h for AVX2 with FMA. */
#ifndef KERNELS_SIMD_X86_AVX2_H
#define KERNELS_SIMD_X86_AVX2_H

#include "kernels/simd/common.h"

#include <immintrin.h>

enum { VEC = 8 };
typedef __m256 vec;

ALWAYS_INLINE vec vec_load(const float *p) { return _mm256_loadu_ps(p); }
ALWAYS_INLINE void vec_store(float *p, vec v) { _mm256_storeu_ps(p, v); }
ALWAYS_INLINE __m256i vec_first(size_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
ALWAYS_INLINE vec vec_load_part(const float *p, size_t count) {
    return _mm256_maskload_ps(p, vec_first(count));
}
ALWAYS_INLINE void vec_store_part(float *p, vec v, size_t count) {
    _mm256_maskstore_ps(p, vec_first(count), v);
}
ALWAYS_INLINE vec vec_load_u8(const uint8_t *p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}
ALWAYS_INLINE vec vec_set(float x) { return _mm256_set1_ps(x); }
ALWAYS_INLINE vec vec_broadcast(const float *p) { return _mm256_broadcast_ss(p); }
ALWAYS_INLINE vec vec_add(vec a, vec b) { return _mm256_add_ps(a, b); }
ALWAYS_INLINE vec vec_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
ALWAYS_INLINE vec vec_div(vec a, vec b) { return _mm256_div_ps(a, b); }
ALWAYS_INLINE vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
ALWAYS_INLINE vec vec_max(vec a, vec b) { return _mm256_max_ps(a, b); }
ALWAYS_INLINE vec vec_min(vec a, vec b) { return _mm256_min_ps(a, b); }
ALWAYS_INLINE vec vec_round(vec v) {
    return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
ALWAYS_INLINE vec vec_power_of_two(vec n) {
    __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}

#include "kernels/simd/clamp.h"

#endif
