/* dwconv_u8s8 with AVX2: blocks of 8 channels, bytes widened to 16 bits (vpmaddubsw would saturate). */
#include "kernels/dwconv_u8s8/block.h"

#include <immintrin.h>
#include <string.h>

#define WIDTH    8
#define VECTORS  1
#define GROUP    64 /* weights 0 and 1 of 8 channels, then 2 and 3, 16 bits each */
#define DW(name) name##_8
#define vec      __m256i

/* Rows 0 and 1, and 2 and 3: two 16-bit numbers a channel, in order. */
struct quads_8 {
    vec first, last;
};

ALWAYS_INLINE vec pairs(const uint8_t *a, const uint8_t *b) {
    __m128i low = _mm_loadl_epi64((const __m128i *)(const void *)a),
            high = _mm_loadl_epi64((const __m128i *)(const void *)b);
    return _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(low, high));
}

ALWAYS_INLINE struct quads_8 interleave_8(const uint8_t *const p[4]) {
    return (struct quads_8){pairs(p[0], p[1]), pairs(p[2], p[3])};
}

ALWAYS_INLINE vec load_8(const uint8_t *w, int j) {
    return _mm256_load_si256((const vec *)(const void *)w + j);
}

ALWAYS_INLINE vec dot_first_8(vec sum, const struct quads_8 *quads, int j, const uint8_t *w) {
    (void)j;
    return _mm256_add_epi32(sum, _mm256_madd_epi16(quads->first, load_8(w, 0)));
}

ALWAYS_INLINE vec dot_8(vec sum, const struct quads_8 *quads, int j, const uint8_t *w) {
    sum = dot_first_8(sum, quads, j, w);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(quads->last, load_8(w, 1)));
}

/* The first 1..7 bytes, without a call that would cost the sums their registers. */
ALWAYS_INLINE void store_part(uint8_t *y, uint64_t bytes, size_t count) {
    if (count & 4) memcpy(y, &bytes, 4), y += 4, bytes >>= 32;
    if (count & 2) memcpy(y, &bytes, 2), y += 2, bytes >>= 16;
    if (count & 1) memcpy(y, &bytes, 1);
}

/* Sums saturated to 16 bits and then to 8 end at the same bound as those that were clamped at once. */
ALWAYS_INLINE void finish_8(const struct dw_block *b, const vec *sums, uint8_t *y) {
    const struct requantise_output *o = &b->args->output;
    __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(sums[0]), _mm256_castsi256_ps(load_8(b->packed, 1)));
    vec rounded = _mm256_cvtps_epi32(v);
    __m128i q = _mm_packs_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1));
    q = _mm_adds_epi16(q, _mm_set1_epi16((short)o->zero_point));
    q = _mm_packus_epi16(q, q);
    q = _mm_min_epu8(_mm_max_epu8(q, _mm_set1_epi8((char)o->low)), _mm_set1_epi8((char)o->high));
    uint64_t bytes = (uint64_t)_mm_cvtsi128_si64(q);
    if (b->valid >= 8)
        memcpy(y, &bytes, 8);
    else
        store_part(y, bytes, b->valid);
}

#include "kernels/dwconv_u8s8/lines.h"

static size_t dw_width(size_t channels) {
    (void)channels;
    return 8;
}

/* A cache line of each pixel. */
static size_t dw_together(size_t channels) { return channels < 64 ? channels : 64; }

static size_t dw_group_bytes(size_t width) { return 8 * width; }

static size_t dw_position(size_t width, size_t channel) {
    (void)width;
    return channel;
}

static void dw_put(size_t width, uint8_t *group, size_t channel, int i, int8_t weight) {
    int16_t wide = weight;
    memcpy(group + ((size_t)(i / 2) * width * 2 + channel * 2 + (size_t)(i % 2)) * sizeof wide, &wide,
           sizeof wide);
}

static void dw_run_blocks(size_t width, const struct dw_block *block) {
    (void)width;
    blocks_8(block);
}

#include "kernels/dwconv_u8s8/simd.h"

const struct dwconv_u8s8_impl dwconv_u8s8_avx2 = {
    "avx2, 8 channels", POMONA_TIER_AVX2, packed_bytes, pack, scratch_bytes, run};
