/* lut_u8 with table lookups: an index outside a quarter of the table leaves what the other quarters gave. */
#include "kernels/lut_u8/lut_u8.h"

#include <arm_neon.h>

static void run(size_t count, const uint8_t *x, const uint8_t table[256], uint8_t *y) {
    uint8x16x4_t first = vld1q_u8_x4(table), second = vld1q_u8_x4(table + 64),
                 third = vld1q_u8_x4(table + 128), fourth = vld1q_u8_x4(table + 192);
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        uint8x16_t index = vld1q_u8(x + i), quarter = vdupq_n_u8(64);
        uint8x16_t found = vqtbl4q_u8(first, index);
        index = vsubq_u8(index, quarter);
        found = vqtbx4q_u8(found, second, index);
        index = vsubq_u8(index, quarter);
        found = vqtbx4q_u8(found, third, index);
        index = vsubq_u8(index, quarter);
        vst1q_u8(y + i, vqtbx4q_u8(found, fourth, index));
    }
    for (; i < count; i++) y[i] = table[x[i]];
}

const struct lut_u8_impl lut_u8_neon = {"neon", POMONA_TIER_NEON, run};
