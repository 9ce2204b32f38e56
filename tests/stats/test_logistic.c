/* Logistic regression, against the objective of its header written down once more, in the plainest way. */
#include "pomona/context.h"
#include "stats/fit/lbfgs.h"
#include "stats/fit/logistic.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 700, WIDTH_MAX = 70, CLASSES_MAX = 11 };

static struct pomona_context *context;
static struct pomona_error error;
static uint32_t random_state = 2463534242u;

static struct {
    float features[ROWS_MAX * WIDTH_MAX];
    int leaf[ROWS_MAX];
    double weight[ROWS_MAX];
} data;

static double uniform(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state / 4294967296.0;
}

/* Correlated features of unlike sizes around class centres that overlap; every seventh row is held out. */
static struct training_rows draw_rows(size_t rows, int width, int classes) {
    random_state = 2463534242u;
    for (size_t i = 0; i < rows; i++) {
        double common = uniform();
        data.leaf[i] = (int)(i % (size_t)classes);
        data.weight[i] = i % 7 == 3 ? 0 : 0.5 + uniform();
        for (int j = 0; j < width; j++) {
            double value = uniform() + common + 0.4 * (j % classes == data.leaf[i]);
            data.features[i * (size_t)width + (size_t)j] = (float)(value * (1 + j % 5) + j % 3);
        }
    }
    return (struct training_rows){rows, width, classes, data.features, data.leaf, NULL};
}

/* ---- the objective, once more ---- */

static double mean_of(const struct training_rows *rows, int feature) {
    double sum = 0;
    for (size_t i = 0; i < rows->rows; i++)
        sum += (double)rows->features[i * (size_t)rows->width + (size_t)feature];
    return sum / (double)rows->rows;
}

static double deviation_of(const struct training_rows *rows, int feature) {
    double mean = mean_of(rows, feature), sum = 0;
    for (size_t i = 0; i < rows->rows; i++)
        sum += pow((double)rows->features[i * (size_t)rows->width + (size_t)feature] - mean, 2);
    return sqrt(sum / (double)rows->rows);
}

static double objective(const struct training_rows *rows, const double *weight, double l2,
                        const bool *present, const struct linear_model *model) {
    double loss = 0, total = 0, square = 0;
    size_t width = (size_t)model->width;
    for (size_t i = 0; i < rows->rows; i++) {
        double sum = 0, right = 0, w = weight ? weight[i] : 1;
        if (w == 0) continue;
        for (int c = 0; c < model->classes; c++) {
            double logit = model->bias[c];
            for (size_t j = 0; j < width; j++)
                logit += model->weight[(size_t)c * width + j] * (double)rows->features[i * width + j];
            if (c == rows->leaf[i]) right = logit;
            if (!present || present[c]) sum += exp(logit);
        }
        loss += w * (log(sum) - right);
        total += w;
    }
    for (size_t j = 0; j < width; j++)
        for (int c = 0; c < model->classes; c++)
            square += pow(model->weight[(size_t)c * width + j] * deviation_of(rows, (int)j), 2);
    return loss / total + l2 / 2 * square;
}

/* The largest element of the gradient in standardised coordinates, from differences. */
static double steepest(const struct training_rows *rows, const double *weight, double l2,
                       struct linear_model *model) {
    const double h = 1e-5;
    double most = 0;
    size_t width = (size_t)model->width;
    for (int c = 0; c < model->classes; c++)
        for (size_t j = 0; j <= width; j++) { /* the last one: the intercept */
            double *w = j < width ? &model->weight[(size_t)c * width + j] : &model->bias[c], old = *w;
            double mean = j < width ? mean_of(rows, (int)j) : 0, bias = model->bias[c];
            double scale = j < width ? 1 / deviation_of(rows, (int)j) : 1, value[2];
            for (int side = 0; side < 2; side++) {
                double step = side ? h : -h;
                *w = old + step * scale;
                if (j < width) model->bias[c] = bias - step * scale * mean;
                value[side] = objective(rows, weight, l2, NULL, model);
            }
            *w = old, model->bias[c] = bias;
            most = fmax(most, fabs(value[1] - value[0]) / (2 * h));
        }
    return most;
}

/* ---- fits ---- */

static struct logistic_problem *problem_of(const struct training_rows *rows, int threads) {
    struct logistic_problem *problem;
    assert_int_equal(logistic_problem_new(context, rows, threads, &problem, &error), POMONA_OK);
    return problem;
}

static struct linear_model fit_threads(const struct training_rows *rows,
                                       const struct logistic_options *options, int threads,
                                       struct logistic_info *info) {
    struct linear_model model;
    struct logistic_problem *problem = problem_of(rows, threads);
    assert_int_equal(logistic_fit(problem, options, &model, info, &error), POMONA_OK);
    logistic_problem_free(&problem);
    assert_null(problem);
    return model;
}

static struct linear_model fit(const struct training_rows *rows, const struct logistic_options *options,
                               struct logistic_info *info) {
    return fit_threads(rows, options, 2, info);
}

static bool same(const struct linear_model *a, const struct linear_model *b) {
    size_t count = (size_t)a->classes * (size_t)a->width;
    return a->classes == b->classes && a->width == b->width &&
           memcmp(a->weight, b->weight, count * sizeof *a->weight) == 0 &&
           memcmp(a->bias, b->bias, (size_t)a->classes * sizeof *a->bias) == 0;
}

/* Far from the minimum, so the numbers compared are not small ones. */
static void test_loss_and_gradient(void **unused) {
    (void)unused;
    struct training_rows rows = draw_rows(90, 6, 4);
    for (int iterations = 1; iterations <= 4; iterations++) {
        const struct logistic_options options = {
            .l2 = 0.05, .tolerance = 1e-12, .max_iterations = iterations, .weight = data.weight};
        struct logistic_info info;
        struct linear_model model = fit(&rows, &options, &info);
        assert_int_equal(info.iterations, iterations);
        assert_false(info.converged);
        assert_true(fabs(objective(&rows, data.weight, 0.05, NULL, &model) - info.loss) < 1e-6);
        assert_true(fabs(steepest(&rows, data.weight, 0.05, &model) - info.gradient) < 1e-6);
        if (iterations == 1) assert_true(info.gradient > 1e-4);
        linear_model_free(&model);
    }
}

static void test_minimum(void **unused) {
    (void)unused;
    struct training_rows rows = draw_rows(90, 6, 4);
    const double penalties[] = {1e-4, 0.01, 1, 100};
    for (size_t i = 0; i < sizeof penalties / sizeof *penalties; i++) {
        const struct logistic_options options = {
            .l2 = penalties[i], .tolerance = 1e-6, .weight = i % 2 ? data.weight : NULL};
        struct logistic_info info;
        struct linear_model model = fit(&rows, &options, &info);
        assert_true(info.converged && info.gradient <= 1e-6);
        assert_true(steepest(&rows, options.weight, penalties[i], &model) < 2e-6);
        linear_model_free(&model);
    }
}

static void test_threads(void **unused) {
    (void)unused;
    struct training_rows rows = draw_rows(ROWS_MAX, WIDTH_MAX, CLASSES_MAX);
    const struct logistic_options options = {.l2 = 0.01, .weight = data.weight};
    const int threads[] = {2, 5, 64, 1000};
    struct logistic_info one, many;
    struct linear_model model = fit_threads(&rows, &options, 1, &one);
    assert_true(one.converged);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        struct linear_model other = fit_threads(&rows, &options, threads[i], &many);
        assert_true(same(&model, &other));
        assert_true(one.loss == many.loss && one.iterations == many.iterations);
        linear_model_free(&other);
    }
    linear_model_free(&model);
}

/* A problem that is large enough for steps in single precision ends where doubles alone would lead: at the minimum that a
 * tighter tolerance finds, and with the same bits for any number of threads. Every allocation may fail. */
static void test_large(void **unused) {
    (void)unused;
    enum { ROWS = 17000, WIDTH = 128, CLASSES = 128 };
    float *features = malloc(sizeof *features * ROWS * WIDTH);
    int *leaf = malloc(sizeof *leaf * ROWS);
    double *weight = malloc(sizeof *weight * ROWS);
    assert_true(features && leaf && weight);
    random_state = 88172645u;
    for (size_t i = 0; i < ROWS; i++) {
        leaf[i] = (int)(i * CLASSES / ROWS); /* sorted, as photos by path are */
        weight[i] = i % 9 == 4 ? 0 : 0.5 + uniform();
        for (size_t j = 0; j < WIDTH; j++)
            features[i * WIDTH + j] =
                (float)(uniform() + 0.4 * ((int)j == leaf[i]) + 0.2 * ((int)j % 7 == leaf[i] % 7));
    }
    const struct training_rows rows = {ROWS, WIDTH, CLASSES, features, leaf, NULL};
    struct logistic_options options = {.l2 = 0.003, .weight = weight};
    struct logistic_info one, three, tight;
    struct linear_model model = fit_threads(&rows, &options, 1, &one),
                        other = fit_threads(&rows, &options, 3, &three);
    assert_true(one.converged && one.gradient <= LOGISTIC_TOLERANCE);
    assert_true(same(&model, &other) && one.loss == three.loss && one.iterations == three.iterations);
    options.tolerance = 1e-7; /* beyond single precision: doubles go on */
    struct linear_model exact = fit_threads(&rows, &options, 2, &tight);
    assert_true(tight.converged && tight.gradient <= 1e-7);
    assert_true(one.loss >= tight.loss && one.loss - tight.loss < 1e-4 * tight.loss);
    linear_model_free(&model);
    linear_model_free(&other);
    linear_model_free(&exact);
    options.tolerance = 0, options.max_iterations = 3;
    bool done = false;
    for (long k = 1; !done; k++) {
        struct logistic_problem *problem;
        struct linear_model never = {0, 0, NULL, NULL};
        fail_allocation(k);
        pomona_status status = logistic_problem_new(context, &rows, 2, &problem, &error);
        if (status == POMONA_OK) status = logistic_fit(problem, &options, &never, &one, &error);
        done = !failed_allocation();
        fail_allocation(0);
        assert_int_equal(status, done ? POMONA_OK : POMONA_E_MEMORY);
        logistic_problem_free(&problem);
        linear_model_free(&never);
    }
    free(features);
    free(leaf);
    free(weight);
}

/* One problem serves many fits, and none of them leaves anything behind. */
static void test_fits_share_a_problem(void **unused) {
    (void)unused;
    struct training_rows rows = draw_rows(200, 10, 5);
    const struct logistic_options first = {.l2 = 0.01, .weight = data.weight}, second = {.l2 = 1};
    struct logistic_info info;
    struct linear_model alone = fit(&rows, &first, &info), model, other;
    struct logistic_problem *problem = problem_of(&rows, 2);
    assert_int_equal(logistic_fit(problem, &second, &other, &info, &error), POMONA_OK);
    assert_int_equal(logistic_fit(problem, &first, &model, &info, &error), POMONA_OK);
    assert_true(same(&alone, &model));
    logistic_problem_free(&problem);
    linear_model_free(&alone), linear_model_free(&model), linear_model_free(&other);
}

static void test_warm_start(void **unused) {
    (void)unused;
    struct training_rows rows = draw_rows(300, 12, 5);
    struct logistic_options options = {.l2 = 0.01, .tolerance = 1e-7};
    struct logistic_info cold, warm;
    struct linear_model model = fit(&rows, &options, &cold), again, near;
    options.start = &model;
    options.tolerance = 1e-6;
    again = fit(&rows, &options, &warm);
    assert_true(warm.converged && warm.iterations == 0 && warm.evaluations == 1);
    assert_true(fabs(warm.loss - cold.loss) < 1e-9);
    options.l2 = 0.0101;
    near = fit(&rows, &options, &warm);
    assert_true(warm.converged && warm.iterations > 0 && warm.iterations < cold.iterations);
    linear_model_free(&model), linear_model_free(&again), linear_model_free(&near);
}

/* Two classes far apart and next to no penalty: the minimum is far away, the fit ends and errs nowhere. */
static void test_separable(void **unused) {
    (void)unused;
    struct training_rows rows = draw_rows(60, 3, 2);
    for (size_t i = 0; i < 60; i++) data.features[i * 3] = data.leaf[i] ? 100.0f : -100.0f;
    const struct logistic_options options = {.l2 = 1e-9, .tolerance = 1e-9};
    struct logistic_info info;
    struct linear_model model = fit(&rows, &options, &info);
    double logits[60 * 2];
    assert_true(isfinite(info.loss) && info.loss < 1e-3);
    assert_int_equal(linear_model_logits(context, &model, data.features, 60, 1, logits, &error), POMONA_OK);
    for (size_t i = 0; i < 60; i++) {
        assert_true(isfinite(logits[2 * i]) && isfinite(logits[2 * i + 1]));
        assert_true((logits[2 * i + 1] > logits[2 * i]) == (data.leaf[i] == 1));
    }
    linear_model_free(&model);
}

static void test_constant_features(void **unused) {
    (void)unused;
    struct training_rows rows = draw_rows(100, 4, 2);
    for (size_t i = 0; i < 100; i++) data.features[i * 4 + 2] = 0.1f, data.leaf[i] = i % 4 == 0;
    const struct logistic_options options = {.l2 = 0.01, .tolerance = 1e-9};
    struct logistic_info info;
    struct linear_model model = fit(&rows, &options, &info);
    assert_true(info.converged && model.weight[2] == 0 && model.weight[4 + 2] == 0);
    assert_true(model.weight[0] != 0);
    linear_model_free(&model);

    /* Nothing but constants: what is left is how frequent the classes are. */
    for (size_t i = 0; i < 400; i++) data.features[i] = (float)(i % 4) * 1e4f;
    model = fit(&rows, &options, &info);
    assert_true(info.converged && fabs(model.bias[0] - model.bias[1] - log(3)) < 1e-6);
    for (size_t i = 0; i < 8; i++) assert_true(model.weight[i] == 0);
    linear_model_free(&model);
}

/* The unit that a feature is measured in changes its weights and nothing else. */
static void test_units(void **unused) {
    (void)unused;
    struct training_rows rows = draw_rows(100, 4, 3);
    const struct logistic_options options = {.l2 = 0.01};
    struct logistic_info info, small;
    struct linear_model model = fit(&rows, &options, &info), other;
    for (size_t i = 0; i < 400; i++) data.features[i] *= 0x1p-30f;
    other = fit(&rows, &options, &small);
    assert_true(info.loss == small.loss && info.iterations == small.iterations);
    for (size_t i = 0; i < 12; i++) assert_true(other.weight[i] == model.weight[i] * 0x1p30);
    linear_model_free(&model), linear_model_free(&other);
}

static void test_missing_class(void **unused) {
    (void)unused;
    struct training_rows rows = draw_rows(120, 5, 4);
    const bool present[] = {true, false, true, true};
    for (size_t i = 0; i < 120; i++) data.weight[i] = data.leaf[i] == 1 ? 0 : 1;
    const struct logistic_options options = {.l2 = 0.01, .weight = data.weight};
    struct logistic_info info;
    struct linear_model model = fit(&rows, &options, &info);
    double lowest = fmin(model.bias[0], fmin(model.bias[2], model.bias[3]));
    assert_true(info.converged && model.bias[1] == lowest - 30);
    for (size_t j = 0; j < 5; j++) assert_true(model.weight[5 + j] == 0);
    assert_true(fabs(objective(&rows, data.weight, 0.01, present, &model) - info.loss) < 1e-6);

    /* Nor does it take part on the way there: at the minimum its share would have dwindled anyway. */
    const struct logistic_options early = {.l2 = 0.01, .weight = data.weight, .max_iterations = 1};
    struct linear_model other = fit(&rows, &early, &info);
    assert_true(fabs(objective(&rows, data.weight, 0.01, present, &other) - info.loss) < 1e-6);
    linear_model_free(&other);

    /* What is held out can be of any class. */
    for (size_t i = 0; i < 120; i++)
        if (data.weight[i] == 0) data.leaf[i] = (int)(i % 4);
    other = fit(&rows, &options, &info);
    assert_true(same(&model, &other));
    linear_model_free(&model), linear_model_free(&other);
}

static void test_too_few_classes(void **unused) {
    (void)unused;
    struct training_rows rows = draw_rows(30, 3, 3);
    const struct logistic_options options = {.l2 = 0.01, .weight = data.weight};
    struct logistic_problem *problem = problem_of(&rows, 1);
    struct linear_model model;
    struct logistic_info info;
    for (size_t i = 0; i < 30; i++) data.weight[i] = data.leaf[i] == 2;
    assert_failure(logistic_fit(problem, &options, &model, &info, &error), POMONA_E_INPUT, "here is one");
    assert_null(model.weight);
    memset(data.weight, 0, sizeof data.weight);
    assert_failure(logistic_fit(problem, &options, &model, &info, &error), POMONA_E_INPUT, "here is none");
    assert_null(model.weight);
    logistic_problem_free(&problem);
}

static bool stop_when_0(void *left) { return (*(int *)left)-- == 0; }

static void test_interrupt(void **unused) {
    (void)unused;
    struct training_rows rows = draw_rows(100, 6, 4);
    for (int after = 0; after < 3; after++) {
        int left = after;
        const struct logistic_options options = {
            .l2 = 0.01, .tolerance = 1e-12, .should_stop = stop_when_0, .user = &left};
        struct logistic_problem *problem = problem_of(&rows, 2);
        struct linear_model model;
        struct logistic_info info;
        assert_failure(logistic_fit(problem, &options, &model, &info, &error), POMONA_E_INTERRUPTED,
                       "interrupted");
        assert_int_equal(info.iterations, after);
        assert_null(model.weight);
        logistic_problem_free(&problem);
    }
}

static void test_allocations(void **unused) {
    (void)unused;
    struct training_rows rows = draw_rows(40, 3, 3);
    const struct logistic_options options = {.l2 = 0.01};
    bool done = false;
    for (long k = 1; !done; k++) {
        struct logistic_problem *problem;
        struct linear_model model = {0, 0, NULL, NULL};
        struct logistic_info info;
        fail_allocation(k);
        pomona_status status = logistic_problem_new(context, &rows, 1, &problem, &error);
        if (status != POMONA_OK)
            assert_null(problem);
        else
            status = logistic_fit(problem, &options, &model, &info, &error);
        done = !failed_allocation();
        fail_allocation(0);
        assert_int_equal(status, done ? POMONA_OK : POMONA_E_MEMORY);
        assert_true(done || (!model.weight && !model.bias));
        logistic_problem_free(&problem);
        linear_model_free(&model);
        assert_true(k < 100);
    }
    logistic_problem_free(NULL);
}

/* ---- the search ends, whatever it is given ---- */

enum lie { NOT_A_NUMBER, UPHILL, ENDLESS, HONEST };

/* (x0 - 3)^2 + 10 x1^2, or what pretends to be something like it. */
static double evaluate(void *user, const double *x, double *gradient) {
    enum lie lie = *(const enum lie *)user;
    double sign = lie == UPHILL ? -1 : 1;
    gradient[0] = sign * 2 * (x[0] - 3), gradient[1] = sign * 20 * x[1];
    if (lie == NOT_A_NUMBER) gradient[0] = NAN;
    if (lie == ENDLESS) gradient[0] = 1, gradient[1] = 0;
    if (lie == ENDLESS) return x[0]; /* no minimum */
    return lie == NOT_A_NUMBER ? NAN : (x[0] - 3) * (x[0] - 3) + 10 * x[1] * x[1];
}

static void precondition(void *user, const double *v, double *out) {
    (void)user;
    memcpy(out, v, 2 * sizeof *v);
}

static void test_search_ends(void **unused) {
    (void)unused;
    for (enum lie lie = NOT_A_NUMBER; lie <= HONEST; lie++) {
        const struct lbfgs_problem problem = {.size = 2,
                                              .evaluate = evaluate,
                                              .precondition = precondition,
                                              .user = &lie,
                                              .tolerance = 1e-10,
                                              .max_iterations = 50};
        struct lbfgs_info info;
        double x[2] = {-1, 1};
        assert_int_equal(lbfgs_minimise(&problem, x, &info, &error), POMONA_OK);
        assert_true(info.iterations <= 50 && info.evaluations <= 50 * 41);
        assert_int_equal(info.converged, lie == HONEST);
        if (lie == NOT_A_NUMBER || lie == UPHILL) assert_true(x[0] == -1 && x[1] == 1);
        if (lie == HONEST) assert_true(fabs(x[0] - 3) < 1e-9 && fabs(x[1]) < 1e-9);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_loss_and_gradient),
                                       cmocka_unit_test(test_minimum),
                                       cmocka_unit_test(test_threads),
                                       cmocka_unit_test(test_large),
                                       cmocka_unit_test(test_fits_share_a_problem),
                                       cmocka_unit_test(test_warm_start),
                                       cmocka_unit_test(test_separable),
                                       cmocka_unit_test(test_constant_features),
                                       cmocka_unit_test(test_units),
                                       cmocka_unit_test(test_missing_class),
                                       cmocka_unit_test(test_too_few_classes),
                                       cmocka_unit_test(test_interrupt),
                                       cmocka_unit_test(test_allocations),
                                       cmocka_unit_test(test_search_ends)};
    if (pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pomona_context_free(&context);
    return failed;
}
