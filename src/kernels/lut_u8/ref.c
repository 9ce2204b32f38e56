/* The specification of lut_u8. */
#include "kernels/lut_u8/lut_u8.h"

static void run(size_t count, const uint8_t *x, const uint8_t table[256], uint8_t *y) {
    for (size_t i = 0; i < count; i++) y[i] = table[x[i]];
}

const struct lut_u8_impl lut_u8_scalar = {"scalar", POMONA_TIER_SCALAR, run};
