/* lut_u8 with AVX-512 BW, which looks up pairs of bytes (VBMI, which would look up bytes, is not part of the tier): the even bytes of
 * x and the odd ones apart, each in both halves of the table. */
#include "kernels/lut_u8/lut_u8.h"
#include "kernels/simd/common.h"

#include <immintrin.h>

/* The pairs of the table that hold the bytes x, one of these in the low half of each 16 bits. */
ALWAYS_INLINE __m512i pairs_of(const __m512i table[4], __m512i x) {
    __m512i pair = _mm512_srli_epi16(x, 1); /* its bit 6 is not looked at */
    __m512i lower = _mm512_permutex2var_epi16(table[0], pair, table[1]);
    __m512i upper = _mm512_permutex2var_epi16(table[2], pair, table[3]);
    return _mm512_mask_mov_epi16(lower, _mm512_test_epi16_mask(x, _mm512_set1_epi16(128)), upper);
}

static void run(size_t count, const uint8_t *x, const uint8_t table[256], uint8_t *y) {
    const __m512i words[4] = {_mm512_loadu_si512(table), _mm512_loadu_si512(table + 64),
                              _mm512_loadu_si512(table + 128), _mm512_loadu_si512(table + 192)};
    const __m512i low = _mm512_set1_epi16(255), one = _mm512_set1_epi16(1);
    size_t i = 0;
    for (; i + 64 <= count; i += 64) {
        __m512i bytes = _mm512_loadu_si512(x + i);
        __m512i even = _mm512_and_si512(bytes, low), odd = _mm512_srli_epi16(bytes, 8);
        __m512i at_even = pairs_of(words, even), at_odd = pairs_of(words, odd);
        /* the right byte of a pair to where it belongs */
        at_even = _mm512_mask_srli_epi16(at_even, _mm512_test_epi16_mask(even, one), at_even, 8);
        at_odd = _mm512_mask_slli_epi16(at_odd, _mm512_testn_epi16_mask(odd, one), at_odd, 8);
        _mm512_storeu_si512(y + i,
                            _mm512_ternarylogic_epi32(low, at_even, at_odd, 0xCA)); /* low ? even : odd */
    }
    for (; i < count; i++) y[i] = table[x[i]];
}

const struct lut_u8_impl lut_u8_avx512 = {"avx512", POMONA_TIER_AVX512, run};
