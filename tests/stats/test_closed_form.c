/* LDA and ridge from moments: against their definitions on the rows, and exact where they promise to be. */
#include "../base/failing.h"
#include "stats/fit/closed_form.h"
#include "stats/fit/moments.h"
#include "table.h"

enum { CLASSES = 4, WIDTH = 7, ROWS = 120 };
static const char *const names[] = {"pear", "apple", "fig", "kiwi", "nobody"}; /* not in the moments' order */

/* Rows around the centres of their classes, with features that go together, and one that stands still. */
struct photos {
    int rows;
    float features[ROWS][WIDTH];
    int leaf[ROWS];
};

static struct photos photos_make(int rows, int classes) {
    struct photos p = {.rows = rows};
    for (int i = 0; i < rows; i++) {
        p.leaf[i] = i < 2 * classes ? i % classes : (int)(uniform() * uniform() * classes); /* uneven */
        double common = uniform();
        for (int j = 0; j < WIDTH; j++)
            p.features[i][j] = (float)(3 * ((p.leaf[i] * 5 + j * 3) % 4 == 0) + common * j + uniform());
        p.features[i][3] = 2.5f;
    }
    return p;
}

static void add_photo(struct pomona_moments *m, const struct photos *p, int i) {
    assert_int_equal(pomona_moments_add(m, "photo", names[p->leaf[i]], p->features[i], &error), POMONA_OK);
}

static struct pomona_moments *photos_moments(const struct photos *p) {
    struct pomona_moments *m = moments_make(WIDTH);
    for (int i = 0; i < p->rows; i++) add_photo(m, p, i);
    return m;
}

static struct closed_form *form_of(struct pomona_moments *m, int classes) {
    struct closed_form *form;
    assert_int_equal(closed_form_new(m, names, classes, &form, &error), POMONA_OK);
    return form;
}

/* Gaussian elimination with pivoting: a [n][n], b [n] becomes the solution. */
static void solve_system(int n, double a[WIDTH][WIDTH], double *b) {
    for (int k = 0; k < n; k++) {
        int pivot = k;
        for (int i = k; i < n; i++)
            if (fabs(a[i][k]) > fabs(a[pivot][k])) pivot = i;
        for (int j = 0; j < n; j++) {
            double swap = a[k][j];
            a[k][j] = a[pivot][j], a[pivot][j] = swap;
        }
        double swap = b[k];
        b[k] = b[pivot], b[pivot] = swap;
        for (int i = k + 1; i < n; i++) {
            double factor = a[i][k] / a[k][k];
            for (int j = k; j < n; j++) a[i][j] -= factor * a[k][j];
            b[i] -= factor * b[k];
        }
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int j = i + 1; j < n; j++) b[i] -= a[i][j] * b[j];
        b[i] /= a[i][i];
    }
}

/* Standardised rows, class means and counts, in plain double. */
struct plain {
    double z[ROWS][WIDTH], centre[CLASSES][WIDTH], count[CLASSES];
};

static struct plain plain_of(const struct photos *p) {
    static struct plain s;
    memset(&s, 0, sizeof s);
    for (int j = 0; j < WIDTH; j++) {
        double mean = 0, square = 0;
        for (int i = 0; i < p->rows; i++) mean += (double)p->features[i][j] / p->rows;
        for (int i = 0; i < p->rows; i++) square += pow((double)p->features[i][j] - mean, 2);
        double deviation = sqrt(square / (p->rows - 1));
        for (int i = 0; i < p->rows; i++)
            s.z[i][j] = j == 3 ? 0 : ((double)p->features[i][j] - mean) / deviation;
    }
    for (int i = 0; i < p->rows; i++) s.count[p->leaf[i]]++;
    for (int i = 0; i < p->rows; i++)
        for (int j = 0; j < WIDTH; j++) s.centre[p->leaf[i]][j] += s.z[i][j] / s.count[p->leaf[i]];
    return s;
}

static double logit(const struct linear_model *model, int class, const float *x) {
    double sum = model->bias[class];
    for (int j = 0; j < WIDTH; j++) sum += model->weight[class * WIDTH + j] * (double)x[j];
    return sum;
}

static void assert_close(double got, double want) {
    if (!(fabs(got - want) <= 2e-5 * (1 + fabs(want)))) fail_msg("%.12g is not %.12g", got, want);
}

static void test_lda_definition(void **unused) {
    (void)unused;
    struct photos p = photos_make(ROWS, CLASSES);
    struct plain s = plain_of(&p);
    struct pomona_moments *m = photos_moments(&p);
    struct closed_form *form = form_of(m, CLASSES);
    for (double shrinkage = 0.1; shrinkage <= 1; shrinkage += 0.3) {
        struct linear_model model;
        assert_int_equal(lda_fit(form, shrinkage, &model, &error), POMONA_OK);
        double pooled[WIDTH][WIDTH] = {0}, diagonal = 0;
        for (int i = 0; i < ROWS; i++)
            for (int a = 0; a < WIDTH; a++)
                for (int b = 0; b < WIDTH; b++)
                    pooled[a][b] += (s.z[i][a] - s.centre[p.leaf[i]][a]) *
                                    (s.z[i][b] - s.centre[p.leaf[i]][b]) / (ROWS - CLASSES);
        for (int a = 0; a < WIDTH; a++) diagonal += pooled[a][a] / (WIDTH - 1); /* one feature stands still */
        for (int c = 0; c < CLASSES; c++) {
            double a[WIDTH][WIDTH], w[WIDTH], half = 0;
            for (int i = 0; i < WIDTH; i++) {
                w[i] = s.centre[c][i];
                for (int j = 0; j < WIDTH; j++)
                    a[i][j] = (1 - shrinkage) * pooled[i][j] + (i == j ? shrinkage * diagonal : 0);
            }
            solve_system(WIDTH, a, w);
            for (int j = 0; j < WIDTH; j++) half += w[j] * s.centre[c][j] / 2;
            for (int i = 0; i < ROWS; i++) {
                double want = -half;
                for (int j = 0; j < WIDTH; j++) want += w[j] * s.z[i][j];
                assert_close(logit(&model, c, p.features[i]), want);
            }
            assert_true(model.weight[c * WIDTH + 3] == 0);
        }
        double bias = model.bias[1];
        lda_use_shares(form, &model);
        assert_close(model.bias[1] - bias, log(s.count[1] / ROWS));
        linear_model_free(&model);
    }
    closed_form_free(&form);
    pomona_moments_free(&m);
}

static void test_ridge_definition(void **unused) {
    (void)unused;
    struct photos p = photos_make(ROWS, CLASSES);
    struct plain s = plain_of(&p);
    struct pomona_moments *m = photos_moments(&p);
    struct closed_form *form = form_of(m, CLASSES);
    for (double l2 = 0.001; l2 < 100; l2 *= 10) {
        struct linear_model model, balanced;
        assert_int_equal(ridge_fit(form, l2, &model, &error), POMONA_OK);
        assert_int_equal(ridge_fit(form, l2, &balanced, &error), POMONA_OK);
        ridge_balance(form, &balanced);
        for (int c = 0; c < CLASSES; c++) {
            double a[WIDTH][WIDTH] = {0}, w[WIDTH] = {0}, share = s.count[c] / ROWS;
            for (int i = 0; i < ROWS; i++)
                for (int j = 0; j < WIDTH; j++) {
                    w[j] += s.z[i][j] * (p.leaf[i] == c) / ROWS;
                    for (int k = 0; k < WIDTH; k++) a[j][k] += s.z[i][j] * s.z[i][k] / ROWS;
                }
            for (int j = 0; j < WIDTH; j++) a[j][j] += l2;
            solve_system(WIDTH, a, w);
            for (int i = 0; i < ROWS; i++) {
                double want = share;
                for (int j = 0; j < WIDTH; j++) want += w[j] * s.z[i][j];
                assert_close(logit(&model, c, p.features[i]), want);
                assert_close(logit(&balanced, c, p.features[i]), want / sqrt(share));
            }
        }
        linear_model_free(&model);
        linear_model_free(&balanced);
    }
    closed_form_free(&form);
    pomona_moments_free(&m);
}

static void assert_same_models(struct pomona_moments *one, struct pomona_moments *two) {
    struct closed_form *left = form_of(one, CLASSES), *right = form_of(two, CLASSES);
    for (int kind = 0; kind < 2; kind++) {
        struct linear_model a, b;
        assert_int_equal((kind ? ridge_fit : lda_fit)(left, 0.3, &a, &error), POMONA_OK);
        assert_int_equal((kind ? ridge_fit : lda_fit)(right, 0.3, &b, &error), POMONA_OK);
        assert_memory_equal(a.weight, b.weight, CLASSES * WIDTH * sizeof(double));
        assert_memory_equal(a.bias, b.bias, CLASSES * sizeof(double));
        linear_model_free(&a);
        linear_model_free(&b);
    }
    closed_form_free(&left);
    closed_form_free(&right);
}

/* Any order and partition, and rows that were added and taken away again: the same bytes. */
static void test_exactly_mergeable_and_unlearnable(void **unused) {
    (void)unused;
    struct photos p = photos_make(ROWS, CLASSES), other = photos_make(90, CLASSES);
    struct pomona_moments *whole = photos_moments(&p), *backwards = moments_make(WIDTH),
                          *merged = moments_make(WIDTH);
    struct pomona_moments *parts[3], *rest = photos_moments(&other), *both = photos_moments(&p);
    for (int i = ROWS - 1; i >= 0; i--) add_photo(backwards, &p, i);
    for (int part = 0; part < 3; part++) parts[part] = moments_make(WIDTH);
    for (int i = 0; i < ROWS; i++) add_photo(parts[i * 7 % 3], &p, i);
    for (int part = 2; part >= 0; part--)
        assert_int_equal(pomona_moments_merge(merged, parts[part], &error), POMONA_OK);
    assert_int_equal(pomona_moments_merge(both, rest, &error), POMONA_OK);
    assert_int_equal(pomona_moments_subtract(both, rest, &error), POMONA_OK);
    assert_same_models(whole, backwards);
    assert_same_models(whole, merged);
    assert_same_models(whole, both);
    struct pomona_moments *const all[] = {whole, backwards, merged, parts[0], parts[1], parts[2], rest, both};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct pomona_moments *m = all[i];
        pomona_moments_free(&m);
    }
}

/* One photo a class, or the same photo many times: nothing varies within classes, and that is found to be exactly so
 * whatever the numbers are. Then LDA takes the nearest mean, and every photo is its own. */
static void test_nothing_varies_within_classes(void **unused) {
    (void)unused;
    for (int copies = 1; copies <= 7; copies += 3) {
        struct photos p = photos_make(CLASSES, CLASSES);
        struct pomona_moments *m = moments_make(WIDTH);
        for (int c = 0; c < CLASSES; c++)
            for (int j = 0; j < WIDTH; j++) p.features[c][j] = (float)(uniform() * 2000 - 1000);
        for (int k = 0; k < copies; k++)
            for (int c = 0; c < CLASSES - (k == 1); c++) add_photo(m, &p, c); /* uneven counts */
        struct closed_form *form = form_of(m, CLASSES);
        for (double shrinkage = 0.03; shrinkage <= 1; shrinkage += 0.3) {
            struct linear_model model;
            assert_int_equal(lda_fit(form, shrinkage, &model, &error), POMONA_OK);
            for (int c = 0; c < CLASSES; c++)
                for (int other = 0; other < CLASSES; other++) {
                    assert_true(fabs(logit(&model, other, p.features[c])) < 1e4);
                    if (other != c)
                        assert_true(logit(&model, c, p.features[c]) > logit(&model, other, p.features[c]));
                }
            linear_model_free(&model);
        }
        closed_form_free(&form);
        pomona_moments_free(&m);
    }
}

/* Far from 0 and tightly together: the variance within classes is 1e-9 of the whole, and still right. */
static void test_no_cancellation(void **unused) {
    (void)unused;
    struct pomona_moments *m = moments_make(WIDTH);
    double pooled = 0, step = 0x1p-20;
    for (int c = 0; c < CLASSES; c++) {
        int offsets[ROWS], sum = 0;
        for (int i = 0; i < ROWS; i++) offsets[i] = (int)(next_random() % 8) * 128, sum += offsets[i];
        for (int i = 0; i < ROWS; i++) {
            float row[WIDTH] = {0};
            for (int j = 0; j < WIDTH; j++) row[j] = (float)((c % 2 ? 1000 : -1000) + offsets[i] * step);
            for (int j = 1; j < WIDTH; j++) row[j] = (float)(((next_random() % 8) * 128 + c) * step);
            pooled += pow(offsets[i] - sum / (double)ROWS, 2) * step * step / (CLASSES * (ROWS - 1));
            assert_int_equal(pomona_moments_add(m, "photo", names[c], row, &error), POMONA_OK);
        }
    }
    double *within = malloc(WIDTH * WIDTH * sizeof *within);
    assert_int_equal(moments_within(m, within, &error), POMONA_OK);
    double got = within[0] / (CLASSES * (ROWS - 1));
    if (fabs(got / pooled - 1) > 1e-12) fail_msg("variance within classes %.17g is not %.17g", got, pooled);
    free(within);
    pomona_moments_free(&m);
}

/* Classes without rows are never the answer, wherever a photo lies. */
static void test_class_without_rows(void **unused) {
    (void)unused;
    struct photos p = photos_make(ROWS, CLASSES);
    struct pomona_moments *m = photos_moments(&p);
    struct closed_form *form = form_of(m, CLASSES + 1);
    for (int kind = 0; kind < 2; kind++) {
        struct linear_model model;
        assert_int_equal((kind ? ridge_fit : lda_fit)(form, 0.05, &model, &error), POMONA_OK);
        if (kind) ridge_balance(form, &model);
        if (!kind) lda_use_shares(form, &model);
        for (int i = 0; i < 1000; i++) {
            float x[WIDTH];
            double best = -INFINITY;
            for (int j = 0; j < WIDTH; j++) x[j] = (float)((uniform() - 0.5) * 4000);
            for (int c = 0; c < CLASSES; c++) best = fmax(best, logit(&model, c, x));
            assert_true(logit(&model, CLASSES, x) < best - 29.99);
        }
        linear_model_free(&model);
    }
    closed_form_free(&form);
    pomona_moments_free(&m);
}

static void test_bad_input(void **unused) {
    (void)unused;
    struct photos p = photos_make(ROWS, CLASSES);
    struct pomona_moments *m = photos_moments(&p), *empty = moments_make(WIDTH), *one = moments_make(WIDTH);
    struct closed_form *form;
    struct linear_model model;
    assert_failure(closed_form_new(m, names, 3, &form, &error), POMONA_E_INPUT, "'kiwi'");
    assert_null(form);
    assert_failure(closed_form_new(empty, names, 3, &form, &error), POMONA_E_INPUT, "here is none");
    add_photo(one, &p, 0);
    assert_failure(closed_form_new(one, names, 3, &form, &error), POMONA_E_INPUT, "here is one");
    form = form_of(m, CLASSES);
    const double shrinkages[] = {-0.1, 1.01, NAN, INFINITY}, l2s[] = {-1, NAN, INFINITY};
    for (size_t i = 0; i < sizeof shrinkages / sizeof *shrinkages; i++)
        assert_failure(lda_fit(form, shrinkages[i], &model, &error), POMONA_E_USAGE, "[0, 1]");
    for (size_t i = 0; i < sizeof l2s / sizeof *l2s; i++)
        assert_failure(ridge_fit(form, l2s[i], &model, &error), POMONA_E_USAGE, "finite");
    closed_form_free(&form);
    assert_int_equal(pomona_moments_add(m, "photo", NULL, p.features[0], &error), POMONA_OK);
    assert_failure(closed_form_new(m, names, CLASSES, &form, &error), POMONA_E_INPUT, "without a label");
    pomona_moments_free(&m);
    pomona_moments_free(&empty);
    pomona_moments_free(&one);
}

/* Fewer photos than features, and no shrinkage: the covariance has no inverse. */
static void test_too_little_regularisation(void **unused) {
    (void)unused;
    struct photos p = photos_make(6, 2);
    for (int i = 0; i < 6; i++) p.features[i][1] = p.features[i][0]; /* so that rounding can't help */
    struct pomona_moments *m = photos_moments(&p);
    struct closed_form *form = form_of(m, 2);
    struct linear_model model;
    assert_failure(lda_fit(form, 0, &model, &error), POMONA_E_INPUT, "more regularisation");
    assert_null(model.weight);
    assert_failure(ridge_fit(form, 0, &model, &error), POMONA_E_INPUT, "more regularisation");
    assert_null(model.weight);
    closed_form_free(&form);
    pomona_moments_free(&m);
}

static pomona_status everything(struct pomona_moments *m) {
    struct closed_form *form;
    struct linear_model lda = {0}, ridge = {0};
    pomona_status status = closed_form_new(m, names, CLASSES, &form, &error);
    if (status == POMONA_OK) status = lda_fit(form, 0.2, &lda, &error);
    if (status == POMONA_OK) status = ridge_fit(form, 0.2, &ridge, &error);
    closed_form_free(&form);
    linear_model_free(&lda);
    linear_model_free(&ridge);
    return status;
}

static void test_every_allocation(void **unused) {
    (void)unused;
    struct photos p = photos_make(ROWS, CLASSES);
    struct pomona_moments *m = photos_moments(&p);
    long k = 1;
    for (int reached = 1; reached; k++) {
        fail_allocation(k);
        pomona_status status = everything(m);
        reached = failed_allocation();
        fail_allocation(0);
        if (!reached) assert_int_equal(status, POMONA_OK);
        if (status != POMONA_OK) assert_int_equal(status, POMONA_E_MEMORY);
    }
    assert_true(k > 12);
    pomona_moments_free(&m);
}

/* As many classes as there are photos: the time goes with the classes, not with their square. */
static void test_many_classes(void **unused) {
    (void)unused;
    enum { MANY = 100000 };
    char(*texts)[16] = malloc(MANY * sizeof *texts);
    const char **many = malloc(MANY * sizeof *many);
    struct pomona_moments *m = moments_make(WIDTH);
    for (int c = 0; c < MANY; c++) {
        float row[WIDTH];
        snprintf(texts[c], sizeof texts[c], "%08x", (unsigned)c); /* sorted, as moments like it */
        many[MANY - 1 - c] = texts[c];
        for (int j = 0; j < WIDTH; j++) row[j] = (float)uniform();
        assert_int_equal(pomona_moments_add(m, "photo", texts[c], row, &error), POMONA_OK);
    }
    struct closed_form *form;
    struct linear_model model;
    assert_int_equal(closed_form_new(m, many, MANY, &form, &error), POMONA_OK);
    assert_int_equal(lda_fit(form, 0.5, &model, &error), POMONA_OK);
    linear_model_free(&model);
    closed_form_free(&form);
    pomona_moments_free(&m);
    free(texts);
    free(many);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lda_definition),
                                       cmocka_unit_test(test_ridge_definition),
                                       cmocka_unit_test(test_exactly_mergeable_and_unlearnable),
                                       cmocka_unit_test(test_nothing_varies_within_classes),
                                       cmocka_unit_test(test_no_cancellation),
                                       cmocka_unit_test(test_class_without_rows),
                                       cmocka_unit_test(test_bad_input),
                                       cmocka_unit_test(test_too_little_regularisation),
                                       cmocka_unit_test(test_every_allocation),
                                       cmocka_unit_test(test_many_classes)};
    if (pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pomona_context_free(&context);
    return failed;
}
