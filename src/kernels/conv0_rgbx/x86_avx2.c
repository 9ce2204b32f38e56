#include "kernels/simd_i8/x86_avx2.h"

enum { RGBX_STEP = 4 };

ALWAYS_INLINE void rgbx_step(const uint8_t *x, uint8_t *y) {
    int32_t last; /* 8 bytes and 4: the photo may end behind them */
    memcpy(&last, x + 8, sizeof last);
    __m128i rgb = _mm_insert_epi32(_mm_loadl_epi64((const __m128i *)(const void *)x), last, 2);
    __m128i order = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
    _mm_storeu_si128((__m128i *)(void *)y, _mm_shuffle_epi8(rgb, order));
}

#include "kernels/conv0_rgbx/simd.h"

const struct conv0_rgbx_impl conv0_rgbx_avx2 = {"avx2 4x16",   POMONA_TIER_AVX2, packed_bytes, pack,
                                                scratch_bytes, prepare,          run};
