/* The context: which tier it runs, and what it says when it can't. */
#include "failing.h"
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/dwconv_f32/dwconv_f32.h"
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/kernels.h"
#include "kernels/peak.h"
#include "kernels/peak/peak.h"
#include "pomona/context.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static struct pomona_error error;

/* A tier that no machine of this build runs. */
#if defined(__aarch64__)
static const pomona_tier foreign_tier = POMONA_TIER_AVX2;
#else
static const pomona_tier foreign_tier = POMONA_TIER_NEON;
#endif

static void every_available_tier_runs(void **state) {
    (void)state;
    for (int tier = 0; tier < POMONA_TIER_COUNT; tier++) {
        struct pomona_context *context = (struct pomona_context *)&error;
        pomona_status status = pomona_context_new((pomona_tier)tier, &context, &error);
        if (!pomona_tier_available((pomona_tier)tier)) {
            assert_int_equal(status, POMONA_E_UNSUPPORTED);
            assert_null(context);
            continue;
        }
        assert_int_equal(status, POMONA_OK);
        assert_int_equal(pomona_context_tier(context), tier);
        pomona_context_free(&context);
        assert_null(context);
    }
}

static void families_have_the_tier_or_a_lower_one(void **state) {
    (void)state;
    struct kernels k;
    kernels_select(POMONA_TIER_SCALAR, &k);
    assert_ptr_equal(k.gemm_f32, &gemm_f32_scalar);
    assert_ptr_equal(k.dwconv_f32, &dwconv_f32_scalar);
    assert_ptr_equal(k.conv_f32, &conv_f32_scalar);
    for (int tier = 0; tier < POMONA_TIER_COUNT; tier++) {
        if (!pomona_tier_available((pomona_tier)tier)) continue;
        kernels_select((pomona_tier)tier, &k);
        assert_int_equal(k.tier, tier);
        assert_true(k.gemm_f32->tier <= k.tier);
        assert_true(k.gemm_f32->tier == k.tier || tier == POMONA_TIER_NEONDOT);
    }
}

static void loops_of_the_peak_do_what_they_count(void **state) {
    (void)state;
    static const struct peak_impl *const loops[] = {
#define IMPL(symbol, tier) &symbol,
#include "kernels/peak/peak.inc"
#undef IMPL
    };
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        const struct peak_impl *loop = loops[i];
        if (!pomona_tier_available(loop->tier)) continue;
        for (long steps = 0; steps <= 1000; steps += 250) {
            assert_true(loop->f32(steps) == (float)(steps * loop->f32_macs));
            assert_int_equal(loop->u8s8(steps), steps * loop->u8s8_macs);
        }
        double f32 = peak_measure(loop->tier, PEAK_F32, 1e-3),
               u8s8 = peak_measure(loop->tier, PEAK_U8S8, 1e-3);
        assert_true(loop->tier == POMONA_TIER_SCALAR ? f32 == 0 && u8s8 == 0 : f32 > 0 && u8s8 > 0);
    }
}

static void kernels_are_listed_once_each(void **state) {
    (void)state;
    struct pomona_context *context;
    assert_int_equal(pomona_context_new(POMONA_TIER_SCALAR, &context, &error), POMONA_OK);
    const char *family = NULL, *kernel = NULL;
    assert_true(pomona_context_kernel(context, 0, &family, &kernel));
    assert_string_equal(family, "gemm_f32");
    assert_string_equal(kernel, "scalar");
    int lines = 0;
    while (pomona_context_kernel(context, lines, &family, &kernel)) lines++;
    assert_true(lines >= 6);
    assert_false(pomona_context_kernel(context, -1, &family, &kernel));
    assert_false(pomona_context_kernel(context, lines + 1, &family, &kernel));
    pomona_context_free(&context);
}

static void the_environment_names_the_tier(void **state) {
    (void)state;
    struct pomona_context *context;
    setenv("POMONA_TIER", "scalar", 1);
    assert_int_equal(pomona_context_new(POMONA_TIER_AUTO, &context, &error), POMONA_OK);
    assert_int_equal(pomona_context_tier(context), POMONA_TIER_SCALAR);
    pomona_context_free(&context);
    static const char *const open[] = {"", "auto"};
    for (int i = 0; i < 2; i++) {
        setenv("POMONA_TIER", open[i], 1);
        assert_int_equal(pomona_context_new(POMONA_TIER_AUTO, &context, &error), POMONA_OK);
        assert_int_equal(pomona_context_tier(context), pomona_tier_best());
        pomona_context_free(&context);
    }
}

static void the_caller_overrides_the_environment(void **state) {
    (void)state;
    struct pomona_context *context;
    setenv("POMONA_TIER", "nonsense", 1);
    assert_int_equal(pomona_context_new(POMONA_TIER_SCALAR, &context, &error), POMONA_OK);
    pomona_context_free(&context);
}

static void a_wrong_environment_is_an_error(void **state) {
    (void)state;
    struct pomona_context *context;
    setenv("POMONA_TIER", "sse9", 1);
    assert_failure(pomona_context_new(POMONA_TIER_AUTO, &context, &error), POMONA_E_USAGE, "sse9");
    assert_null(context);
    setenv("POMONA_TIER", pomona_tier_name(foreign_tier), 1);
    assert_failure(pomona_context_new(POMONA_TIER_AUTO, &context, &error), POMONA_E_UNSUPPORTED,
                   pomona_tier_name(foreign_tier));
    assert_null(context);
    assert_int_equal(pomona_context_new(POMONA_TIER_AUTO, &context, NULL), POMONA_E_UNSUPPORTED);
}

static void numbers_that_are_no_tier_are_refused(void **state) {
    (void)state;
    static const int numbers[] = {POMONA_TIER_COUNT, -2, 1000};
    for (int i = 0; i < 3; i++) {
        struct pomona_context *context;
        assert_int_equal(pomona_context_new((pomona_tier)numbers[i], &context, &error), POMONA_E_UNSUPPORTED);
        assert_null(context);
    }
}

static void memory_may_run_out(void **state) {
    (void)state;
    struct pomona_context *context = NULL;
    fail_allocation(1);
    assert_failure(pomona_context_new(POMONA_TIER_SCALAR, &context, &error), POMONA_E_MEMORY, "context");
    assert_true(failed_allocation());
    fail_allocation(0);
    assert_null(context);
}

static void nothing_may_be_freed(void **state) {
    (void)state;
    struct pomona_context *context = NULL;
    pomona_context_free(NULL);
    pomona_context_free(&context);
}

static int forget_environment(void **state) {
    (void)state;
    return unsetenv("POMONA_TIER");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_available_tier_runs),
        cmocka_unit_test(families_have_the_tier_or_a_lower_one),
        cmocka_unit_test(loops_of_the_peak_do_what_they_count),
        cmocka_unit_test(kernels_are_listed_once_each),
        cmocka_unit_test_teardown(the_environment_names_the_tier, forget_environment),
        cmocka_unit_test_teardown(the_caller_overrides_the_environment, forget_environment),
        cmocka_unit_test_teardown(a_wrong_environment_is_an_error, forget_environment),
        cmocka_unit_test(numbers_that_are_no_tier_are_refused),
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(nothing_may_be_freed)};
    return cmocka_run_group_tests(tests, forget_environment, NULL);
}
