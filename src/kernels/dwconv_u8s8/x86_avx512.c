/* dwconv_u8s8 with AVX-512 VNNI: blocks of 64 channels, of 32 and 16 for the rest. */
#include "kernels/dwconv_u8s8/block.h"

#include <immintrin.h>
#include <string.h>

/* gcc 12 copies the sums of its intrinsic at every step */
#if defined(__clang__)
#define DOT(sum, x, w) MM(dpbusd_epi32)(sum, x, w)
#else
ALWAYS_INLINE __m512i dot_512(__m512i sum, __m512i x, __m512i w) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "vm"(w));
    return sum;
}
ALWAYS_INLINE __m256i dot_256(__m256i sum, __m256i x, __m256i w) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "vm"(w));
    return sum;
}
ALWAYS_INLINE __m128i dot_128(__m128i sum, __m128i x, __m128i w) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "vm"(w));
    return sum;
}
#define DOT_OF(bits)   dot_##bits
#define DOT_BITS(bits) DOT_OF(bits)
#define DOT            DOT_BITS(BITS)
#endif

#define _mm512_castsi _mm512_castsi512_ps
#define _mm256_castsi _mm256_castsi256_ps
#define _mm_castsi    _mm_castsi128_ps

#define BITS     512
#define DW(name) name##_64
#define MM(name) _mm512_##name
#define MASK     __mmask64
#define vec      __m512i
#define vec_f32  __m512
#include "kernels/dwconv_u8s8/x86_vnni.h"
#undef BITS
#undef DW
#undef MM
#undef MASK
#undef vec
#undef vec_f32

#define BITS     256
#define DW(name) name##_32
#define MM(name) _mm256_##name
#define MASK     __mmask32
#define vec      __m256i
#define vec_f32  __m256
#include "kernels/dwconv_u8s8/x86_vnni.h"
#undef BITS
#undef DW
#undef MM
#undef MASK
#undef vec
#undef vec_f32

#define BITS     128
#define DW(name) name##_16
#define MM(name) _mm_##name
#define MASK     __mmask16
#define vec      __m128i
#define vec_f32  __m128
#include "kernels/dwconv_u8s8/x86_vnni.h"

static size_t dw_width(size_t channels) { return channels >= 64 ? 64 : channels >= 32 ? 32 : 16; }

static size_t dw_group_bytes(size_t width) { return 4 * width; }

static size_t dw_position(size_t width, size_t channel) {
    return channel % 16 / 4 * (width / 4) + channel / 16 * 4 + channel % 4;
}

static void dw_put(size_t width, uint8_t *group, size_t channel, int i, int8_t weight) {
    memcpy(group + 4 * dw_position(width, channel) + i, &weight, 1);
}

/* More than one block at a time would need more of the L1 cache than it saves. */
static size_t dw_together(size_t channels) {
    return dw_width(channels) < channels ? dw_width(channels) : channels;
}

static void dw_run_blocks(size_t width, const struct dw_block *block) {
    (width == 64 ? blocks_64 : width == 32 ? blocks_32 : blocks_16)(block);
}

#include "kernels/dwconv_u8s8/simd.h"

const struct dwconv_u8s8_impl dwconv_u8s8_avx512 = {
    "avx512 vnni, 64 channels", POMONA_TIER_AVX512, packed_bytes, pack, scratch_bytes, run};
