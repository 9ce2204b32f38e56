/* lut_u8 with AVX2: sixteen lookups in 16 bytes each, of which all but one give 0. */
#include "kernels/lut_u8/lut_u8.h"
#include "kernels/simd/common.h"

#include <immintrin.h>

enum { PARTS = 16 };

/* 32 bytes. vpshufb gives 0 for an index of 128 and more, which adding 112 makes of all but 0 to 15. */
ALWAYS_INLINE __m256i look_up(const __m256i parts[PARTS], __m256i index) {
    __m256i found = _mm256_setzero_si256();
    UNROLL
    for (int i = 0; i < PARTS; i++) {
        __m256i here = _mm256_adds_epu8(index, _mm256_set1_epi8(112));
        found = _mm256_or_si256(found, _mm256_shuffle_epi8(parts[i], here));
        index = _mm256_sub_epi8(index, _mm256_set1_epi8(16));
    }
    return found;
}

static void run(size_t count, const uint8_t *x, const uint8_t table[256], uint8_t *y) {
    __m256i parts[PARTS];
    UNROLL
    for (int i = 0; i < PARTS; i++)
        parts[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table + i));
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        __m256i index = _mm256_loadu_si256((const __m256i *)(const void *)(x + i));
        _mm256_storeu_si256((__m256i *)(void *)(y + i), look_up(parts, index));
    }
    for (; i < count; i++) y[i] = table[x[i]];
}

const struct lut_u8_impl lut_u8_avx2 = {"avx2", POMONA_TIER_AVX2, run};
