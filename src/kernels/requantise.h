/* From 32-bit sums to 8 bits, as docs/internals/int8.md has it: what the integer kernels share. */
#ifndef KERNELS_REQUANTISE_H
#define KERNELS_REQUANTISE_H

#include <math.h>
#include <stdint.h>

/* Where the result goes: q = clamp(rounded + zero_point, low, high). */
struct requantise_output {
    int zero_point; /* 0..255 */
    int low, high;  /* 0 <= low <= high <= 255 */
};

/* What a residual r adds before rounding: (r - zero_point) * factor. */
struct requantise_residual {
    int zero_point; /* 0..255 */
    float factor;   /* scale of the residual over scale of the output */
};

/* The specification. The plan has checked that |sum * multiplier + addend| < 2^31 - 1024, so rintf() fits an int32. The
 * rounding mode is the default one, to nearest even. */
static inline float requantise_scale(int32_t sum, float multiplier) { return (float)sum * multiplier; }

static inline float requantise_add(float value, uint8_t residual, struct requantise_residual r) {
    float addend = (float)((int)residual - r.zero_point) * r.factor;
    return value + addend;
}

static inline uint8_t requantise_round(float value, struct requantise_output output) {
    int64_t q = (int64_t)rintf(value) + output.zero_point;
    return (uint8_t)(q < output.low ? output.low : q > output.high ? output.high : q);
}

#endif
