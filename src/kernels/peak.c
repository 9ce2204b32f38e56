#include "kernels/peak.h"

#include "base/clock.h"
#include "kernels/peak/peak.h"

#include <stddef.h>
#include <stdlib.h>

#define IMPL(symbol, tier) [tier] = &symbol,
static const struct peak_impl *const versions[POMONA_TIER_COUNT] = {
#include "kernels/peak/peak.inc"
};

/* Not the scalar one. */
static const struct peak_impl *select_peak(pomona_tier tier) {
    if (tier == POMONA_TIER_SCALAR) return NULL;
    if (!versions[tier] && tier == POMONA_TIER_NEONDOT) tier = POMONA_TIER_NEON;
    return versions[tier];
}

static int ascending(const void *a, const void *b) {
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static double macs_a_second(const struct peak_impl *impl, enum peak_kind kind) {
    enum { STEPS = 20000 }; /* some ten microseconds: most loops are over before another program comes */
    double start = clock_seconds();
    volatile float sink = kind == PEAK_F32 ? impl->f32(STEPS) : (float)impl->u8s8(STEPS);
    (void)sink;
    return (double)STEPS * (kind == PEAK_F32 ? impl->f32_macs : impl->u8s8_macs) / (clock_seconds() - start);
}

double peak_measure(pomona_tier tier, enum peak_kind kind, double seconds) {
    enum { LOOPS_MAX = 512 };
    const struct peak_impl *impl = select_peak(tier);
    double rates[LOOPS_MAX], end = clock_seconds() + seconds;
    int loops = 0;
    if (!impl) return 0;
    do rates[loops++] = macs_a_second(impl, kind);
    while (loops < LOOPS_MAX && clock_seconds() < end);
    qsort(rates, (size_t)loops, sizeof *rates, ascending);
    return rates[3 * loops / 4] * 1e-9;
}
