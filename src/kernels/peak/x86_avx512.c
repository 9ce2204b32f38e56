#include "kernels/peak/peak.h"
#include "kernels/simd/common.h"

#include <immintrin.h>

static float f32(long steps) {
    __m512 chain[PEAK_CHAINS], one = _mm512_set1_ps(1);
    float lanes[16], sum = 0;
    PEAK_HIDE("v", one);
    UNROLL for (int i = 0; i < PEAK_CHAINS; i++) {
        chain[i] = _mm512_setzero_ps();
        PEAK_HIDE("v", chain[i]);
    }
    for (long n = 0; n < steps; n++) {
        UNROLL for (int i = 0; i < PEAK_CHAINS; i++) chain[i] = _mm512_fmadd_ps(chain[i], one, one);
    }
    UNROLL for (int i = 0; i < PEAK_CHAINS; i++) {
        _mm512_storeu_ps(lanes, chain[i]);
        for (int lane = 0; lane < 16; lane++) sum += lanes[lane];
    }
    return sum;
}

static uint32_t u8s8(long steps) {
    __m512i chain[PEAK_CHAINS], a = _mm512_set1_epi8(1), b = a;
    uint32_t lanes[16], sum = 0;
    PEAK_HIDE("v", a);
    PEAK_HIDE("v", b);
    UNROLL for (int i = 0; i < PEAK_CHAINS; i++) {
        chain[i] = _mm512_setzero_si512();
        PEAK_HIDE("v", chain[i]);
    }
    for (long n = 0; n < steps; n++) {
        UNROLL for (int i = 0; i < PEAK_CHAINS; i++) chain[i] = _mm512_dpbusd_epi32(chain[i], a, b);
    }
    UNROLL for (int i = 0; i < PEAK_CHAINS; i++) {
        _mm512_storeu_si512(lanes, chain[i]);
        for (int lane = 0; lane < 16; lane++) sum += lanes[lane];
    }
    return sum;
}

const struct peak_impl peak_avx512 = {
    "avx512 vfmadd, vpdpbusd", POMONA_TIER_AVX512, 16 * PEAK_CHAINS, 64 * PEAK_CHAINS, f32, u8s8};
