/* Sums of products of 16-bit digits: equal to the plain C to the bit, also where sums wrap. */
#include "base/memory.h"
#include "check.h"
#include "kernels/syrk_s16/syrk_s16.h"

#include <string.h>

enum { PAIRS_MAX = 131, GUARD = 64, GUARD_BYTE = 0xA5, DIGITS = PAIRS_MAX * SYRK_S16_PANEL * 2 };

/* Any digits, small ones, or only the extremes: -32768 twice squared is 2^31 and wraps. */
static int16_t *make_panel(struct check *check) {
    int16_t *panel = memory_new_aligned(DIGITS, sizeof *panel);
    int kind = check_random(check, 0, 3);
    for (int i = 0; i < DIGITS; i++)
        panel[i] = (int16_t)(kind == 0   ? check_random(check, -32768, 32767)
                             : kind == 1 ? check_random(check, -2048, 2047)
                             : kind == 2 ? -32768
                                         : 32767);
    return panel;
}

static void compare(struct check *check, const struct syrk_s16_impl *impl, int pairs, const int16_t *a,
                    const int16_t *b) {
    _Alignas(64) int32_t expected[SYRK_S16_TILE];
    size_t bytes = sizeof expected;
    uint8_t *block = memory_new_aligned(bytes + 2 * GUARD, 1);
    memset(block, GUARD_BYTE, bytes + 2 * GUARD);
    check_case(check, "%d pairs of rows, %s", pairs, a == b ? "one panel" : "two panels");
    impl->tile(pairs, a, b, (int32_t *)(void *)(block + GUARD));
    syrk_s16_scalar.tile(pairs, a, b, expected);
    if (check->sabotage == SABOTAGE_VALUE) block[GUARD] ^= 1;
    if (check->sabotage == SABOTAGE_BEFORE) block[GUARD - 1] ^= 1;
    if (check->sabotage == SABOTAGE_AFTER) block[GUARD + bytes] ^= 1;
    check_that(check, memcmp(block + GUARD, expected, bytes) == 0, "sums differ from the plain C's");
    bool intact = true;
    for (size_t i = 0; i < GUARD; i++)
        intact &= block[i] == GUARD_BYTE && block[GUARD + bytes + i] == GUARD_BYTE;
    check_that(check, intact, "written outside the tile");
    memory_free(block);
}

/* What the header promises, by hand: three rows of two features. */
static void check_specification(struct check *check, const struct syrk_s16_impl *impl) {
    enum { ROW_2 = SYRK_S16_PANEL, I = 3, J = 9 };
    int16_t *a = memory_new_aligned(2 * SYRK_S16_PANEL * 2, sizeof *a);
    int16_t *b = memory_new_aligned(2 * SYRK_S16_PANEL * 2, sizeof *b);
    _Alignas(64) int32_t sums[SYRK_S16_TILE];
    memset(a, 0, 2 * SYRK_S16_PANEL * 2 * sizeof *a);
    memset(b, 0, 2 * SYRK_S16_PANEL * 2 * sizeof *b);
    a[2 * I] = 5, a[2 * I + 1] = -7, a[2 * (ROW_2 + I)] = 11;
    b[2 * J] = 100, b[2 * J + 1] = 10, b[2 * (ROW_2 + J)] = -1;
    check_case(check, "by hand");
    impl->tile(2, a, b, sums);
    for (int i = 0; i < SYRK_S16_TILE; i++)
        check_that(check, sums[i] == (i == I * SYRK_S16_PANEL + J ? 5 * 100 - 7 * 10 - 11 : 0),
                   "a sum is wrong");
    memory_free(a);
    memory_free(b);
}

void check_syrk_s16(struct check *check, const struct syrk_s16_impl *impl) {
    check_specification(check, impl);
    for (int pairs = 0; pairs <= PAIRS_MAX && !check_done(check); pairs++) {
        int16_t *a = make_panel(check), *b = make_panel(check);
        compare(check, impl, pairs, a, b);
        compare(check, impl, pairs, a, a);
        memory_free(a);
        memory_free(b);
    }
}
