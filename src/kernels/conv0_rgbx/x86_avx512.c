#include "kernels/simd_i8/x86_avx512.h"

enum { RGBX_STEP = 16 };

ALWAYS_INLINE void rgbx_step(const uint8_t *x, uint8_t *y) {
    __m512i rgb = _mm512_maskz_loadu_epi8(((__mmask64)1 << 48) - 1, x);
    __m512i lanes = _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 1, 2, 12, 3, 4, 5, 12, 6, 7, 8, 12, 9, 10, 11, 12), rgb); /* dword 12 is 0 */
    __m512i order =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 12, 3, 4, 5, 12, 6, 7, 8, 12, 9, 10, 11, 12));
    _mm512_storeu_si512(y, _mm512_shuffle_epi8(lanes, order));
}

#include "kernels/conv0_rgbx/simd.h"

const struct conv0_rgbx_impl conv0_rgbx_avx512 = {
    "avx512 14x32", POMONA_TIER_AVX512, packed_bytes, pack, scratch_bytes, prepare, run};
