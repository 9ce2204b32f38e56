/* y = table[x] over bytes: any function of one quantised value. */
#ifndef KERNELS_LUT_U8_H
#define KERNELS_LUT_U8_H

#include "pomona/cpu.h"

#include <stddef.h>
#include <stdint.h>

struct lut_u8_impl {
    const char *name;
    pomona_tier tier;
    void (*run)(size_t count, const uint8_t *x, const uint8_t table[256], uint8_t *y); /* y may be x */
};

/* Every implementation of this build: lut_u8_scalar, lut_u8_avx2, ... */
#define IMPL(symbol, tier) extern const struct lut_u8_impl symbol;
#include "kernels/lut_u8/lut_u8.inc"
#undef IMPL

#endif
