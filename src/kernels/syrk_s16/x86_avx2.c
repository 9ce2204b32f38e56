/* syrk_s16 with AVX2: vpmaddwd sums the products of two rows (at most 2^31, which wraps only for -32768 four times over,
 * as the specification does), four rows of the tile at a time. */
#include "kernels/syrk_s16/syrk_s16.h"

#include <immintrin.h>
#include <string.h>

enum { ROWS = 4 };

static inline __m256i broadcast(const int16_t *pair) {
    int32_t both;
    memcpy(&both, pair, sizeof both);
    return _mm256_set1_epi32(both);
}

static inline void four_rows(int pairs, const int16_t *a, const int16_t *b, int32_t *sums) {
    __m256i low[ROWS], high[ROWS];
    for (int i = 0; i < ROWS; i++) low[i] = high[i] = _mm256_setzero_si256();
    for (int p = 0; p < pairs; p++, a += 2 * SYRK_S16_PANEL, b += 2 * SYRK_S16_PANEL) {
        __m256i y0 = _mm256_load_si256((const __m256i *)b), y1 = _mm256_load_si256((const __m256i *)(b + 16));
#pragma GCC unroll 4
        for (int i = 0; i < ROWS; i++) {
            __m256i x = broadcast(a + 2 * i);
            low[i] = _mm256_add_epi32(low[i], _mm256_madd_epi16(x, y0));
            high[i] = _mm256_add_epi32(high[i], _mm256_madd_epi16(x, y1));
        }
    }
    for (int i = 0; i < ROWS; i++) {
        _mm256_store_si256((__m256i *)(sums + i * SYRK_S16_PANEL), low[i]);
        _mm256_store_si256((__m256i *)(sums + i * SYRK_S16_PANEL + 8), high[i]);
    }
}

static void tile(int pairs, const int16_t *a, const int16_t *b, int32_t sums[SYRK_S16_TILE]) {
    for (int i = 0; i < SYRK_S16_PANEL; i += ROWS) four_rows(pairs, a + 2 * i, b, sums + i * SYRK_S16_PANEL);
}

const struct syrk_s16_impl syrk_s16_avx2 = {"avx2 4x16", POMONA_TIER_AVX2, tile};
