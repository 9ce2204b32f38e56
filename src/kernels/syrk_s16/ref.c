/* The specification of syrk_s16. */
#include "kernels/syrk_s16/syrk_s16.h"

static void tile(int pairs, const int16_t *a, const int16_t *b, int32_t sums[SYRK_S16_TILE]) {
    for (int i = 0; i < SYRK_S16_PANEL; i++)
        for (int j = 0; j < SYRK_S16_PANEL; j++) {
            uint32_t sum = 0; /* unsigned: wraps */
            for (int p = 0; p < pairs; p++)
                for (int h = 0; h < 2; h++)
                    sum +=
                        (uint32_t)(a[(p * SYRK_S16_PANEL + i) * 2 + h] * b[(p * SYRK_S16_PANEL + j) * 2 + h]);
            sums[i * SYRK_S16_PANEL + j] = (int32_t)sum;
        }
}

const struct syrk_s16_impl syrk_s16_scalar = {"scalar", POMONA_TIER_SCALAR, tile};
