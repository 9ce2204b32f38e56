/* The operations of simd_lines.h for blocks of BITS / 8 channels; included once for each width. The source defines
 *   BITS, DW(name), MM(name), vec, vec_f32    the width; name_WIDTH, intrinsics, registers
 *   DOT(sum, quads, weights)                  adds the products of a register of quads
 *   WIDE_WEIGHTS                              whether weights are stored in 16 bits
 *
 * Interleaving bytes and then pairs of bytes within 128-bit lanes leaves channel 16 l + 4 j + e of a block in vector
 * j, lane l, element e; packing to 16 and to 8 bits, which works within lanes too, brings them back in order. Vectors
 * 0 and 1 come from the low half of each lane, 2 and 3 from the high one. */

#define WIDTH (BITS / 8)
#define GROUP ((WIDE_WEIGHTS ? 8 : 4) * WIDTH)

ALWAYS_INLINE vec DW(load)(const uint8_t *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

ALWAYS_INLINE struct DW(quads) DW(interleave)(const uint8_t *const p[4], int half) {
    vec a = DW(load)(p[0]), b = DW(load)(p[1]), c = DW(load)(p[2]), d = DW(load)(p[3]);
    vec ab = half ? MM(unpackhi_epi8)(a, b) : MM(unpacklo_epi8)(a, b);
    vec cd = half ? MM(unpackhi_epi8)(c, d) : MM(unpacklo_epi8)(c, d);
    return DW(quads_of)(MM(unpacklo_epi16)(ab, cd), MM(unpackhi_epi16)(ab, cd));
}

struct DW(output) {
    vec zero_point, low, high;
    bool plain; /* zero point 0 and all of 0..255: packing does it all */
};

ALWAYS_INLINE struct DW(output) DW(output_of)(const struct requantise_output *o) {
    return (struct DW(output)){MM(set1_epi16)((short)o->zero_point), MM(set1_epi8)((char)o->low),
                               MM(set1_epi8)((char)o->high),
                               o->zero_point == 0 && o->low == 0 && o->high == 255};
}

ALWAYS_INLINE vec DW(scale)(vec sum, const uint8_t *multiplier) {
    vec_f32 m;
    memcpy(&m, multiplier, sizeof m);
    return MM(cvtps_epi32)(MM(mul_ps)(MM(cvtepi32_ps)(sum), m));
}

/* Sums saturated to 16 bits and then to 8 end at the same bound as those that were clamped at once. */
ALWAYS_INLINE vec DW(to_16)(const uint8_t *packed, const struct DW(output) * o, const vec sums[2], int half) {
    const uint8_t *multiplier = packed + (4 + 2 * half) * WIDTH;
    vec q = MM(packs_epi32)(DW(scale)(sums[0], multiplier), DW(scale)(sums[1], multiplier + WIDTH));
    return o->plain ? q : MM(adds_epi16)(q, o->zero_point);
}

ALWAYS_INLINE vec DW(to_8)(const struct DW(output) * o, vec low_half, vec high_half) {
    vec bytes = MM(packus_epi16)(low_half, high_half);
    return o->plain ? bytes : MM(min_epu8)(MM(max_epu8)(bytes, o->low), o->high);
}

/* The first `valid` bytes, without a call that would cost the sums their registers. */
ALWAYS_INLINE void DW(store)(uint8_t *y, vec q, size_t valid) {
    if (WIDTH > 16 || valid >= 16) {
        memcpy(y, &q, sizeof q);
        return;
    }
    uint64_t bytes[2];
    memcpy(bytes, &q, sizeof bytes);
    if (valid & 8) memcpy(y, bytes, 8), y += 8, bytes[0] = bytes[1];
    if (valid & 4) memcpy(y, bytes, 4), y += 4, bytes[0] >>= 32;
    if (valid & 2) memcpy(y, bytes, 2), y += 2, bytes[0] >>= 16;
    if (valid & 1) memcpy(y, bytes, 1);
}

#include "kernels/dwconv_u8s8/simd_lines.h"

#undef WIDTH
#undef GROUP
#undef BITS
#undef DW
#undef MM
#undef vec
#undef vec_f32
