/* syrk_s16 with VNNI: vpdpwssd multiplies two rows of sixteen features and adds, wrapping. */
#include "kernels/syrk_s16/syrk_s16.h"

#include <immintrin.h>
#include <string.h>

static inline __m512i broadcast(const int16_t *pair) {
    int32_t both;
    memcpy(&both, pair, sizeof both);
    return _mm512_set1_epi32(both);
}

static void tile(int pairs, const int16_t *a, const int16_t *b, int32_t sums[SYRK_S16_TILE]) {
    __m512i sum[SYRK_S16_PANEL];
    for (int i = 0; i < SYRK_S16_PANEL; i++) sum[i] = _mm512_setzero_si512();
    for (int p = 0; p < pairs; p++, a += 2 * SYRK_S16_PANEL, b += 2 * SYRK_S16_PANEL) {
        __m512i y = _mm512_load_si512(b);
#pragma GCC unroll 16
        for (int i = 0; i < SYRK_S16_PANEL; i++)
            sum[i] = _mm512_dpwssd_epi32(sum[i], broadcast(a + 2 * i), y);
    }
    for (int i = 0; i < SYRK_S16_PANEL; i++) _mm512_store_si512(sums + i * SYRK_S16_PANEL, sum[i]);
}

const struct syrk_s16_impl syrk_s16_avx512 = {"avx512 16x16", POMONA_TIER_AVX512, tile};
