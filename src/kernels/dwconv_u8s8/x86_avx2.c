/* dwconv_u8s8 with AVX2: blocks of 32 channels, of 16 for the rest. The bytes of a quad are split into two pairs of
 * 16 bits for vpmaddwd (vpmaddubsw would saturate). */
#include "kernels/dwconv_u8s8/block.h"

#include <immintrin.h>
#include <string.h>

#define RESIDENT_WEIGHTS 0
#define HALVES_AT_ONCE   0
#define PAIRS_OF_LINES   0
#define WIDE_WEIGHTS     1

#define BITS     256
#define DW(name) name##_32
#define MM(name) _mm256_##name
#define vec      __m256i
#define vec_f32  __m256
#include "kernels/dwconv_u8s8/simd_madd.h"

#define BITS     128
#define DW(name) name##_16
#define MM(name) _mm_##name
#define vec      __m128i
#define vec_f32  __m128
#include "kernels/dwconv_u8s8/simd_madd.h"

static size_t dw_width(size_t channels) { return channels >= 32 ? 32 : 16; }

static size_t dw_together(size_t channels) {
    return channels >= 64 ? 64 : channels >= 32 ? 32 : channels < 16 ? channels : 16;
}

static size_t dw_group_bytes(size_t width) { return 8 * width; }

/* Weights of a vector: [2][channel][2] in 16 bits, first those of the even bytes of a quad. */
static void dw_put(size_t width, uint8_t *group, size_t channel, int i, int8_t weight) {
    size_t position = dw_position(width, channel), vector = position / (width / 4),
           lane = position % (width / 4);
    int16_t wide = weight;
    memcpy(group + ((vector * 2 + (size_t)(i % 2)) * (width / 4) + lane) * 4 + (size_t)(i / 2) * 2, &wide, 2);
}

static void dw_run_blocks(size_t width, const struct dw_block *block) {
    (width == 32 ? blocks_32 : blocks_16)(block);
}

#include "kernels/dwconv_u8s8/simd.h"

const struct dwconv_u8s8_impl dwconv_u8s8_avx2 = {
    "avx2, 32 channels", POMONA_TIER_AVX2, packed_bytes, pack, scratch_bytes, run};
