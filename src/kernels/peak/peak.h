/* The most that a tier's multiply-add units allow: loops on chains in registers that never touch memory. Not a kernel of
 * any network, but what the speed of those is compared with; kernels/peak.h measures it. */
#ifndef KERNELS_PEAK_PEAK_H
#define KERNELS_PEAK_PEAK_H

#include "pomona/cpu.h"

#include <stdint.h>

/* Independent chains: enough for two units whose results come after six cycles. */
enum { PEAK_CHAINS = 12 };

/* A loop does `steps` (below 2^24) steps, and returns how many multiply-adds these were: steps x macs, added up by the
 * chains themselves (modulo 2^32; exact in float up to 2^24 a lane and where the sum of all is). */
struct peak_impl {
    const char *name; /* "avx512 vfmadd, vpdpbusd" */
    pomona_tier tier;
    int f32_macs, u8s8_macs; /* of one step */
    float (*f32)(long steps);
    uint32_t (*u8s8)(long steps);
};

/* Makes the compiler forget what it knows of a register: nothing is computed ahead of the loop, and chains that do the same
 * are not taken for one. Hidings stay in their order. */
#define PEAK_HIDE(constraint, value) __asm__ volatile("" : "+" constraint(value))

/* Every implementation of this build: peak_scalar, peak_avx2, ... */
#define IMPL(symbol, tier) extern const struct peak_impl symbol;
#include "kernels/peak/peak.inc"
#undef IMPL

#endif
