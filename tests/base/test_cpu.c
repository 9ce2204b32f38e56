#include "pomona/cpu.h"
#include "pomona/version.h"
#include "unit.h"

#include <string.h>

static struct pomona_error error;

static void names_are_read_back(void **state) {
    (void)state;
    for (int i = POMONA_TIER_AUTO; i < POMONA_TIER_COUNT; i++) {
        pomona_tier tier = POMONA_TIER_COUNT;
        assert_int_equal(pomona_tier_parse(pomona_tier_name((pomona_tier)i), &tier, &error), POMONA_OK);
        assert_int_equal(tier, i);
    }
}

static void other_names_are_bad_usage(void **state) {
    (void)state;
    static const char *const names[] = {"", "AVX2", "avx", "avx2 ", "avx5122", "?", "sse"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        pomona_tier tier = POMONA_TIER_COUNT;
        assert_failure(pomona_tier_parse(names[i], &tier, &error), POMONA_E_USAGE, "scalar, avx2, avx512");
        assert_int_equal(tier, POMONA_TIER_COUNT);
    }
    assert_string_equal(pomona_tier_name(POMONA_TIER_COUNT), "?");
    assert_string_equal(pomona_tier_name((pomona_tier)-7), "?");
}

static void the_best_tier_is_available(void **state) {
    (void)state;
    assert_true(pomona_tier_available(POMONA_TIER_SCALAR));
    assert_true(pomona_tier_available(pomona_tier_best()));
    assert_false(pomona_tier_available(POMONA_TIER_AUTO));
    assert_false(pomona_tier_available(POMONA_TIER_COUNT));
    if (pomona_tier_available(POMONA_TIER_AVX512)) assert_true(pomona_tier_available(POMONA_TIER_AVX2));
    assert_false(pomona_tier_available(POMONA_TIER_NEON) && pomona_tier_available(POMONA_TIER_AVX2));
    assert_true(pomona_cpu_threads() >= 1);
}

static void the_library_is_the_version_of_its_header(void **state) {
    (void)state;
    assert_string_equal(pomona_version(), POMONA_VERSION);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_read_back),
                                       cmocka_unit_test(other_names_are_bad_usage),
                                       cmocka_unit_test(the_best_tier_is_available),
                                       cmocka_unit_test(the_library_is_the_version_of_its_header)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
