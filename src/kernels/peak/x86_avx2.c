#include "kernels/peak/peak.h"
#include "kernels/simd/common.h"

#include <immintrin.h>

static float f32(long steps) {
    __m256 chain[PEAK_CHAINS], one = _mm256_set1_ps(1);
    float lanes[8], sum = 0;
    PEAK_HIDE("x", one);
    UNROLL for (int i = 0; i < PEAK_CHAINS; i++) {
        chain[i] = _mm256_setzero_ps();
        PEAK_HIDE("x", chain[i]);
    }
    for (long n = 0; n < steps; n++) {
        UNROLL for (int i = 0; i < PEAK_CHAINS; i++) chain[i] = _mm256_fmadd_ps(chain[i], one, one);
    }
    UNROLL for (int i = 0; i < PEAK_CHAINS; i++) {
        _mm256_storeu_ps(lanes, chain[i]);
        for (int lane = 0; lane < 8; lane++) sum += lanes[lane];
    }
    return sum;
}

/* Products of 16 bits in pairs and an addition, as the integer kernels of this tier have it: bytes times bytes in 16 bits
 * would saturate. */
static uint32_t u8s8(long steps) {
    __m256i chain[PEAK_CHAINS], a = _mm256_set1_epi16(1), b = a;
    uint32_t lanes[8], sum = 0;
    PEAK_HIDE("x", b);
    UNROLL for (int i = 0; i < PEAK_CHAINS; i++) {
        chain[i] = _mm256_setzero_si256();
        PEAK_HIDE("x", chain[i]);
    }
    for (long n = 0; n < steps; n++) {
        UNROLL for (int i = 0; i < PEAK_CHAINS; i++) {
            PEAK_HIDE("x", a);
            chain[i] = _mm256_add_epi32(chain[i], _mm256_madd_epi16(a, b));
            PEAK_HIDE("x", chain[i]); /* now, or sums would wait on the stack */
        }
    }
    UNROLL for (int i = 0; i < PEAK_CHAINS; i++) {
        _mm256_storeu_si256((__m256i *)(void *)lanes, chain[i]);
        for (int lane = 0; lane < 8; lane++) sum += lanes[lane];
    }
    return sum;
}

const struct peak_impl peak_avx2 = {
    "avx2 vfmadd, vpmaddwd", POMONA_TIER_AVX2, 8 * PEAK_CHAINS, 16 * PEAK_CHAINS, f32, u8s8};
