/* dwconv_u8s8 with AVX-512 VNNI: blocks of 64 channels, of 32 and 16 for the rest. */
#include "kernels/dwconv_u8s8/block.h"

#include <immintrin.h>
#include <string.h>

/* Weights of a 3x3 window fit into registers beside the sums. */
#define RESIDENT_WEIGHTS 1
#define HALVES_AT_ONCE   1
#define PAIRS_OF_LINES   1
#define WIDE_WEIGHTS     0

/* gcc 12 copies the sums of its intrinsic at every step */
#if defined(__clang__)
#define DOT MM(dpbusd_epi32)
#else
#define DOT DW(dpbusd)
#define DEFINE_DPBUSD                                                                                        \
    ALWAYS_INLINE vec DW(dpbusd)(vec sum, vec x, vec w) {                                                    \
        __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "vm"(w));                                        \
        return sum;                                                                                          \
    }
#endif

#define BITS     512
#define DW(name) name##_64
#define MM(name) _mm512_##name
#define vec      __m512i
#define vec_f32  __m512
#include "kernels/dwconv_u8s8/simd_vnni.h"

#define BITS     256
#define DW(name) name##_32
#define MM(name) _mm256_##name
#define vec      __m256i
#define vec_f32  __m256
#include "kernels/dwconv_u8s8/simd_vnni.h"

#define BITS     128
#define DW(name) name##_16
#define MM(name) _mm_##name
#define vec      __m128i
#define vec_f32  __m128
#include "kernels/dwconv_u8s8/simd_vnni.h"

static size_t dw_width(size_t channels) { return channels >= 64 ? 64 : channels >= 32 ? 32 : 16; }

/* More than one block at a time would need more of the L1 cache than it saves. */
static size_t dw_together(size_t channels) {
    return dw_width(channels) < channels ? dw_width(channels) : channels;
}

static size_t dw_group_bytes(size_t width) { return 4 * width; }

/* Weights of a vector: [channel][4]. */
static void dw_put(size_t width, uint8_t *group, size_t channel, int i, int8_t weight) {
    memcpy(group + 4 * dw_position(width, channel) + i, &weight, 1);
}

static void dw_run_blocks(size_t width, const struct dw_block *block) {
    (width == 64 ? blocks_64 : width == 32 ? blocks_32 : blocks_16)(block);
}

#include "kernels/dwconv_u8s8/simd.h"

const struct dwconv_u8s8_impl dwconv_u8s8_avx512 = {
    "avx512 vnni, 64 channels", POMONA_TIER_AVX512, packed_bytes, pack, scratch_bytes, run};
