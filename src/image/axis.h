/* The weights of one axis of Pillow's bicubic resampling.
 *
 * The filter is Keys' cubic with a = -0.5 (R. Keys, "Cubic convolution interpolation for digital image processing",
 * 1981), stretched by in/out where the picture shrinks, so that it also smooths. Weights are computed in double in
 * Pillow's order of operations, normalised to a sum of 1, then rounded to 22 bits after the point: the same integers. */
#ifndef IMAGE_AXIS_H
#define IMAGE_AXIS_H

#include "base/error.h"
#include "kernels/resize_u8/resize_u8.h"

#include <stdbool.h>

/* Zero-initialise; free with axis_free. */
struct axis {
    struct resize_u8_axis kernel; /* points into the arrays below */
    int in;                       /* length of the axis it was built for, 0 if none */
    bool flip;                    /* inputs are counted from the far end */
    int span;                     /* the most inputs any output needs */
    int32_t *start, *count;       /* [kernel.out] */
    int32_t *weights;             /* [kernel.out][kernel.taps], packed for a tier */
    double *exact;                /* [kernel.taps], of one output */
};

/* Builds the weights from `in` to `out` (both 1..65,535) for the kernels of `impl`, unless `axis` holds them already. With
 * `flip`, output i is made of the inputs in - 1 - x instead of x: the mirrored picture resized. On failure
 * (POMONA_E_MEMORY) the axis is empty. */
pomona_status axis_build(struct axis *axis, int in, int out, bool flip, const struct resize_u8_impl *impl,
                         struct pomona_error *error);

void axis_free(struct axis *axis);

#endif
