/* PCA from moments, against the definition: an own Jacobi eigensolver on the covariance of the rows. */
#include "pomona/pca.h"
#include "table.h"

enum { WIDTH_MAX = 40 };

/* Eigenvalues of a symmetric matrix by cyclic Jacobi rotations, descending in `values`. */
static void jacobi(int n, double a[WIDTH_MAX][WIDTH_MAX], double *values) {
    for (int sweep = 0; sweep < 60; sweep++)
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) {
                if (fabs(a[p][q]) < 1e-300) continue;
                double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
                double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1)),
                       c = 1 / sqrt(t * t + 1);
                double s = t * c;
                for (int k = 0; k < n; k++) {
                    double x = a[k][p], y = a[k][q];
                    a[k][p] = c * x - s * y, a[k][q] = s * x + c * y;
                }
                for (int k = 0; k < n; k++) {
                    double x = a[p][k], y = a[q][k];
                    a[p][k] = c * x - s * y, a[q][k] = s * x + c * y;
                }
            }
    for (int i = 0; i < n; i++) values[i] = a[i][i];
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            if (values[j] > values[i]) {
                double swap = values[i];
                values[i] = values[j], values[j] = swap;
            }
}

/* Covariance of the rows by its definition, standardised or not. */
static void covariance(const struct table *table, bool standardise, double a[WIDTH_MAX][WIDTH_MAX]) {
    double mean[WIDTH_MAX] = {0};
    int n = table->features, rows = table->rows;
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < n; i++) mean[i] += (double)table_row(table, r)[i] / rows;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            a[i][j] = 0;
            for (int r = 0; r < rows; r++)
                a[i][j] +=
                    (table_row(table, r)[i] - mean[i]) * (table_row(table, r)[j] - mean[j]) / (rows - 1);
        }
    double deviation[WIDTH_MAX];
    for (int i = 0; i < n; i++) deviation[i] = sqrt(a[i][i]);
    for (int i = 0; standardise && i < n; i++)
        for (int j = 0; j < n; j++)
            a[i][j] =
                deviation[i] > 1e-9 && deviation[j] > 1e-9 ? a[i][j] / (deviation[i] * deviation[j]) : 0;
}

static struct pomona_pca *fit(struct pomona_moments *m, const struct pomona_pca_options *options) {
    struct pomona_pca *pca;
    assert_int_equal(pomona_pca_fit(m, options, &pca, &error), POMONA_OK);
    return pca;
}

static void check_against_definition(int rows, int features, bool standardise) {
    struct table table = table_make(rows, features, 3, TABLE_RELU6);
    for (int r = 0; r < rows; r++) table.values[r * features + features / 2] = 3.5f; /* a constant feature */
    struct pomona_moments *m = moments_of(&table, 0, 1);
    const struct pomona_pca_options options = {.no_standardise = !standardise};
    struct pomona_pca *pca = fit(m, &options);
    struct pomona_pca_info info;
    static double a[WIDTH_MAX][WIDTH_MAX], values[WIDTH_MAX], scores[WIDTH_MAX];
    pomona_pca_get_info(pca, &info);
    covariance(&table, standardise, a);
    jacobi(features, a, values);
    int rank = rows - 1 < features - 1 ? rows - 1 : features - 1;
    assert_int_equal(info.rank, rank);
    assert_int_equal(info.k, rank < 50 ? rank : 50);
    for (int i = 0; i < features; i++)
        assert_true(fabs(info.eigenvalues[i] - values[i]) < 1e-4 * (values[0] + 1));
    /* The scores have the eigenvalues as their variance, a mean of 0, and are not correlated. */
    double sum[WIDTH_MAX] = {0}, square[WIDTH_MAX] = {0}, cross = 0;
    for (int r = 0; r < rows; r++) {
        pomona_pca_project(pca, 1, table_row(&table, r), false, scores);
        for (int c = 0; c < info.k; c++) sum[c] += scores[c], square[c] += scores[c] * scores[c];
        if (info.k > 1) cross += scores[0] * scores[1];
    }
    for (int c = 0; c < info.k; c++) {
        assert_true(fabs(sum[c] / rows) < 1e-5);
        assert_true(fabs(square[c] / (rows - 1) - info.eigenvalues[c]) < 1e-4 * (info.eigenvalues[0] + 1));
    }
    assert_true(fabs(cross / (rows - 1)) < 1e-4 * (info.eigenvalues[0] + 1));
    for (int c = 0; c < info.k; c++) {
        const double *component = info.components + c * features;
        double length = 0, extreme = 0;
        for (int i = 0; i < features; i++) {
            length += component[i] * component[i];
            if (fabs(component[i]) > fabs(extreme)) extreme = component[i];
        }
        assert_true(fabs(length - 1) < 1e-12 && extreme > 0);
        if (standardise) assert_true(fabs(component[features / 2]) < 1e-6);
    }
    int varying = 0;
    for (int i = 0; i < features; i++) varying += info.scale[i] > 0;
    if (standardise) assert_true(info.scale[features / 2] == 0 && info.total_variance == varying);
    pomona_pca_free(&pca);
    pomona_moments_free(&m);
    table_free(&table);
}

static void test_definition(void **unused) {
    (void)unused;
    for (int standardise = 0; standardise < 2; standardise++) {
        check_against_definition(500, 40, standardise);
        check_against_definition(60, 33, standardise);
        check_against_definition(12, 40, standardise); /* fewer rows than features */
        check_against_definition(2, 8, standardise);
        check_against_definition(100, 2, standardise);
    }
}

static void test_how_many(void **unused) {
    (void)unused;
    struct table table = table_make(100, 20, 3, TABLE_RELU6);
    struct pomona_moments *m = moments_of(&table, 0, 1);
    struct pomona_pca_info info;
    for (double share = 0.05; share < 1.01; share += 0.05) {
        struct pomona_pca_options options = {.variance = share > 1 ? 1 : share};
        struct pomona_pca *pca = fit(m, &options);
        pomona_pca_get_info(pca, &info);
        double reached = 0, before = 0;
        for (int i = 0; i < info.k; i++)
            before = reached, reached += info.eigenvalues[i] / info.total_variance;
        assert_true(reached >= options.variance - 1e-9 && before < options.variance);
        pomona_pca_free(&pca);
    }
    static const struct {
        struct pomona_pca_options options;
        const char *words;
    } bad[] = {{{.k = 21}, "21"},
               {{.k = -1}, "-1"},
               {{.variance = 1.5}, "1.5"},
               {{.variance = -0.1}, "(0, 1]"},
               {{.variance = NAN}, "(0, 1]"},
               {{.k = 3, .variance = 0.5}, "choose one"},
               {{.variance = 0.99, .max_k = 2}, "2 components explain"},
               {{.max_k = -2}, "-2"}};
    struct pomona_pca *pca;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_failure(pomona_pca_fit(m, &bad[i].options, &pca, &error), POMONA_E_USAGE, bad[i].words);
        assert_null(pca);
    }
    pomona_moments_free(&m);
    table_free(&table);
}

/* Columns that repeat, sum up or stand still lower the rank; more components are refused. */
static void test_rank(void **unused) {
    (void)unused;
    struct table table = table_make(200, 12, 3, TABLE_RELU6);
    for (int r = 0; r < 200; r++) {
        float *row = table.values + r * 12;
        row[9] = row[0], row[10] = row[1] + row[2], row[11] = 1;
    }
    struct pomona_moments *m = moments_of(&table, 0, 1);
    struct pomona_pca *pca;
    struct pomona_pca_options options = {.k = 10};
    assert_failure(pomona_pca_fit(m, &options, &pca, &error), POMONA_E_USAGE, "rank is 9");
    options.k = 9;
    pca = fit(m, &options);
    pomona_pca_free(&pca);
    pomona_moments_free(&m);
    table_free(&table);
}

static void test_too_little(void **unused) {
    (void)unused;
    struct table table = table_make(5, 6, 3, TABLE_RELU6);
    struct pomona_moments *m = moments_make(6);
    struct pomona_pca *pca;
    const struct pomona_pca_options options = {0};
    assert_failure(pomona_pca_fit(m, &options, &pca, &error), POMONA_E_INPUT, "at least two rows");
    add_row(m, &table, 0);
    assert_failure(pomona_pca_fit(m, &options, &pca, &error), POMONA_E_INPUT, "here are 1");
    add_row(m, &table, 0);
    add_row(m, &table, 0);
    assert_failure(pomona_pca_fit(m, &options, &pca, &error), POMONA_E_INPUT, "rows are equal");
    pomona_moments_free(&m);
    table_free(&table);
}

static void test_spark_scores_keep_the_mean(void **unused) {
    (void)unused;
    struct table table = table_make(50, 9, 3, TABLE_RELU6);
    struct pomona_moments *m = moments_of(&table, 0, 1);
    struct pomona_pca_info info;
    for (int standardise = 0; standardise < 2; standardise++) {
        const struct pomona_pca_options options = {.k = 3, .no_standardise = !standardise};
        struct pomona_pca *pca = fit(m, &options);
        double centred[3], spark[3];
        pomona_pca_get_info(pca, &info);
        pomona_pca_project(pca, 1, table_row(&table, 7), false, centred);
        pomona_pca_project(pca, 1, table_row(&table, 7), true, spark);
        for (int c = 0; c < 3; c++) {
            double offset = 0;
            for (int i = 0; i < 9; i++) offset += info.components[c * 9 + i] * info.mean[i];
            assert_true(fabs(spark[c] - centred[c] - (standardise ? 0 : offset)) < 1e-12);
        }
        pomona_pca_free(&pca);
    }
    pomona_moments_free(&m);
    table_free(&table);
}

/* A batch gives each row the scores that it has alone, to the bit. */
static void test_batches(void **unused) {
    (void)unused;
    struct table table = table_make(40, 21, 3, TABLE_RELU6);
    struct pomona_moments *m = moments_of(&table, 0, 1);
    for (int k = 1; k <= 20; k++) {
        const struct pomona_pca_options options = {.k = k};
        struct pomona_pca *pca = fit(m, &options);
        double batch[40 * 20], alone[20];
        pomona_pca_project(pca, 40, table.values, false, batch);
        for (int r = 0; r < 40; r++) {
            pomona_pca_project(pca, 1, table_row(&table, r), false, alone);
            assert_memory_equal(alone, batch + r * k, (size_t)k * sizeof(double));
        }
        pomona_pca_free(&pca);
    }
    pomona_moments_free(&m);
    table_free(&table);
}

static void test_same_moments_same_model(void **unused) {
    (void)unused;
    struct table table = table_make(700, 90, 3, TABLE_RELU6);
    struct pomona_moments *one = moments_of(&table, 0, 1), *two = moments_of(&table, 1, 2);
    struct pomona_moments *rest = moments_of(&table, 0, 2);
    const struct pomona_pca_options options = {.k = 20};
    assert_int_equal(pomona_moments_merge(two, rest, &error), POMONA_OK);
    struct pomona_pca *a = fit(one, &options), *b = fit(two, &options);
    char path[2][64];
    file_name(path[0], "a"), file_name(path[1], "b");
    assert_int_equal(pomona_pca_write(a, path[0], &error), POMONA_OK);
    assert_int_equal(pomona_pca_write(b, path[1], &error), POMONA_OK);
    struct buffer left = file_bytes(path[0]), right = file_bytes(path[1]);
    assert_same_bytes(&left, &right);
    struct pomona_pca *back;
    struct pomona_pca_info info, info_back;
    assert_int_equal(pomona_pca_read(path[0], &back, &error), POMONA_OK);
    pomona_pca_get_info(a, &info), pomona_pca_get_info(back, &info_back);
    assert_string_equal(info.hash, info_back.hash);
    assert_string_equal(info_back.feature_space, "space");
    double scores[20], again[20];
    pomona_pca_project(a, 1, table_row(&table, 5), false, scores);
    pomona_pca_project(back, 1, table_row(&table, 5), false, again);
    assert_memory_equal(scores, again, sizeof scores);
    unlink(path[0]), unlink(path[1]);
    buffer_free(&left), buffer_free(&right);
    pomona_pca_free(&a), pomona_pca_free(&b), pomona_pca_free(&back);
    pomona_moments_free(&one), pomona_moments_free(&two), pomona_moments_free(&rest);
    table_free(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_definition),
                                       cmocka_unit_test(test_how_many),
                                       cmocka_unit_test(test_rank),
                                       cmocka_unit_test(test_too_little),
                                       cmocka_unit_test(test_spark_scores_keep_the_mean),
                                       cmocka_unit_test(test_batches),
                                       cmocka_unit_test(test_same_moments_same_model)};
    if (pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pomona_context_free(&context);
    return failed;
}
