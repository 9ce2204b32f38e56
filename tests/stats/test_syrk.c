/* Every version of syrk_s16 that this machine runs equals the plain C to the bit, also where sums wrap. */
#include "../base/unit.h"
#include "base/memory.h"
#include "kernels/syrk_s16/syrk_s16.h"

#include <stdlib.h>
#include <string.h>

enum { PAIRS = 131, GUARD = 64 };

static uint32_t state = 1;
static uint32_t next_random(void) { return state = state * 1664525u + 1013904223u; }

static void fill(int16_t *panel, int kind) {
    for (int i = 0; i < PAIRS * SYRK_S16_PANEL * 2; i++) {
        int32_t value = (int32_t)(next_random() >> 16) - 32768;
        panel[i] = (int16_t)(kind == 0 ? value : kind == 1 ? -32768 : kind == 2 ? value % 2048 : 32767);
    }
}

static void compare(const struct syrk_s16_impl *impl, int pairs, const int16_t *a, const int16_t *b) {
    uint8_t *block = memory_new_aligned(SYRK_S16_TILE * 4 + 2 * GUARD, 1);
    _Alignas(64) int32_t expected[SYRK_S16_TILE];
    assert_non_null(block);
    memset(block, 0xA5, SYRK_S16_TILE * 4 + 2 * GUARD);
    impl->tile(pairs, a, b, (int32_t *)(void *)(block + GUARD));
    syrk_s16_scalar.tile(pairs, a, b, expected);
    assert_memory_equal(block + GUARD, expected, sizeof expected);
    for (int i = 0; i < GUARD; i++) {
        assert_int_equal(block[i], 0xA5);
        assert_int_equal(block[GUARD + SYRK_S16_TILE * 4 + i], 0xA5);
    }
    memory_free(block);
}

static void check(const struct syrk_s16_impl *impl) {
    if (!pomona_tier_available(impl->tier)) return;
    int16_t *a = memory_new_aligned(PAIRS * SYRK_S16_PANEL * 2, sizeof *a);
    int16_t *b = memory_new_aligned(PAIRS * SYRK_S16_PANEL * 2, sizeof *b);
    assert_non_null(a);
    assert_non_null(b);
    for (int kind = 0; kind < 4; kind++)
        for (int pairs = 0; pairs <= PAIRS; pairs += pairs < 5 ? 1 : 21) {
            fill(a, kind);
            fill(b, kind == 3 ? 1 : kind);
            compare(impl, pairs, a, b);
            compare(impl, pairs, a, a);
        }
    memory_free(a);
    memory_free(b);
}

static void test_equal_to_the_bit(void **unused) {
    (void)unused;
#define IMPL(symbol, tier) check(&symbol);
#include "kernels/syrk_s16/syrk_s16.inc"
#undef IMPL
}

/* The specification itself, by hand. */
static void test_specification(void **unused) {
    (void)unused;
    static int16_t a[2 * SYRK_S16_PANEL * 2], b[2 * SYRK_S16_PANEL * 2];
    int32_t sums[SYRK_S16_TILE];
    a[2 * 3] = 5, a[2 * 3 + 1] = -7;                                     /* rows 0 and 1 of feature 3 */
    a[2 * (SYRK_S16_PANEL + 3)] = 11;                                    /* row 2 */
    b[2 * 9] = 100, b[2 * 9 + 1] = 10, b[2 * (SYRK_S16_PANEL + 9)] = -1; /* feature 9 */
    syrk_s16_scalar.tile(2, a, b, sums);
    for (int i = 0; i < SYRK_S16_TILE; i++)
        assert_int_equal(sums[i], i == 3 * SYRK_S16_PANEL + 9 ? 5 * 100 - 7 * 10 - 11 : 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_specification),
                                       cmocka_unit_test(test_equal_to_the_bit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
