/* What the plain C versions share. */
#ifndef KERNELS_SCALAR_H
#define KERNELS_SCALAR_H

/* NaN stays NaN on every tier. */
static inline float scalar_clamp(float value, float low, float high) {
    return value < low ? low : value > high ? high : value;
}

#endif
