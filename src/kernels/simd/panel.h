/* Packed weights of the vector kernels: one panel for each vector of output channels, [1 + k][VEC]: the bias, then the
 * weights in the order of the sum. Lanes past the last channel are 0. */
#ifndef KERNELS_SIMD_PANEL_H
#define KERNELS_SIMD_PANEL_H

#include <stddef.h>

static inline size_t panel_floats(size_t k) { return (k + 1) * VEC; }

static inline size_t panels_floats(int n, size_t k) { return ((size_t)n + VEC - 1) / VEC * panel_floats(k); }

/* w [n][in][taps], bias [n] or NULL; the sum runs over taps, then in. */
static inline void panels_pack(int n, size_t taps, size_t in, const float *w, const float *bias,
                               float *packed) {
    for (int first = 0; first < n; first += VEC) {
        for (int lane = first; lane < first + VEC; lane++) *packed++ = bias && lane < n ? bias[lane] : 0.0f;
        for (size_t tap = 0; tap < taps; tap++)
            for (size_t i = 0; i < in; i++)
                for (int lane = first; lane < first + VEC; lane++)
                    *packed++ = lane < n ? w[((size_t)lane * in + i) * taps + tap] : 0.0f;
    }
}

#endif
