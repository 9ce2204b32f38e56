/* Sums of products of 16-bit digits over a block of rows: what exact second moments are made of.
 *
 * A panel holds SYRK_S16_PANEL features of a block of rows as [pairs][SYRK_S16_PANEL][2] int16: element [p][f][h] is
 * feature f of row 2 p + h. Aligned to MEMORY_ALIGN. */
#ifndef KERNELS_SYRK_S16_H
#define KERNELS_SYRK_S16_H

#include "pomona/cpu.h"

#include <stdint.h>

enum { SYRK_S16_PANEL = 16, SYRK_S16_TILE = SYRK_S16_PANEL * SYRK_S16_PANEL };

struct syrk_s16_impl {
    const char *name; /* "avx512 16x16" */
    pomona_tier tier;
    /* sums[i * SYRK_S16_PANEL + j] = sum over p and h of a[p][i][h] * b[p][j][h], modulo 2^32 (so the caller's bound on
     * the digits and pairs decides whether it is exact); aligned to MEMORY_ALIGN. a may be b. */
    void (*tile)(int pairs, const int16_t *a, const int16_t *b, int32_t sums[SYRK_S16_TILE]);
};

/* Every implementation of this build: syrk_s16_scalar, syrk_s16_avx2, ... */
#define IMPL(symbol, tier) extern const struct syrk_s16_impl symbol;
#include "kernels/syrk_s16/syrk_s16.inc"
#undef IMPL

#endif
