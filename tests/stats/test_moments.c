/* Moments are exact, and a group: order, partition and history leave no trace. */
#include "stats/fit/moments.h"
#include "table.h"

static int64_t fixed(float value) { return llrint((double)value * (1 << 20)); } /* ties to even */

static void check_against_integers(int rows, int features, enum table_kind kind) {
    struct table table = table_make(rows, features, 3, kind);
    struct pomona_moments *m = moments_of(&table, 0, 1);
    moments_flush(m);
    for (int i = 0; i < features; i++) {
        int64_t sum = 0;
        for (int r = 0; r < rows; r++) sum += fixed(table_row(&table, r)[i]);
        assert_true(m->sums[i] == sum);
        for (int j = 0; j <= i; j++) {
            int128 product = 0;
            for (int r = 0; r < rows; r++)
                product += (int128)fixed(table_row(&table, r)[i]) * fixed(table_row(&table, r)[j]);
            assert_true(moments_product(m, i, j) == product);
            assert_true(moments_product(m, j, i) == product);
        }
    }
    pomona_moments_free(&m);
    table_free(&table);
}

static void test_exact(void **unused) {
    (void)unused;
    for (enum table_kind kind = TABLE_RELU6; kind <= TABLE_EXTREME; kind++) {
        check_against_integers(1, 1, kind);
        check_against_integers(3, 15, kind);
        check_against_integers(255, 16, kind);
        check_against_integers(256, 17, kind);
        check_against_integers(700, 50, kind);
    }
}

/* A full block of the worst values of both ways of splitting into digits. */
static void test_worst_blocks(void **unused) {
    (void)unused;
    static const float worst[] = {6.99999f,    -6.99999f, 7.0f,       2047.9999f,
                                  -2047.9999f, 6.998047f, -6.998047f, 0.001953f};
    enum { KINDS = sizeof worst / sizeof *worst };
    for (int a = 0; a < KINDS; a++)
        for (int b = 0; b < KINDS; b++) {
            float row[2] = {worst[a], worst[b]};
            struct pomona_moments *m = moments_make(2);
            for (int r = 0; r < 2 * MOMENTS_BLOCK_ROWS; r++)
                assert_int_equal(pomona_moments_add(m, "row", "x", row, &error), POMONA_OK);
            moments_flush(m);
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < 2; j++)
                    assert_true(moments_product(m, i, j) ==
                                2 * MOMENTS_BLOCK_ROWS * (int128)fixed(row[i]) * fixed(row[j]));
            pomona_moments_free(&m);
        }
}

/* Every digit pattern of one value, squared. */
static void test_every_magnitude(void **unused) {
    (void)unused;
    for (int kind = 0; kind < 2; kind++)
        for (int64_t step = 0; step < 4000; step++) {
            int64_t value = kind ? step * 536870 - 1073740000 : step * 3671 - 7340000;
            float row[1] = {(float)((double)value / (1 << 20))};
            struct pomona_moments *m = moments_make(1);
            assert_int_equal(pomona_moments_add(m, "row", NULL, row, &error), POMONA_OK);
            moments_flush(m);
            assert_true(moments_product(m, 0, 0) == (int128)fixed(row[0]) * fixed(row[0]));
            pomona_moments_free(&m);
        }
}

static void shuffle(int *order, int count) {
    for (int i = count - 1; i > 0; i--) {
        int j = (int)(next_random() % (unsigned)(i + 1)), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}

static void test_any_partition_any_order(void **unused) {
    (void)unused;
    static const int partitions[] = {1, 2, 8, 20};
    struct table table = table_make(1037, 70, 9, TABLE_RELU6);
    struct pomona_moments *whole = moments_of(&table, 0, 1);
    for (int round = 0; round < 8; round++) {
        int parts = partitions[round % 4], order[1037], parts_order[20];
        struct pomona_moments *part[20];
        for (int i = 0; i < 1037; i++) order[i] = i;
        shuffle(order, 1037);
        for (int p = 0; p < parts; p++) {
            part[p] = moments_make(70);
            parts_order[p] = p;
        }
        for (int i = 0; i < 1037; i++) add_row(part[i * parts / 1037], &table, order[i]);
        shuffle(parts_order, parts);
        struct pomona_moments *merged = moments_make(70);
        for (int p = 0; p < parts; p++)
            assert_int_equal(pomona_moments_merge(merged, part[parts_order[p]], &error), POMONA_OK);
        assert_same_moments(merged, whole);
        pomona_moments_free(&merged);
        for (int p = 0; p < parts; p++) pomona_moments_free(&part[p]);
    }
    pomona_moments_free(&whole);
    table_free(&table);
}

static void test_tiers_agree(void **unused) {
    (void)unused;
    struct table table = table_make(600, 100, 4, TABLE_WIDE);
    struct pomona_moments *best = moments_of(&table, 0, 1);
    struct pomona_context *usual = context;
    for (pomona_tier tier = POMONA_TIER_SCALAR; tier < POMONA_TIER_COUNT; tier++) {
        if (!pomona_tier_available(tier)) continue;
        assert_int_equal(pomona_context_new(tier, &context, &error), POMONA_OK);
        struct pomona_moments *other = moments_of(&table, 0, 1);
        assert_same_moments(best, other);
        pomona_moments_free(&other);
        pomona_context_free(&context);
    }
    context = usual;
    pomona_moments_free(&best);
    table_free(&table);
}

/* Minus some rows = never having seen them, for one row, for a third, for all. */
static void test_subtract_leaves_no_trace(void **unused) {
    (void)unused;
    struct table table = table_make(400, 33, 50, TABLE_EXTREME);
    for (int step = 1; step <= 400; step = step == 1 ? 3 : step == 3 ? 400 : 401) {
        struct pomona_moments *whole = moments_of(&table, 0, 1), *gone = moments_of(&table, 0, step);
        struct pomona_moments *kept = moments_make(33);
        for (int row = 0; row < 400; row++)
            if (row % step != 0) add_row(kept, &table, row);
        assert_int_equal(pomona_moments_subtract(whole, gone, &error), POMONA_OK);
        assert_same_moments(whole, kept);
        assert_int_equal(pomona_moments_merge(whole, gone, &error), POMONA_OK);
        struct pomona_moments *again = moments_of(&table, 0, 1);
        assert_same_moments(whole, again);
        pomona_moments_free(&again);
        pomona_moments_free(&whole);
        pomona_moments_free(&gone);
        pomona_moments_free(&kept);
    }
    table_free(&table);
}

static void test_merge_and_subtract_itself(void **unused) {
    (void)unused;
    struct table table = table_make(300, 20, 4, TABLE_RELU6);
    struct pomona_moments *twice = moments_of(&table, 0, 1), *m = moments_of(&table, 0, 1);
    for (int row = 0; row < 300; row++) add_row(twice, &table, row);
    assert_int_equal(pomona_moments_merge(m, m, &error), POMONA_OK);
    assert_same_moments(m, twice);
    assert_int_equal(pomona_moments_subtract(m, m, &error), POMONA_OK);
    struct pomona_moments *none = moments_make(20);
    assert_same_moments(m, none);
    pomona_moments_free(&none);
    pomona_moments_free(&twice);
    pomona_moments_free(&m);
    table_free(&table);
}

static void test_refusals_change_nothing(void **unused) {
    (void)unused;
    struct table table = table_make(100, 20, 4, TABLE_RELU6), other = table_make(30, 20, 4, TABLE_WIDE);
    struct pomona_moments *m = moments_of(&table, 0, 1), *same = moments_of(&table, 0, 1);
    struct pomona_moments *foreign = moments_of(&other, 0, 1), *narrow = moments_make(19), *model;
    assert_int_equal(pomona_moments_new(context, 20, "another", &model, &error), POMONA_OK);
    assert_failure(pomona_moments_merge(m, narrow, &error), POMONA_E_INPUT, "19 features");
    assert_failure(pomona_moments_merge(m, model, &error), POMONA_E_INPUT, "space and another");
    assert_failure(pomona_moments_subtract(m, model, &error), POMONA_E_INPUT, "feature space");
    assert_failure(pomona_moments_subtract(m, foreign, &error), POMONA_E_INPUT, "never added");
    assert_failure(pomona_moments_subtract(foreign, m, &error), POMONA_E_INPUT, "never added");
    pomona_moments_free(&model);
    float row[20] = {0};
    static const float bad[] = {NAN, INFINITY, -INFINITY, 2048.0f, -2048.0f, 1e30f};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        row[i] = bad[i];
        assert_failure(pomona_moments_add(m, "photo.jpg", "new label", row, &error), POMONA_E_INPUT,
                       "photo.jpg: feature");
        row[i] = 0;
    }
    assert_same_moments(m, same);
    assert_failure(pomona_moments_new(context, 4097, NULL, &model, &error), POMONA_E_LIMIT, "4097");
    assert_failure(pomona_moments_new(context, 0, NULL, &model, &error), POMONA_E_LIMIT, "4096");
    assert_null(model);
    pomona_moments_free(&m);
    pomona_moments_free(&same);
    pomona_moments_free(&foreign);
    pomona_moments_free(&narrow);
    table_free(&table);
    table_free(&other);
}

static void test_statistics(void **unused) {
    (void)unused;
    struct pomona_moments *m = moments_make(2);
    double mean[2], deviation[2];
    static const float rows[4][2] = {{1, 5}, {2, 5}, {3, 5}, {4, 5}};
    pomona_moments_statistics(m, mean, deviation);
    assert_true(mean[0] == 0 && deviation[0] == 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pomona_moments_add(m, "r", NULL, rows[i], &error), POMONA_OK);
    pomona_moments_statistics(m, mean, deviation);
    assert_true(mean[0] == 2.5 && mean[1] == 5 && deviation[1] == 0);
    assert_true(fabs(deviation[0] - sqrt(5.0 / 3)) < 1e-15);
    pomona_moments_free(&m);
}

static void test_labels(void **unused) {
    (void)unused;
    enum { LABELS = 100000 };
    struct pomona_moments *m = moments_make(1), *backwards = moments_make(1);
    char label[32];
    for (int i = 0; i < LABELS; i++) {
        float row[1] = {(float)(i % 1000)};
        snprintf(label, sizeof label, "%05d", i);
        assert_int_equal(pomona_moments_add(m, "r", label, row, &error), POMONA_OK);
        row[0] = (float)((LABELS - 1 - i) % 1000);
        snprintf(label, sizeof label, "%05d", LABELS - 1 - i);
        assert_int_equal(pomona_moments_add(backwards, "r", label, row, &error), POMONA_OK);
    }
    assert_same_moments(m, backwards);
    struct pomona_moments_info info;
    pomona_moments_get_info(m, &info);
    assert_int_equal(info.labels, LABELS);
    assert_false(info.has_null);
    const char *name;
    int64_t rows;
    assert_true(pomona_moments_label(m, 777, &name, &rows));
    assert_string_equal(name, "00777");
    assert_false(pomona_moments_label(m, LABELS, &name, &rows));
    float zero[1] = {0};
    assert_int_equal(pomona_moments_add(m, "r", NULL, zero, &error), POMONA_OK);
    assert_int_equal(pomona_moments_add(m, "r", "", zero, &error), POMONA_OK);
    assert_true(pomona_moments_label(m, 0, &name, &rows) && !name);
    assert_true(pomona_moments_label(m, 1, &name, &rows) && !*name);
    pomona_moments_free(&m);
    pomona_moments_free(&backwards);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_exact),
                                       cmocka_unit_test(test_worst_blocks),
                                       cmocka_unit_test(test_every_magnitude),
                                       cmocka_unit_test(test_any_partition_any_order),
                                       cmocka_unit_test(test_tiers_agree),
                                       cmocka_unit_test(test_subtract_leaves_no_trace),
                                       cmocka_unit_test(test_merge_and_subtract_itself),
                                       cmocka_unit_test(test_refusals_change_nothing),
                                       cmocka_unit_test(test_statistics),
                                       cmocka_unit_test(test_labels)};
    if (pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pomona_context_free(&context);
    return failed;
}
