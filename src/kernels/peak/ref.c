/* Plain C: no bound, since a compiler may do better with the kernels, but what the others have to return. */
#include "kernels/peak/peak.h"
#include "kernels/simd/common.h"

static float f32(long steps) {
    float chain[PEAK_CHAINS] = {0}, one = 1, sum = 0;
    PEAK_HIDE("m", one);
    UNROLL for (int i = 0; i < PEAK_CHAINS; i++) PEAK_HIDE("m", chain[i]);
    for (long n = 0; n < steps; n++) {
        UNROLL for (int i = 0; i < PEAK_CHAINS; i++) chain[i] = chain[i] * one + one;
    }
    for (int i = 0; i < PEAK_CHAINS; i++) sum += chain[i];
    return sum;
}

static uint32_t u8s8(long steps) {
    uint32_t chain[PEAK_CHAINS] = {0}, a = 1, b = 1, sum = 0;
    PEAK_HIDE("r", b);
    UNROLL for (int i = 0; i < PEAK_CHAINS; i++) PEAK_HIDE("m", chain[i]);
    for (long n = 0; n < steps; n++) {
        UNROLL for (int i = 0; i < PEAK_CHAINS; i++) {
            PEAK_HIDE("r", a);
            chain[i] += a * b;
            PEAK_HIDE("r", chain[i]); /* now, or sums would wait on the stack */
        }
    }
    for (int i = 0; i < PEAK_CHAINS; i++) sum += chain[i];
    return sum;
}

const struct peak_impl peak_scalar = {"scalar", POMONA_TIER_SCALAR, PEAK_CHAINS, PEAK_CHAINS, f32, u8s8};
