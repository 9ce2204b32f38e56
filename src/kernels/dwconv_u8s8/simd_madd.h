/* Quads and their products with vpmaddwd, for one width: two vectors of a half block. */
struct DW(quads) {
    vec even[2], odd[2]; /* bytes 0 and 2, 1 and 3 of a quad in 16 bits */
};

struct DW(weights) {
    vec even, odd;
};

ALWAYS_INLINE struct DW(quads) DW(quads_of)(vec first, vec second) {
    vec mask = MM(set1_epi16)(0xFF);
#if BITS == 256
    return (struct DW(quads)){{_mm256_and_si256(first, mask), _mm256_and_si256(second, mask)},
                              {_mm256_srli_epi16(first, 8), _mm256_srli_epi16(second, 8)}};
#else
    return (struct DW(quads)){{_mm_and_si128(first, mask), _mm_and_si128(second, mask)},
                              {_mm_srli_epi16(first, 8), _mm_srli_epi16(second, 8)}};
#endif
}

ALWAYS_INLINE struct DW(weights) DW(load_weights)(const uint8_t *group, int vector) {
    const uint8_t *p = group + vector * 2 * (BITS / 8);
    struct DW(weights) w;
    memcpy(&w.even, p, sizeof w.even); /* gcc 12 would copy both at once through the stack */
    memcpy(&w.odd, p + sizeof w.even, sizeof w.odd);
    return w;
}

/* Where weights 1 to 3 are 0. */
ALWAYS_INLINE vec DW(dot_first)(vec sum, const struct DW(quads) * quads, int j, struct DW(weights) w) {
    return MM(add_epi32)(sum, MM(madd_epi16)(quads->even[j], w.even));
}

ALWAYS_INLINE vec DW(dot)(vec sum, const struct DW(quads) * quads, int j, struct DW(weights) w) {
    return MM(add_epi32)(DW(dot_first)(sum, quads, j, w), MM(madd_epi16)(quads->odd[j], w.odd));
}

#include "kernels/dwconv_u8s8/simd_x86.h"
