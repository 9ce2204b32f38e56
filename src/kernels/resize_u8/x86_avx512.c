/* resize_u8 with AVX-512 VNNI. A weight is written in three signed digits of base 256, w = 65536 d2 + 256 d1 + d0, so
 * that vpdpbusd (uint8 pixels x int8 digits, four taps at a time) sums each digit without error; the sums are put
 * together modulo 2^32. */
#include "kernels/resize_u8/resize_u8.h"

#include <immintrin.h>
#include <string.h>

enum { HALF = 1 << (RESIZE_U8_BITS - 1) };

/* A group of four taps becomes four digits d2, four d1, four d0 and four bytes that are not used. */
static void pack(size_t weights, int32_t *weight) {
    for (size_t g = 0; g < weights; g += RESIZE_U8_GROUP) {
        int8_t packed[16] = {0};
        for (size_t t = 0; t < 4; t++) {
            int32_t w = weight[g + t];
            for (size_t digit = 0; digit < 3; digit++) {
                int8_t d = (int8_t)(w & 255); /* in [-128, 127] */
                packed[4 * (2 - digit) + t] = d;
                w = (w - d) / 256; /* exact */
            }
        }
        memcpy(weight + g, packed, sizeof packed);
    }
}

static inline __m512i broadcast(const int32_t *four) { return _mm512_set1_epi32(*four); }

static inline __m512i finish(const __m512i sum[3]) {
    __m512i total = _mm512_add_epi32(_mm512_slli_epi32(sum[0], 16), _mm512_slli_epi32(sum[1], 8));
    total = _mm512_add_epi32(total, _mm512_add_epi32(sum[2], _mm512_set1_epi32(HALF)));
    return _mm512_srai_epi32(total, RESIZE_U8_BITS);
}

static inline __m512i load_four(const uint8_t *const x[4], size_t offset) {
    __m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(x[0] + offset)));
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(x[1] + offset)), 1);
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(x[2] + offset)), 2);
    return _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(x[3] + offset)), 3);
}

/* One output pixel of four rows: int32 lanes R G B 0, one row in each quarter. */
static inline __m512i four_pixels(const int32_t *w, int groups, const uint8_t *const x[4], size_t offset) {
    const __m512i by_channel =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, -1, -1, -1, -1));
    __m512i sum[3] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    for (int g = 0; g < groups; g++, w += 4, offset += 12) {
        __m512i taps = _mm512_shuffle_epi8(load_four(x, offset), by_channel);
        for (int d = 0; d < 3; d++) sum[d] = _mm512_dpbusd_epi32(sum[d], taps, broadcast(w + d));
    }
    return finish(sum);
}

/* Four pixels of four rows, [R G B 0] each, to 12 bytes in each row, or the first `pixels` of them. */
static inline void store_pixels(__m512i rgb0, int rows, int pixels, size_t offset, uint8_t *const *y) {
    const __m512i close =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
    uint8_t bytes[64];
    _mm512_storeu_si512(bytes, _mm512_shuffle_epi8(rgb0, close));
    for (int r = 0; r < rows; r++)
        if (pixels == 4)
            memcpy(y[r] + offset, bytes + 16 * r, 12);
        else
            memcpy(y[r] + offset, bytes + 16 * r, 3 * (size_t)pixels);
}

static void horizontal(const struct resize_u8_axis *axis, int rows, const uint8_t *const *x,
                       uint8_t *const *y) {
    const uint8_t *four[4]; /* rows that are missing repeat the last one and are not stored */
    for (int r = 0; r < 4; r++) four[r] = x[r < rows ? r : rows - 1];
    for (int i = 0; i < axis->out; i += 4) {
        int pixels = axis->out - i < 4 ? axis->out - i : 4;
        __m512i sum[4];
        for (int p = 0; p < 4; p++) {
            int at = i + (p < pixels ? p : pixels - 1);
            int groups = (axis->count[at] + RESIZE_U8_GROUP - 1) / RESIZE_U8_GROUP;
            sum[p] = four_pixels(axis->weights + (size_t)at * (size_t)axis->taps, groups, four,
                                 3 * (size_t)axis->start[at]);
        }
        __m512i packed =
            _mm512_packus_epi16(_mm512_packs_epi32(sum[0], sum[1]), _mm512_packs_epi32(sum[2], sum[3]));
        store_pixels(packed, rows, pixels, 3 * (size_t)i, y);
    }
}

/* 64 outputs from offset i on. */
static inline __m512i vertical_block(const int32_t *w, int groups, const uint8_t *const *x, size_t i) {
    __m512i sum[4][3];
    for (int k = 0; k < 4; k++)
        for (int d = 0; d < 3; d++) sum[k][d] = _mm512_setzero_si512();
    for (int g = 0; g < groups; g++, w += 4, x += 4) {
        __m512i a = _mm512_loadu_si512(x[0] + i), b = _mm512_loadu_si512(x[1] + i);
        __m512i c = _mm512_loadu_si512(x[2] + i), d = _mm512_loadu_si512(x[3] + i);
        __m512i ab_low = _mm512_unpacklo_epi8(a, b), ab_high = _mm512_unpackhi_epi8(a, b);
        __m512i cd_low = _mm512_unpacklo_epi8(c, d), cd_high = _mm512_unpackhi_epi8(c, d);
        __m512i taps[4] = {_mm512_unpacklo_epi16(ab_low, cd_low), _mm512_unpackhi_epi16(ab_low, cd_low),
                           _mm512_unpacklo_epi16(ab_high, cd_high), _mm512_unpackhi_epi16(ab_high, cd_high)};
        for (int digit = 0; digit < 3; digit++) {
            __m512i w_digit = broadcast(w + digit);
            for (int k = 0; k < 4; k++) sum[k][digit] = _mm512_dpbusd_epi32(sum[k][digit], taps[k], w_digit);
        }
    }
    return _mm512_packus_epi16(_mm512_packs_epi32(finish(sum[0]), finish(sum[1])),
                               _mm512_packs_epi32(finish(sum[2]), finish(sum[3])));
}

static void vertical(const struct resize_u8_axis *axis, int index, size_t bytes, const uint8_t *const *x,
                     uint8_t *y) {
    const int32_t *w = axis->weights + (size_t)index * (size_t)axis->taps;
    int groups = (axis->count[index] + RESIZE_U8_GROUP - 1) / RESIZE_U8_GROUP;
    for (size_t i = 0; i < bytes; i += 64) {
        __mmask64 inside = bytes - i < 64 ? ((__mmask64)1 << (bytes - i)) - 1 : ~(__mmask64)0;
        _mm512_mask_storeu_epi8(y + i, inside, vertical_block(w, groups, x, i));
    }
}

const struct resize_u8_impl resize_u8_avx512 = {"avx512 vpdpbusd", POMONA_TIER_AVX512, pack, horizontal,
                                                vertical};
