/* Sums of products, exactly, from 16-bit multiplications.
 *
 * A value is split into signed digits so small that a block's sum of products of two digits fits 32 bits; one kernel
 * (syrk_s16) takes the products of a plane of digits with itself. The mixed products of two digits come from the plane
 * of their sums (Karatsuba): 2 ab = (a + b)^2 - a^2 - b^2, so three planes do for two digits and six for three, where
 * four and nine products would be needed.
 *
 * Two digits of 12 bits hold |x| < 7 (in features), which covers networks that end in ReLU6; else three of 11 bits. */
#include "stats/fit/moments.h"

enum {
    LOW_BITS = 12, /* two digits: low in [-2048, 2047], high in [-1792, 1792] */
    TWO_DIGITS_MAX = 7 << MOMENTS_FRACTION_BITS,
    DIGIT_BITS = 11, /* three digits: [-1024, 1023] twice, [-512, 512] */
    PAIRS_MAX = MOMENTS_BLOCK_ROWS / 2,
    PANEL_SIZE = PAIRS_MAX * SYRK_S16_PANEL * 2,
    PANELS_AT_A_TIME = 16 /* of all planes, that stay in the second-level cache */
};

/* What the bounds above are for: sums of a block fit 32 bits, mixed ones doubled, in modulo arithmetic or not. */
_Static_assert(2LL * 2048 * 1792 * MOMENTS_BLOCK_ROWS < 1LL << 31, "mixed products, two digits");
_Static_assert(2048LL * 2048 * MOMENTS_BLOCK_ROWS < 1LL << 31, "low products, two digits");
_Static_assert(2048LL * 2048 * MOMENTS_BLOCK_ROWS < 1LL << 31, "sums of digits squared, three digits");

/* Lowest signed digit of `bits` bits; value becomes the rest. */
static inline int32_t take_digit(int64_t *value, int bits) {
    int32_t half = 1 << (bits - 1), digit = (int32_t)((*value + half) & ((1 << bits) - 1)) - half;
    *value = (*value - digit) / (1 << bits); /* exact */
    return digit;
}

static inline uint32_t pair_of(int32_t even, int32_t odd) {
    return (uint32_t)(uint16_t)even | (uint32_t)(uint16_t)odd << 16;
}

/* One panel of both rows of each pair, [pairs][16][2] in each plane, for values of two digits. */
static void pack_two(const int32_t *rows, size_t stride, int pairs, int16_t *const planes[MOMENTS_PLANES]) {
    const int32_t half = 1 << (LOW_BITS - 1), mask = (1 << LOW_BITS) - 1;
    uint32_t *low = (uint32_t *)(void *)planes[0], *high = (uint32_t *)(void *)planes[1];
    uint32_t *both = (uint32_t *)(void *)planes[2];
    for (int p = 0; p < pairs; p++) {
        const int32_t *even = rows + (size_t)(2 * p) * stride, *odd = even + stride;
        for (int f = 0; f < SYRK_S16_PANEL; f++) {
            int32_t low0 = ((even[f] + half) & mask) - half, low1 = ((odd[f] + half) & mask) - half;
            int32_t high0 = (even[f] - low0) >> LOW_BITS, high1 = (odd[f] - low1) >> LOW_BITS;
            size_t at = (size_t)(p * SYRK_S16_PANEL + f);
            low[at] = pair_of(low0, low1);
            high[at] = pair_of(high0, high1);
            both[at] = pair_of(low0 + high0, low1 + high1);
        }
    }
}

static void split_three(int32_t value, int32_t digits[3]) {
    int64_t rest = value;
    digits[0] = take_digit(&rest, DIGIT_BITS);
    digits[1] = take_digit(&rest, DIGIT_BITS);
    digits[2] = (int32_t)rest;
}

static void pack_three(const int32_t *rows, size_t stride, int pairs, int16_t *const planes[MOMENTS_PLANES]) {
    for (int p = 0; p < pairs; p++)
        for (int f = 0; f < SYRK_S16_PANEL; f++)
            for (int h = 0; h < 2; h++) {
                int32_t d[3];
                split_three(rows[(size_t)(2 * p + h) * stride + (size_t)f], d);
                int32_t values[MOMENTS_PLANES] = {d[0], d[1], d[2], d[0] + d[1], d[0] + d[2], d[1] + d[2]};
                for (int plane = 0; plane < MOMENTS_PLANES; plane++)
                    planes[plane][(p * SYRK_S16_PANEL + f) * 2 + h] = (int16_t)values[plane];
            }
}

/* Twice the sum of mixed products, from that of the squared sum; modulo 2^32, in range again at the end. */
static inline int64_t mixed(int32_t both, int32_t a, int32_t b) {
    return (int32_t)((uint32_t)both - (uint32_t)a - (uint32_t)b);
}

static void add_two(const int32_t sums[][SYRK_S16_TILE], int128 *tile) {
    for (int i = 0; i < SYRK_S16_TILE; i++) {
        int64_t low = sums[0][i], high = sums[1][i], cross = mixed(sums[2][i], sums[0][i], sums[1][i]);
        tile[i] += low + cross * (1LL << LOW_BITS) + high * (1LL << 2 * LOW_BITS); /* below 2^55 */
    }
}

static void add_three(const int32_t sums[][SYRK_S16_TILE], int128 *tile) {
    for (int i = 0; i < SYRK_S16_TILE; i++) {
        int32_t s0 = sums[0][i], s1 = sums[1][i], s2 = sums[2][i];
        int64_t w1 = mixed(sums[3][i], s0, s1), w2 = mixed(sums[4][i], s0, s2) + s1;
        int64_t w3 = mixed(sums[5][i], s1, s2);
        int64_t low = s0 + w1 * (1LL << DIGIT_BITS) + w2 * (1LL << 2 * DIGIT_BITS); /* below 2^54 */
        int64_t high = w3 + s2 * (1LL << DIGIT_BITS);                               /* below 2^43 */
        tile[i] += low + (int128)high * (1LL << 3 * DIGIT_BITS);
    }
}

/* The block's products of panels i and j <= i into their tile. */
static void add_tile(struct pomona_moments *m, int i, int j, int pairs, int planes) {
    _Alignas(64) int32_t sums[MOMENTS_PLANES][SYRK_S16_TILE];
    size_t plane_size = (size_t)m->panels * PANEL_SIZE;
    for (int plane = 0; plane < planes; plane++) {
        const int16_t *digits = m->planes + (size_t)plane * plane_size;
        m->syrk->tile(pairs, digits + (size_t)i * PANEL_SIZE, digits + (size_t)j * PANEL_SIZE, sums[plane]);
    }
    int128 *tile = m->products + ((size_t)i * ((size_t)i + 1) / 2 + (size_t)j) * SYRK_S16_TILE;
    if (planes == 3)
        add_two((const int32_t(*)[SYRK_S16_TILE])sums, tile);
    else
        add_three((const int32_t(*)[SYRK_S16_TILE])sums, tile);
}

static void pack(struct pomona_moments *m, int pairs, int planes) {
    size_t stride = (size_t)m->panels * SYRK_S16_PANEL, plane_size = (size_t)m->panels * PANEL_SIZE;
    for (int panel = 0; panel < m->panels; panel++) {
        int16_t *places[MOMENTS_PLANES];
        for (int plane = 0; plane < MOMENTS_PLANES; plane++)
            places[plane] = m->planes + (size_t)plane * plane_size + (size_t)panel * PANEL_SIZE;
        const int32_t *rows = m->pending + (size_t)panel * SYRK_S16_PANEL;
        if (planes == 3)
            pack_two(rows, stride, pairs, places);
        else
            pack_three(rows, stride, pairs, places);
    }
}

void moments_flush(struct pomona_moments *m) {
    if (m->pending_rows == 0) return;
    int pairs = (m->pending_rows + 1) / 2, planes = m->pending_max < TWO_DIGITS_MAX ? 3 : MOMENTS_PLANES;
    if (m->pending_rows % 2) { /* a row of zeros adds nothing */
        size_t width = (size_t)m->panels * SYRK_S16_PANEL;
        int32_t *row = m->pending + (size_t)m->pending_rows * width;
        for (size_t i = 0; i < width; i++) row[i] = 0;
    }
    pack(m, pairs, planes);
    for (int first = 0; first < m->panels; first += PANELS_AT_A_TIME)
        for (int i = first; i < m->panels; i++)
            for (int j = first; j <= i && j < first + PANELS_AT_A_TIME; j++) add_tile(m, i, j, pairs, planes);
    m->pending_rows = 0;
    m->pending_max = 0;
}
