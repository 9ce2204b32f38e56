/* resize_u8 with AVX2. A weight w is split into high = w >> 11 and low = w & 2047, which fit int16, so that
 * vpmaddwd sums two taps at a time without error: sum = (sum of high * pixel << 11) + sum of low * pixel, modulo 2^32. */
#include "kernels/resize_u8/resize_u8.h"

#include <immintrin.h>
#include <string.h>

enum { LOW_BITS = 11, HALF = 1 << (RESIZE_U8_BITS - 1) };

/* A group of four taps becomes high01, low01, high23, low23: pairs of int16. */
static void pack(size_t weights, int32_t *weight) {
    for (size_t g = 0; g < weights; g += RESIZE_U8_GROUP) {
        int16_t packed[8];
        for (int t = 0; t < 4; t++) {
            int at = (t >> 1) * 4 + (t & 1);
            packed[at] = (int16_t)(weight[g + (size_t)t] >> LOW_BITS);
            packed[at + 2] = (int16_t)(weight[g + (size_t)t] & ((1 << LOW_BITS) - 1));
        }
        memcpy(weight + g, packed, sizeof packed);
    }
}

static inline __m256i broadcast(const int32_t *pair) { return _mm256_set1_epi32(*pair); }

static inline __m256i finish(__m256i high, __m256i low) {
    __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(high, LOW_BITS), low);
    return _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(HALF)), RESIZE_U8_BITS);
}

static inline __m256i load_two(const uint8_t *a, const uint8_t *b) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)a)),
                                   _mm_loadu_si128((const __m128i *)b), 1);
}

/* One output pixel of two rows: int32 lanes R G B 0, one row in each half. */
static inline __m256i two_pixels(const int32_t *w, int groups, const uint8_t *a, const uint8_t *b) {
    const __m256i even =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
    const __m256i odd = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
    __m256i high = _mm256_setzero_si256(), low = high;
    for (int g = 0; g < groups; g++, w += 4, a += 12, b += 12) {
        __m256i x = load_two(a, b);
        __m256i x01 = _mm256_shuffle_epi8(x, even), x23 = _mm256_shuffle_epi8(x, odd);
        high = _mm256_add_epi32(high, _mm256_madd_epi16(x01, broadcast(w)));
        low = _mm256_add_epi32(low, _mm256_madd_epi16(x01, broadcast(w + 1)));
        high = _mm256_add_epi32(high, _mm256_madd_epi16(x23, broadcast(w + 2)));
        low = _mm256_add_epi32(low, _mm256_madd_epi16(x23, broadcast(w + 3)));
    }
    return finish(high, low);
}

/* Four pixels [R G B 0] each to 12 bytes at y, or the first `pixels` of them. */
static inline void store_pixels(__m128i rgb0, int pixels, uint8_t *y) {
    const __m128i close = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    uint8_t bytes[16];
    _mm_storeu_si128((__m128i *)bytes, _mm_shuffle_epi8(rgb0, close));
    if (pixels == 4)
        memcpy(y, bytes, 12);
    else
        memcpy(y, bytes, 3 * (size_t)pixels);
}

static void two_rows(const struct resize_u8_axis *axis, const uint8_t *a, const uint8_t *b, uint8_t *y_a,
                     uint8_t *y_b) {
    for (int i = 0; i < axis->out; i += 4) {
        int pixels = axis->out - i < 4 ? axis->out - i : 4;
        __m256i sum[4];
        for (int p = 0; p < 4; p++) {
            int at = i + (p < pixels ? p : pixels - 1);
            int groups = (axis->count[at] + RESIZE_U8_GROUP - 1) / RESIZE_U8_GROUP;
            size_t offset = 3 * (size_t)axis->start[at];
            sum[p] =
                two_pixels(axis->weights + (size_t)at * (size_t)axis->taps, groups, a + offset, b + offset);
        }
        __m256i packed =
            _mm256_packus_epi16(_mm256_packs_epi32(sum[0], sum[1]), _mm256_packs_epi32(sum[2], sum[3]));
        store_pixels(_mm256_castsi256_si128(packed), pixels, y_a + 3 * (size_t)i);
        store_pixels(_mm256_extracti128_si256(packed, 1), pixels, y_b + 3 * (size_t)i);
    }
}

static void horizontal(const struct resize_u8_axis *axis, int rows, const uint8_t *const *x,
                       uint8_t *const *y) {
    for (int r = 0; r < rows; r += 2) { /* an odd last row is computed twice, into the same place */
        int second = r + 1 < rows ? r + 1 : r;
        two_rows(axis, x[r], x[second], y[r], y[second]);
    }
}

/* 32 outputs from offset i on. Unpacking bytes with zero gives a0 0 b0 0: the pairs of int16 that vpmaddwd wants. */
static inline __m256i vertical_block(const int32_t *w, int pairs, const uint8_t *const *x, size_t i) {
    const __m256i zero = _mm256_setzero_si256();
    __m256i high[4] = {zero, zero, zero, zero}, low[4] = {zero, zero, zero, zero};
    for (int p = 0; p < pairs; p++, w += 2) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(x[2 * p] + i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(x[2 * p + 1] + i));
        __m256i first = _mm256_unpacklo_epi8(a, b), second = _mm256_unpackhi_epi8(a, b);
        __m256i ab[4] = {_mm256_unpacklo_epi8(first, zero), _mm256_unpackhi_epi8(first, zero),
                         _mm256_unpacklo_epi8(second, zero), _mm256_unpackhi_epi8(second, zero)};
        __m256i w_high = broadcast(w), w_low = broadcast(w + 1);
        for (int k = 0; k < 4; k++) {
            high[k] = _mm256_add_epi32(high[k], _mm256_madd_epi16(ab[k], w_high));
            low[k] = _mm256_add_epi32(low[k], _mm256_madd_epi16(ab[k], w_low));
        }
    }
    return _mm256_packus_epi16(_mm256_packs_epi32(finish(high[0], low[0]), finish(high[1], low[1])),
                               _mm256_packs_epi32(finish(high[2], low[2]), finish(high[3], low[3])));
}

static void vertical(const struct resize_u8_axis *axis, int index, size_t bytes, const uint8_t *const *x,
                     uint8_t *y) {
    const int32_t *w = axis->weights + (size_t)index * (size_t)axis->taps;
    int pairs = (axis->count[index] + RESIZE_U8_GROUP - 1) / RESIZE_U8_GROUP * 2;
    size_t i = 0;
    for (; i + 32 <= bytes; i += 32) _mm256_storeu_si256((__m256i *)(y + i), vertical_block(w, pairs, x, i));
    if (i < bytes) {
        uint8_t tail[32];
        _mm256_storeu_si256((__m256i *)tail, vertical_block(w, pairs, x, i));
        memcpy(y + i, tail, bytes - i);
    }
}

const struct resize_u8_impl resize_u8_avx2 = {"avx2 pmaddwd", POMONA_TIER_AVX2, pack, horizontal, vertical};
