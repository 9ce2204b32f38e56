/* Quads and their products with vpdpbusd, for one width: two vectors of a half block. */
struct DW(quads) {
    vec v[2];
};

struct DW(weights) {
    vec v;
};

#if defined(DEFINE_DPBUSD)
DEFINE_DPBUSD
#endif

ALWAYS_INLINE struct DW(quads) DW(quads_of)(vec first, vec second) {
    return (struct DW(quads)){{first, second}};
}

ALWAYS_INLINE struct DW(weights) DW(load_weights)(const uint8_t *group, int vector) {
    struct DW(weights) w;
    memcpy(&w.v, group + vector * (BITS / 8), sizeof w.v);
    return w;
}

ALWAYS_INLINE vec DW(dot)(vec sum, const struct DW(quads) * quads, int j, struct DW(weights) w) {
    return DOT(sum, quads->v[j], w.v);
}

/* The same where weights 1 to 3 are 0. */
ALWAYS_INLINE vec DW(dot_first)(vec sum, const struct DW(quads) * quads, int j, struct DW(weights) w) {
    return DOT(sum, quads->v[j], w.v);
}

#include "kernels/dwconv_u8s8/simd_x86.h"
