/* The numbers of a comparison and the choice that is made of them. */
#include "base/memory.h"
#include "job/comparison.h"
#include "job/measure.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct pomona_error error;

static void assert_near(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance)) fail_msg("%.17g is not %.17g", value, expected);
}

static void test_percentiles(void **unused) {
    (void)unused;
    double values[200];
    for (int i = 0; i < 200; i++) values[i] = (i * 77) % 200 + 1; /* 1..200, shuffled */
    measure_sort(values, 200);
    assert_true(values[0] == 1 && values[199] == 200);
    assert_true(measure_percentile(values, 200, 0.5) == 100);
    assert_true(measure_percentile(values, 200, 0.99) == 198); /* two photos of 200 are slower */
    assert_true(measure_percentile(values, 99, 0.99) == 99);   /* of fewer than 100, the slowest */
    assert_true(measure_percentile(values, 100, 0.99) == 99);
    assert_true(measure_percentile(values, 1, 0.99) == 1);
    assert_true(measure_percentile(values, 10, 0) == 1);
    assert_true(measure_percentile(values, 10, 1) == 10);
}

static void test_rounds(void **unused) {
    (void)unused;
    double odd[] = {3, 9, 1}, even[] = {4, 1, 2, 9}, with_nan[] = {1, NAN, 2};
    struct pomona_compare_figure figure = measure_rounds(odd, 3);
    assert_true(figure.median == 3 && figure.low == 1 && figure.high == 9);
    figure = measure_rounds(even, 4);
    assert_true(figure.median == 3 && figure.low == 1 && figure.high == 9);
    figure = measure_rounds(even, 1);
    assert_true(figure.median == 1 && figure.low == 1 && figure.high == 1);
    assert_true(isnan(measure_rounds(with_nan, 3).median) && isnan(measure_rounds(odd, 0).median));
}

static void test_wilson(void **unused) {
    (void)unused;
    /* scipy 1.17.1: binomtest(81, 100).proportion_ci(0.95, "wilson"), and at the ends. */
    struct pomona_compare_share share = measure_share(81, 100);
    assert_near(share.share, 0.81, 1e-15);
    assert_near(share.low, 0.7222115462093562, 1e-12);
    assert_near(share.high, 0.8748524849023126, 1e-12);
    share = measure_share(0, 10);
    assert_true(share.low == 0);
    assert_near(share.high, 0.27753279986288926, 1e-12);
    share = measure_share(10, 10);
    assert_true(share.high == 1);
    assert_near(share.low, 0.7224672001371109, 1e-12);
    share = measure_share(0, 0);
    assert_true(share.of == 0 && share.high == 0);
}

static void test_mcnemar(void **unused) {
    (void)unused;
    /* scipy 1.17.1: binomtest(b, b + c).pvalue. */
    assert_near(measure_mcnemar(0, 0), 1, 0);
    assert_near(measure_mcnemar(1, 0), 1, 1e-12);
    assert_near(measure_mcnemar(5, 0), 0.0625, 1e-12);
    assert_near(measure_mcnemar(0, 6), 0.03125, 1e-12);
    assert_near(measure_mcnemar(2, 8), 0.109375, 1e-12);
    assert_near(measure_mcnemar(7, 7), 1, 1e-12);
    assert_near(measure_mcnemar(40, 60), 0.05688793364098089, 1e-12);
    assert_near(measure_mcnemar(39, 61), 0.035200200217704855, 1e-12);
    assert_near(measure_mcnemar(49000, 51000) / 2.5887160383468943e-10, 1,
                1e-8); /* 2^-n is no number any more */
    assert_true(measure_mcnemar(0, 100000) == 0);
}

static void test_budget(void **unused) {
    (void)unused;
    struct pomona_compare_budget budget;
    assert_int_equal(pomona_compare_budget_parse("memory=64MB,ms=20,p99=40ms,bytes=1.5MiB", &budget, &error),
                     POMONA_OK);
    assert_true(budget.memory == 64000000 && budget.ms == 20 && budget.p99 == 40 && budget.bytes == 1572864);
    assert_int_equal(pomona_compare_budget_parse("bytes=500kB", &budget, &error), POMONA_OK);
    assert_true(budget.memory == 0 && budget.ms == 0 && budget.bytes == 500000);
    static const char *const no_amounts[] = {
        "memory=",   "memory=-1", "memory=0",    "ms=nan",      "ms=inf",  "ms= 3",    "ms=1e999",   "ms=3s",
        "bytes=1XB", "ms",        "ms=20,ms=20", "memory=0.5B", "ms=0x10", "ms=0x1p3", "memory=1e30"};
    for (size_t i = 0; i < sizeof no_amounts / sizeof *no_amounts; i++)
        assert_failure(pomona_compare_budget_parse(no_amounts[i], &budget, &error), POMONA_E_USAGE,
                       "no amount above 0");
    static const char *const no_keys[] = {"", ",", "ms=20,", "speed=3", "Memory=3", "m=1", "=1"};
    for (size_t i = 0; i < sizeof no_keys / sizeof *no_keys; i++)
        assert_failure(pomona_compare_budget_parse(no_keys[i], &budget, &error), POMONA_E_USAGE,
                       "is none of");
    assert_true(budget.memory == 0 && budget.ms == 0 && budget.p99 == 0 && budget.bytes == 0);
}

/* ---- the choice ---- */

enum { PHOTOS = 200, ROWS = 4 };

/* Rows that answer the photos [0, right) right, with the cost given. */
static struct pomona_compare_row rows[ROWS];
static uint8_t verdicts[ROWS][PHOTOS];
static const uint8_t *pointers[ROWS];

static void set_row(int index, const char *name, int right, double ms, uint64_t megabytes) {
    struct pomona_compare_row *row = &rows[index];
    memset(row, 0, sizeof *row);
    snprintf(row->name, sizeof row->name, "%s", name);
    snprintf(row->kind, sizeof row->kind, "logistic");
    for (int i = 0; i < PHOTOS; i++)
        verdicts[index][i] = (uint8_t)(VERDICT_READ | VERDICT_KNOWN | (i < right ? VERDICT_FINE : 0));
    row->ms = (struct pomona_compare_figure){ms, ms, ms};
    row->p99_ms = (struct pomona_compare_figure){2 * ms, 2 * ms, 2 * ms};
    row->peak_memory = megabytes * 1000000;
    row->file_bytes = 1000;
    row->width = row->height = 160;
    pointers[index] = verdicts[index];
    compare_count(verdicts[index], PHOTOS, row);
}

static struct pomona_compare_result choose(int count, const char *budget) {
    struct pomona_compare_result result = {.rows = rows, .row_count = count};
    if (budget) assert_int_equal(pomona_compare_budget_parse(budget, &result.budget, &error), POMONA_OK);
    compare_choose(&result, pointers, PHOTOS);
    assert_int_equal(compare_advise(&result, &error), POMONA_OK);
    return result;
}

static void assert_says(const struct pomona_compare_result *result, const char *part) {
    if (!strstr(result->advice, part)) fail_msg("'%s' lacks '%s'", result->advice, part);
}

static void test_most_accurate(void **unused) {
    (void)unused;
    set_row(0, "large", 180, 20, 60);
    set_row(1, "small", 150, 5, 20);
    struct pomona_compare_result result = choose(2, NULL);
    assert_int_equal(result.reason, POMONA_COMPARE_MOST_ACCURATE);
    assert_int_equal(result.chosen, 0);
    assert_true(rows[0].front && rows[1].front && rows[0].tied && !rows[1].tied && rows[1].p < 1e-6);
    assert_says(&result, "Take large: top-1 90.0 % of 200 photos");
    assert_says(&result, "1 is less accurate beyond chance");
    assert_says(&result, "Front of accuracy and latency: large and small.");
}

static void test_cheaper_as_good(void **unused) {
    (void)unused;
    set_row(0, "large", 153, 20, 60);
    set_row(1, "small", 150, 5, 20);
    set_row(2, "slow", 100, 30, 80);
    struct pomona_compare_result result = choose(3, NULL);
    assert_int_equal(result.reason, POMONA_COMPARE_CHEAPER_AS_GOOD);
    assert_true(result.best == 0 && result.chosen == 1 && rows[1].tied && !rows[2].tied && !rows[2].front);
    assert_near(rows[1].p, 0.25, 1e-12); /* three photos that only the large one answers right */
    assert_says(&result, "Take small");
    assert_says(&result, "may be chance (McNemar's test, p = 0.25), and takes 20 ms");
}

static void test_as_fast_goes_to_the_smaller(void **unused) {
    (void)unused;
    set_row(0, "a", 150, 5, 60);
    set_row(1, "b", 150, 5.2, 20);
    set_row(2, "c", 150, 5.3, 10); /* 6 % slower: no noise */
    struct pomona_compare_result result = choose(3, NULL);
    assert_true(result.best == 0 && result.chosen == 1);
    assert_says(&result, "a answers as many photos right, is about as fast, and takes 60.0 MB.");
    assert_says(&result, "1 more is not worse beyond chance, but dearer.");
    rows[1].peak_memory =
        58500000; /* now as small as the other, too: nothing speaks against the more accurate one */
    set_row(2, "c", 151, 5.1, 59);
    result = choose(3, NULL);
    assert_true(result.chosen == 2);
    assert_int_equal(result.reason, POMONA_COMPARE_MOST_ACCURATE);
}

static void test_budgets(void **unused) {
    (void)unused;
    set_row(0, "large", 180, 20, 60);
    set_row(1, "middle", 170, 12, 40);
    set_row(2, "small", 120, 5, 20);
    struct pomona_compare_result result = choose(3, "memory=50MB,ms=15");
    assert_int_equal(result.chosen, 1);
    assert_true(!rows[0].fits && rows[0].over_memory && rows[0].over_ms && rows[1].fits && !rows[0].tied);
    assert_says(&result, "Over budget: large (memory 60.0 of 50.0 MB, 20 of 15 ms).");
    result = choose(3, "p99=15");
    assert_int_equal(result.chosen, 2);
    assert_true(rows[1].over_p99 && !rows[1].over_ms);
    result = choose(3, "bytes=999B");
    assert_int_equal(result.reason, POMONA_COMPARE_NONE_FITS);
    assert_true(result.chosen == -1 && result.best == -1 && rows[0].over_bytes);
    result = choose(3, "memory=10MB,ms=4");
    assert_true(result.reason == POMONA_COMPARE_NONE_FITS && result.nearest == 2);
    assert_near(result.excess, 2, 1e-12);
    assert_says(&result,
                "No model fits the budget. Over budget: large (memory 60.0 of 10.0 MB, 20 of 4 ms), middle");
    assert_says(&result, "Nearest: small, 2.00 times its tightest budget.");
    assert_false(strstr(result.advice, "Take"));
    rows[2].peak_memory = 0; /* unknown: not within a bound that can't be checked */
    result = choose(3, "memory=1GB");
    assert_true(rows[2].over_memory && result.chosen == 0);
}

static void test_labels_that_differ(void **unused) {
    (void)unused;
    set_row(0, "narrow", 50, 5, 20);
    set_row(1, "wide", 150, 10, 20);
    for (int i = 50; i < PHOTOS; i++)
        verdicts[0][i] = VERDICT_READ; /* knows only the first 50 photos' labels */
    verdicts[0][0] |= VERDICT_REJECTED;
    compare_count(verdicts[0], PHOTOS, &rows[0]);
    assert_true(rows[0].fine.of == 50 && rows[0].unknown == 150 && rows[0].fine.share == 1 &&
                rows[0].rejected == 1);
    assert_near(rows[0].answered, 0.25, 1e-15);
    struct pomona_compare_result result = choose(2, NULL);
    assert_true(result.chosen == 1 && result.labels_differ);
    assert_says(&result, "different labels");
}

static void test_rows_without_accuracy(void **unused) {
    (void)unused;
    set_row(0, "head", 150, 10, 20);
    set_row(1, "backbone", 0, 5, 20);
    set_row(2, "broken", 0, 0, 0);
    set_row(3, "head", 160, 12, 20);
    rows[1].kind[0] = '\0', rows[1].fine.of = 0, pointers[1] = NULL;
    snprintf(rows[2].error, sizeof rows[2].error, "not ONNX"), rows[2].fine.of = 0, pointers[2] = NULL;
    rows[3].width = 192;
    struct pomona_compare_result result = choose(4, NULL);
    assert_int_equal(result.chosen, 3);
    assert_true(!rows[1].front && !rows[2].fits && !rows[1].tied);
    assert_says(&result, "Take head at 192 x 160");
    assert_says(&result, "Without a head, so without accuracy: backbone.");
    assert_says(&result, "Could not be measured: broken.");
    rows[0].fine.of = rows[3].fine.of = 0;
    result = choose(4, "ms=3");
    assert_int_equal(result.reason, POMONA_COMPARE_NO_ACCURACY);
    assert_true(result.chosen == -1 && result.nearest == -1);
}

static void test_failed_photos(void **unused) {
    (void)unused;
    set_row(0, "a", 100, 10, 20);
    for (int i = 0; i < 20; i++) verdicts[0][i] = 0;
    compare_count(verdicts[0], PHOTOS, &rows[0]);
    assert_true(rows[0].failed == 20 && rows[0].photos == 180 && rows[0].fine.right == 80);
}

/* Long names in number: the advice is cut, not overrun, and every allocation may fail. */
static void test_long_advice(void **unused) {
    (void)unused;
    char name[128];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (int i = 0; i < ROWS; i++) set_row(i, name, 150 - i, 5 + i, 20);
    struct pomona_compare_result result = {.rows = rows, .row_count = ROWS, .budget = {.ms = 1, .memory = 1}};
    compare_choose(&result, pointers, PHOTOS);
    for (long k = 1;; k++) {
        fail_allocation(k);
        pomona_status status = compare_advise(&result, &error);
        int reached = failed_allocation();
        fail_allocation(0);
        assert_int_equal(status, reached ? POMONA_E_MEMORY : POMONA_OK);
        if (!reached) break;
    }
    assert_true(strlen(result.advice) > 1000 && strlen(result.advice) < sizeof result.advice);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_percentiles),
                                       cmocka_unit_test(test_rounds),
                                       cmocka_unit_test(test_wilson),
                                       cmocka_unit_test(test_mcnemar),
                                       cmocka_unit_test(test_budget),
                                       cmocka_unit_test(test_most_accurate),
                                       cmocka_unit_test(test_cheaper_as_good),
                                       cmocka_unit_test(test_as_fast_goes_to_the_smaller),
                                       cmocka_unit_test(test_budgets),
                                       cmocka_unit_test(test_labels_that_differ),
                                       cmocka_unit_test(test_rows_without_accuracy),
                                       cmocka_unit_test(test_failed_photos),
                                       cmocka_unit_test(test_long_advice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
