/* syrk_s16 with Advanced SIMD: widening multiply-accumulate, four rows of the tile and eight columns at a time. */
#include "kernels/syrk_s16/syrk_s16.h"

#include <arm_neon.h>

enum { ROWS = 4, COLUMNS = 8 };

/* a points at the first row of the tile, b at the first column. */
static inline void four_rows(int pairs, const int16_t *a, const int16_t *b, int32_t *sums) {
    int32x4_t low[ROWS], high[ROWS];
    for (int i = 0; i < ROWS; i++) low[i] = high[i] = vdupq_n_s32(0);
    for (int p = 0; p < pairs; p++, a += 2 * SYRK_S16_PANEL, b += 2 * SYRK_S16_PANEL) {
        int16x8x2_t y = vld2q_s16(b); /* columns of the even row, of the odd row */
        for (int i = 0; i < ROWS; i++) {
            int16_t even = a[2 * i], odd = a[2 * i + 1];
            low[i] = vmlal_n_s16(low[i], vget_low_s16(y.val[0]), even);
            high[i] = vmlal_n_s16(high[i], vget_high_s16(y.val[0]), even);
            low[i] = vmlal_n_s16(low[i], vget_low_s16(y.val[1]), odd);
            high[i] = vmlal_n_s16(high[i], vget_high_s16(y.val[1]), odd);
        }
    }
    for (int i = 0; i < ROWS; i++) {
        vst1q_s32(sums + i * SYRK_S16_PANEL, low[i]);
        vst1q_s32(sums + i * SYRK_S16_PANEL + 4, high[i]);
    }
}

static void tile(int pairs, const int16_t *a, const int16_t *b, int32_t sums[SYRK_S16_TILE]) {
    for (int i = 0; i < SYRK_S16_PANEL; i += ROWS)
        for (int j = 0; j < SYRK_S16_PANEL; j += COLUMNS)
            four_rows(pairs, a + 2 * i, b + 2 * j, sums + i * SYRK_S16_PANEL + j);
}

const struct syrk_s16_impl syrk_s16_neon = {"neon 4x8", POMONA_TIER_NEON, tile};
