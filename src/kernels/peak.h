/* What a tier's multiply-add units reach, measured: GMAC/s are billions of multiply-adds a second. */
#ifndef KERNELS_PEAK_H
#define KERNELS_PEAK_H

#include "pomona/cpu.h"

enum peak_kind { PEAK_F32, PEAK_U8S8 };

/* Keeps the units of one core busy for about `seconds` (at most 512 loops, some 30 ms) and returns GMAC/s: what a quarter of the
 * short loops exceeded. Other programs interrupt few of them, and where two threads share a core, few run alone. 0 for the
 * scalar tier: a compiler may find more in the plain C kernels than in a loop. A tier without a loop of its own has that
 * of the next lower one. */
double peak_measure(pomona_tier tier, enum peak_kind kind, double seconds);

#endif
