#include "base/memory.h"
#include "failing.h"
#include "report/neighbours.h"
#include "unit.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct pomona_error error;
static struct neighbours found;

static double random_value(void) {
    static unsigned seed = 7;
    seed = seed * 1664525u + 1013904223u;
    return (double)(seed >> 8) / (1 << 24) - 0.5;
}

static double distance(const double *scores, size_t components, size_t a, size_t b, size_t used) {
    double sum = 0;
    for (size_t c = 0; c < used; c++) {
        double away = scores[a * components + c] - scores[b * components + c];
        sum += away * away;
    }
    return sqrt(sum);
}

/* The distance from `row` to its nearest neighbour, the slow way. */
static double nearest(const double *scores, size_t rows, size_t components, size_t row, size_t used) {
    double least = INFINITY;
    for (size_t i = 0; i < rows; i++)
        if (i != row) least = fmin(least, distance(scores, components, i, row, used));
    return least;
}

static void pairs_are_those_of_brute_force(void **state) {
    (void)state;
    enum { ROWS = 700 };
    static const size_t widths[] = {1, 3, 8, 11, 40};
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
        size_t components = widths[w],
               used = components < COMPARED_COMPONENTS ? components : COMPARED_COMPONENTS;
        double *scores = memory_new(ROWS * components, sizeof *scores);
        for (size_t i = 0; i < ROWS * components; i++)
            scores[i] = 100 * random_value() / (double)(1 + i % components);
        assert_int_equal(neighbours_find(scores, ROWS, components, &found, &error), POMONA_OK);
        assert_int_equal(found.pair_count, PAIRS_KEPT);
        double least = INFINITY;
        for (size_t i = 0; i < ROWS; i++) least = fmin(least, nearest(scores, ROWS, components, i, used));
        assert_true(fabs(found.pairs[0].distance - least) <= 1e-12 * (1 + least));
        for (size_t p = 0; p < found.pair_count; p++) {
            const struct near_pair *pair = &found.pairs[p];
            double between = distance(scores, components, pair->a, pair->b, used);
            assert_true(fabs(pair->distance - between) <= 1e-9 * (1 + between));
            double own = fmin(nearest(scores, ROWS, components, pair->a, used),
                              nearest(scores, ROWS, components, pair->b, used));
            assert_true(pair->a < pair->b && pair->distance <= own * (1 + 1e-9) + 1e-12);
            if (p > 0) assert_true(pair->distance >= found.pairs[p - 1].distance);
        }
        neighbours_free(&found);
        memory_free(scores);
    }
}

static void copies_take_one_line(void **state) {
    (void)state;
    enum { ROWS = 200 };
    double scores[2 * ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        scores[2 * i] = i < 50 ? 3 : 100 * random_value() + 200;
        scores[2 * i + 1] = i < 50 ? 4 : 100 * random_value();
    }
    assert_int_equal(neighbours_find(scores, ROWS, 2, &found, &error), POMONA_OK);
    assert_true(found.pairs[0].distance == 0);
    assert_true(found.pairs[0].a < 50 && found.pairs[0].b < 50);
    assert_true(found.pairs[1].distance > 0);
    assert_true(found.pairs[1].a >= 50);
    neighbours_free(&found);
}

static void outliers_are_far_and_sorted(void **state) {
    (void)state;
    enum { ROWS = 100 };
    double scores[2 * ROWS];
    for (size_t i = 0; i < 2 * ROWS; i++) scores[i] = random_value();
    scores[2 * 42] = 1000; /* far out */
    scores[2 * 17 + 1] = -500;
    scores[2 * 3] = NAN; /* left out */
    assert_int_equal(neighbours_find(scores, ROWS, 2, &found, &error), POMONA_OK);
    assert_int_equal(found.finite_count, ROWS - 1);
    assert_int_equal(found.outlier_count, OUTLIERS_KEPT);
    assert_int_equal(found.outliers[0].row, 42);
    assert_int_equal(found.outliers[1].row, 17);
    for (size_t i = 0; i < found.finite_count; i++) assert_int_not_equal(found.finite[i], 3);
    for (size_t i = 1; i < found.outlier_count; i++)
        assert_true(found.outliers[i].distance <= found.outliers[i - 1].distance);
    /* (1000 - the mean of 99 rows) away */
    assert_true(fabs(found.outliers[0].distance - 1000 * 98 / 99.0) < 10);
    neighbours_free(&found);
}

static void poor_scores_are_accepted(void **state) {
    (void)state;
    const double one[] = {1, 2}, same[] = {5, 5, 5, 5, 5, 5}, huge[] = {1e308, -1e308, 1e308, 5e-324},
                 none[] = {NAN, INFINITY};
    assert_int_equal(neighbours_find(NULL, 0, 0, &found, &error), POMONA_OK);
    assert_int_equal(found.finite_count, 0);
    assert_int_equal(neighbours_find(one, 1, 2, &found, &error), POMONA_OK);
    assert_int_equal(found.pair_count, 0);
    neighbours_free(&found);
    assert_int_equal(neighbours_find(same, 6, 1, &found, &error), POMONA_OK);
    assert_int_equal(found.pair_count, 1);
    assert_int_equal(found.pairs[0].more, 4);
    neighbours_free(&found);
    assert_int_equal(neighbours_find(huge, 4, 1, &found, &error), POMONA_OK);
    assert_true(found.pairs[0].distance == 0);
    neighbours_free(&found);
    assert_int_equal(neighbours_find(none, 2, 1, &found, &error), POMONA_OK);
    assert_int_equal(found.finite_count, 0);
    neighbours_free(&found);
    neighbours_free(&found);
}

static void equal_photos_do_not_take_for_ever(void **state) {
    (void)state;
    enum { ROWS = 20000, COMPONENTS = 50 };
    double *scores = memory_new(ROWS * COMPONENTS, sizeof *scores);
    assert_int_equal(neighbours_find(scores, ROWS, COMPONENTS, &found, &error), POMONA_OK);
    assert_int_equal(found.compared, ROWS);
    assert_true(found.typical_nearest == 0);
    neighbours_free(&found);
    memory_free(scores);
}

static void no_memory_is_an_error(void **state) {
    (void)state;
    double scores[60];
    for (size_t i = 0; i < 60; i++) scores[i] = random_value();
    for (long k = 1;; k++) {
        fail_allocation(k);
        pomona_status status = neighbours_find(scores, 20, 3, &found, &error);
        bool reached = failed_allocation();
        fail_allocation(0);
        neighbours_free(&found);
        if (!reached) break;
        assert_int_equal(status, POMONA_E_MEMORY);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_those_of_brute_force),    cmocka_unit_test(copies_take_one_line),
        cmocka_unit_test(outliers_are_far_and_sorted),       cmocka_unit_test(poor_scores_are_accepted),
        cmocka_unit_test(equal_photos_do_not_take_for_ever), cmocka_unit_test(no_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
