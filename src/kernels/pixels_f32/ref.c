/* The specification of pixels_f32: a multiplication and an addition, each rounded. Equal on every tier. */
#include "kernels/pixels_f32/pixels_f32.h"

static void normalise(size_t pixels, const uint8_t *x, const float scale[3], const float shift[3], float *y) {
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < 3; c++) *y++ = (float)*x++ * scale[c] + shift[c];
}

const struct pixels_f32_impl pixels_f32_scalar = {"scalar", POMONA_TIER_SCALAR, normalise};
