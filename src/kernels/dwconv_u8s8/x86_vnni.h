/* The operations of lines.h with vpdpbusd, for 64, 32 or 16 channels: registers of BITS bits, intrinsics MM(...).
 *
 * Interleaving bytes and then pairs of bytes within 128-bit lanes leaves channel 16 l + 4 j + e of a block in vector
 * j, lane l, element e; packing to 16 and to 8 bits, which works within lanes too, brings them back in order. */

#define WIDTH   (BITS / 8)
#define VECTORS 4
#define GROUP   (4 * WIDTH)

struct DW(quads) {
    vec v[4];
};

ALWAYS_INLINE struct DW(quads) DW(interleave)(const uint8_t *const p[4]) {
    vec a = MM(loadu_epi8)(p[0]), b = MM(loadu_epi8)(p[1]), c = MM(loadu_epi8)(p[2]),
        d = MM(loadu_epi8)(p[3]);
    vec ab = MM(unpacklo_epi8)(a, b), cd = MM(unpacklo_epi8)(c, d);
    vec ab_high = MM(unpackhi_epi8)(a, b), cd_high = MM(unpackhi_epi8)(c, d);
    return (struct DW(quads)){{MM(unpacklo_epi16)(ab, cd), MM(unpackhi_epi16)(ab, cd),
                               MM(unpacklo_epi16)(ab_high, cd_high), MM(unpackhi_epi16)(ab_high, cd_high)}};
}

ALWAYS_INLINE vec DW(load)(const uint8_t *w, int j) { return MM(load_epi32)(w + j * WIDTH); }

ALWAYS_INLINE vec DW(dot)(vec sum, const struct DW(quads) * quads, int j, const uint8_t *w) {
    return DOT(sum, quads->v[j], DW(load)(w, j));
}

ALWAYS_INLINE vec DW(dot_first)(vec sum, const struct DW(quads) * quads, int j, const uint8_t *w) {
    return DW(dot)(sum, quads, j, w);
}

ALWAYS_INLINE vec DW(scale)(vec sum, const uint8_t *packed, int j) {
    vec_f32 m = MM(castsi)(DW(load)(packed + 4 * WIDTH, j));
    return MM(cvtps_epi32)(MM(mul_ps)(MM(cvtepi32_ps)(sum), m));
}

/* Sums saturated to 16 bits and then to 8 end at the same bound as those that were clamped at once. */
ALWAYS_INLINE void DW(finish)(const struct dw_block *b, const vec *sums, uint8_t *y) {
    const struct requantise_output *o = &b->args->output;
    vec zero_point = MM(set1_epi16)((short)o->zero_point);
    vec q01 = MM(packs_epi32)(DW(scale)(sums[0], b->packed, 0), DW(scale)(sums[1], b->packed, 1));
    vec q23 = MM(packs_epi32)(DW(scale)(sums[2], b->packed, 2), DW(scale)(sums[3], b->packed, 3));
    vec q = MM(packus_epi16)(MM(adds_epi16)(q01, zero_point), MM(adds_epi16)(q23, zero_point));
    q = MM(min_epu8)(MM(max_epu8)(q, MM(set1_epi8)((char)o->low)), MM(set1_epi8)((char)o->high));
    if (WIDTH == 16 && b->valid < 16)
        MM(mask_storeu_epi8)(y, (MASK)((1u << b->valid) - 1), q);
    else
        MM(storeu_epi8)(y, q);
}

#include "kernels/dwconv_u8s8/lines.h"

#undef WIDTH
#undef VECTORS
#undef GROUP
