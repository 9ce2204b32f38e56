/* Heads of neighbours, and the score of being known: what the fits find is what head_run answers with. */
#include "../base/failing.h"
#include "stats/fit/neighbours.h"
#include "stats/fit/novelty.h"
#include "table.h"

enum { WIDTH = 37, CLASSES = 5, ROWS = 300 };

/* Rows of five classes; feature 7 stands still, and every tenth row is held out. */
struct photos {
    float features[ROWS][WIDTH];
    int leaf[ROWS];
    double weight[ROWS];
};

static struct photos *photos_make(void) {
    static struct photos p;
    for (int i = 0; i < ROWS; i++) {
        p.leaf[i] = i % CLASSES;
        p.weight[i] = i % 10 == 3 ? 0 : 1 + i % 3;
        for (int j = 0; j < WIDTH; j++)
            p.features[i][j] = (float)(3 * uniform() + (p.leaf[i] * 7 + j) % 11 / 8.0);
        p.features[i][7] = 0.5f;
    }
    return &p;
}

static struct training_rows rows_of(const struct photos *p, size_t rows) {
    return (struct training_rows){.rows = rows,
                                  .width = WIDTH,
                                  .classes = CLASSES,
                                  .features = p->features[0],
                                  .leaf = p->leaf,
                                  .weight = p->weight};
}

/* A head that answers: each leaf is a class. */
static struct head head_make(void) {
    struct head head = {.kind = HEAD_NEIGHBOURS,
                        .leaves = CLASSES,
                        .classes = CLASSES,
                        .temperature = 1,
                        .sharpness = 30,
                        .fine_confidence = 0.5,
                        .coarse_confidence = 0.5,
                        .novelty.threshold = -INFINITY};
    head.leaf_class = memory_new(CLASSES, sizeof *head.leaf_class);
    assert_non_null(head.leaf_class);
    for (int c = 0; c < CLASSES; c++) head.leaf_class[c] = c;
    return head;
}

static void softmax(double *logits) {
    double most = logits[0], sum = 0;
    for (int c = 1; c < CLASSES; c++) most = fmax(most, logits[c]);
    for (int c = 0; c < CLASSES; c++) sum += logits[c] = exp(logits[c] - most);
    for (int c = 0; c < CLASSES; c++) logits[c] /= sum;
}

static double similarity_of(const struct head *head, const float *x, int prototype) {
    double square = 0, sum = 0;
    for (int j = 0; j < WIDTH; j++) {
        double u = ((double)x[j] - (double)head->mean[j]) * (double)head->scale[j];
        square += u * u;
        sum += u * (double)head->prototypes[prototype * WIDTH + j];
    }
    return square > 0 ? sum / sqrt(square) : 0;
}

/* The nearest of every row by looking at all prototypes, and the answers of head_run. */
static void check_head(struct head *head, const struct photos *p) {
    static double similarity[ROWS * NEIGHBOURS_NEAREST];
    static int leaf[ROWS * NEIGHBOURS_NEAREST];
    head->neighbours = 1;
    assert_int_equal(head_check(head, "head", &error), POMONA_OK);
    assert_int_equal(neighbours_nearest(context, head, p->features[0], ROWS, 1, similarity, leaf, &error),
                     POMONA_OK);
    for (int i = 0; i < ROWS; i++) {
        double *near = similarity + i * NEIGHBOURS_NEAREST, probabilities[CLASSES], logits[CLASSES];
        int *leaves = leaf + i * NEIGHBOURS_NEAREST, rank;
        for (int k = 0; k < NEIGHBOURS_NEAREST; k++) {
            assert_true((leaves[k] < 0) == (k >= head->prototype_count));
            if (k > 0 && leaves[k] >= 0) assert_true(near[k] <= near[k - 1]);
        }
        for (int q = 0; q < head->prototype_count; q++) { /* none that was left out is nearer */
            double value = similarity_of(head, p->features[i], q);
            for (rank = 0; rank < NEIGHBOURS_NEAREST && leaves[rank] >= 0; rank++)
                if (leaves[rank] == head->prototype_leaf[q] && fabs(near[rank] - value) < 1e-12) break;
            if (rank == NEIGHBOURS_NEAREST) assert_true(value < near[NEIGHBOURS_NEAREST - 1] + 1e-12);
        }
        for (int k = 1; k <= NEIGHBOURS_NEAREST && k <= head->prototype_count; k += 3) {
            head->neighbours = k;
            double *scratch = malloc(head_scratch(head) * sizeof *scratch);
            head_run(head, p->features[i], scratch, probabilities, NULL);
            neighbours_logits(head, near, leaves, k, logits);
            softmax(logits);
            for (int c = 0; c < CLASSES; c++) assert_true(fabs(logits[c] - probabilities[c]) < 1e-9);
            free(scratch);
        }
    }
}

static void test_every_photo(void **unused) {
    (void)unused;
    struct photos *p = photos_make();
    struct training_rows rows = rows_of(p, ROWS);
    struct head head = head_make();
    assert_int_equal(neighbours_build(&rows, &head, &error), POMONA_OK);
    assert_int_equal(head.prototype_count, ROWS * 9 / 10);
    assert_true(head.scale[7] == 0 && head.scale[8] > 0);
    for (int q = 0; q < head.prototype_count; q++) {
        double square = 0;
        for (int j = 0; j < WIDTH; j++) square += pow((double)head.prototypes[q * WIDTH + j], 2);
        assert_true(fabs(square - 1) < 1e-5);
    }
    check_head(&head, p);
    head_free(&head);
}

static void test_means(void **unused) {
    (void)unused;
    struct photos *p = photos_make();
    struct training_rows rows = rows_of(p, ROWS);
    struct head head = head_make(), all = head_make();
    for (int i = 0; i < ROWS; i++)
        if (p->leaf[i] == 2) p->weight[i] = 0; /* a class that is held out */
    assert_int_equal(neighbours_build_means(&rows, &head, &error), POMONA_OK);
    assert_int_equal(neighbours_build(&rows, &all, &error), POMONA_OK);
    assert_int_equal(head.prototype_count, CLASSES - 1);
    for (int q = 0; q < head.prototype_count; q++) {
        double sum[WIDTH] = {0}, square = 0;
        assert_int_equal(head.prototype_leaf[q], q + (q >= 2));
        for (int a = 0; a < all.prototype_count; a++)
            for (int j = 0; j < WIDTH; j++)
                sum[j] += all.prototype_leaf[a] == head.prototype_leaf[q]
                              ? (double)all.prototypes[a * WIDTH + j]
                              : 0;
        for (int j = 0; j < WIDTH; j++) square += sum[j] * sum[j];
        for (int j = 0; j < WIDTH; j++)
            assert_true(fabs((double)head.prototypes[q * WIDTH + j] - sum[j] / sqrt(square)) < 1e-6);
    }
    check_head(&head, p);
    head_free(&head);
    head_free(&all);
}

/* A class of three photos among large ones is found again. */
static void test_three_photos(void **unused) {
    (void)unused;
    struct photos *p = photos_make();
    struct training_rows rows = rows_of(p, ROWS);
    for (int i = 0, left = 3; i < ROWS; i++) {
        if (p->leaf[i] != 4) continue;
        if (left-- <= 0) p->weight[i] = 0;
        for (int j = 0; j < WIDTH; j++) p->features[i][j] += j % 5 == 0 ? 4.0f : 0;
    }
    for (int means = 0; means < 2; means++) {
        struct head head = head_make();
        int right = 0, all = 0;
        assert_int_equal((means ? neighbours_build_means : neighbours_build)(&rows, &head, &error),
                         POMONA_OK);
        head.neighbours = means ? CLASSES : 3;
        double *scratch = malloc(head_scratch(&head) * sizeof *scratch), probabilities[CLASSES];
        for (int i = 0; i < ROWS; i++) {
            if (p->leaf[i] != 4 || p->weight[i] > 0) continue;
            head_run(&head, p->features[i], scratch, probabilities, NULL);
            all++, right += probabilities[4] > 0.5;
        }
        assert_true(all > 40 && right > all * 9 / 10);
        free(scratch);
        head_free(&head);
    }
}

/* Equal prototypes: the first wins, as in head_run. A photo at the mean is as far from all. */
static void test_ties(void **unused) {
    (void)unused;
    struct photos *p = photos_make();
    struct training_rows rows = rows_of(p, 6);
    double similarity[NEIGHBOURS_NEAREST];
    int leaf[NEIGHBOURS_NEAREST];
    for (int i = 0; i < 6; i++) {
        p->weight[i] = 1;
        memcpy(p->features[i], p->features[i % 2], sizeof p->features[i]);
    }
    struct head head = head_make();
    assert_int_equal(neighbours_build(&rows, &head, &error), POMONA_OK);
    assert_int_equal(neighbours_nearest(context, &head, p->features[1], 1, 1, similarity, leaf, &error),
                     POMONA_OK);
    const int want[] = {1, 3, 0 /* row 5 */, 0, 2, 4};
    for (int k = 0; k < 6; k++) assert_int_equal(leaf[k], want[k]);
    assert_int_equal(leaf[6], -1);
    assert_int_equal(neighbours_nearest(context, &head, head.mean, 1, 1, similarity, leaf, &error),
                     POMONA_OK);
    for (int k = 0; k < 6; k++) assert_true(similarity[k] == 0 && leaf[k] == k % CLASSES);
    head_free(&head);
}

/* Any number of rows and threads: the same bits. Prototypes in more than one block, rows in more than one round. */
static void test_threads(void **unused) {
    (void)unused;
    enum { MANY = 900 };
    struct table table = table_make(MANY, WIDTH, 1, TABLE_RELU6);
    int *leaf = malloc(MANY * sizeof *leaf), *leaves[2];
    double *weight = malloc(MANY * sizeof *weight), *similarity[2];
    for (int i = 0; i < MANY; i++) leaf[i] = i % CLASSES, weight[i] = 1;
    struct training_rows rows = {MANY, WIDTH, CLASSES, table.values, leaf, weight};
    struct head head = head_make();
    assert_int_equal(neighbours_build(&rows, &head, &error), POMONA_OK);
    for (int t = 0; t < 2; t++) {
        similarity[t] = malloc(MANY * NEIGHBOURS_NEAREST * sizeof(double));
        leaves[t] = malloc(MANY * NEIGHBOURS_NEAREST * sizeof(int));
        for (int at = 0; at < MANY; at += t ? 7 : MANY)
            assert_int_equal(neighbours_nearest(context, &head, table_row(&table, at),
                                                t ? (size_t)(MANY - at < 7 ? MANY - at : 7) : MANY, t ? 1 : 3,
                                                similarity[t] + at * NEIGHBOURS_NEAREST,
                                                leaves[t] + at * NEIGHBOURS_NEAREST, &error),
                             POMONA_OK);
    }
    assert_memory_equal(similarity[0], similarity[1], MANY * NEIGHBOURS_NEAREST * sizeof(double));
    assert_memory_equal(leaves[0], leaves[1], MANY * NEIGHBOURS_NEAREST * sizeof(int));
    for (int t = 0; t < 2; t++) free(similarity[t]), free(leaves[t]);
    free(leaf), free(weight);
    head_free(&head);
    table_free(&table);
}

static void test_nothing_to_learn(void **unused) {
    (void)unused;
    struct photos *p = photos_make();
    for (int i = 1; i < 10; i++) memcpy(p->features[i], p->features[0], sizeof p->features[i]);
    for (int means = 0; means < 2; means++) {
        struct training_rows rows = rows_of(p, 10);
        struct head head = head_make();
        assert_failure((means ? neighbours_build_means : neighbours_build)(&rows, &head, &error),
                       POMONA_E_INPUT, "same features");
        head_free(&head);
    }
}

static pomona_status everything(const struct photos *p, bool means) {
    static double similarity[ROWS * NEIGHBOURS_NEAREST];
    static int leaf[ROWS * NEIGHBOURS_NEAREST];
    struct training_rows rows = rows_of(p, ROWS);
    struct head head = {.leaves = CLASSES, .sharpness = 30};
    pomona_status status = (means ? neighbours_build_means : neighbours_build)(&rows, &head, &error);
    if (status == POMONA_OK)
        status = neighbours_nearest(context, &head, p->features[0], ROWS, 2, similarity, leaf, &error);
    head_free(&head);
    return status;
}

static struct pomona_moments *photos_moments(const struct photos *p) {
    struct pomona_moments *m = moments_make(WIDTH);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(pomona_moments_add(m, "row", "x", p->features[i], &error), POMONA_OK);
    return m;
}

static void test_every_allocation(void **unused) {
    (void)unused;
    struct photos *p = photos_make();
    struct pomona_moments *m = photos_moments(p);
    for (int what = 0; what < 3; what++)
        for (long k = 1, reached = 1; reached; k++) {
            struct head_novelty novelty = {.rank = 0};
            fail_allocation(k);
            pomona_status status = what < 2 ? everything(p, what) : novelty_fit(m, &novelty, &error);
            reached = failed_allocation();
            fail_allocation(0);
            if (!reached) assert_int_equal(status, POMONA_OK);
            /* threads and LAPACK have allocations of their own, which they can do without */
            if (status != POMONA_OK) assert_int_equal(status, POMONA_E_MEMORY);
            if (status != POMONA_OK) assert_true(!novelty.projection && !novelty.mean && !novelty.scale);
            novelty_free(&novelty);
        }
    pomona_moments_free(&m);
}

/* The residual is what the leading components leave of a standardised row: over all rows its square sums up to the smaller
 * eigenvalues, and a photo off the beaten track has more of it. */
static void test_novelty(void **unused) {
    (void)unused;
    struct photos *p = photos_make();
    for (int i = 0; i < ROWS; i++)
        for (int j = NOVELTY_RANK / 2; j < WIDTH; j++) /* ten directions, and a little noise */
            p->features[i][j] =
                j == 7 ? 0.5f : p->features[i][j % 10 == 7 ? 0 : j % 10] + (float)uniform() / 8;
    struct pomona_moments *m = photos_moments(p);
    struct head_novelty novelty;
    assert_int_equal(novelty_fit(m, &novelty, &error), POMONA_OK);
    assert_int_equal(novelty.rank, NOVELTY_RANK);
    assert_true(novelty.energy_weight == 0 && novelty.residual_weight == 0 && novelty.threshold == -INFINITY);
    double scratch[WIDTH], residuals[ROWS], energies[ROWS], whole = 0, left = 0, most = 0;
    for (int i = 0; i < ROWS; i++) {
        residuals[i] = head_residual(&novelty, WIDTH, p->features[i], scratch);
        energies[i] = 100 + 5 * uniform();
        for (int j = 0; j < WIDTH; j++)
            whole += pow(((double)p->features[i][j] - (double)novelty.mean[j]) * (double)novelty.scale[j], 2);
        left += residuals[i] * residuals[i], most = fmax(most, residuals[i]);
    }
    assert_true(fabs(whole / ((WIDTH - 1) * (ROWS - 1)) - 1) < 1e-4);
    assert_true(left < whole / 20 && left > 0);
    float strange[WIDTH];
    for (int j = 0; j < WIDTH; j++) strange[j] = (float)(5 * uniform());
    assert_true(head_residual(&novelty, WIDTH, strange, scratch) > 3 * most);
    novelty_weigh(&novelty, energies, residuals, ROWS);
    double mean[2] = {0}, square[2] = {0};
    for (int i = 0; i < ROWS; i++) mean[0] += energies[i] / ROWS, mean[1] += residuals[i] / ROWS;
    for (int i = 0; i < ROWS; i++)
        square[0] += pow((energies[i] - mean[0]) * novelty.energy_weight, 2),
            square[1] += pow((residuals[i] - mean[1]) * novelty.residual_weight, 2);
    for (int k = 0; k < 2; k++) assert_true(fabs(square[k] / (ROWS - 1) - 1) < 1e-9);
    /* Nothing to go by leaves the energy alone; one value that never moves is left out. */
    for (int i = 0; i < ROWS; i++) residuals[i] = 1e6 / 3;
    novelty_weigh(&novelty, energies, residuals, ROWS);
    assert_true(novelty.energy_weight > 0 && novelty.residual_weight == 0);
    novelty_weigh(&novelty, residuals, residuals, ROWS);
    assert_true(novelty.energy_weight == 1 && novelty.residual_weight == 0);
    novelty_weigh(&novelty, energies, residuals, 0);
    assert_true(novelty.energy_weight == 1 && novelty.residual_weight == 0);
    novelty_free(&novelty);
    pomona_moments_free(&m);
}

static void test_novelty_of_little(void **unused) {
    (void)unused;
    struct photos *p = photos_make();
    struct pomona_moments *m = moments_make(WIDTH);
    struct head_novelty novelty;
    double scratch[WIDTH];
    assert_failure(novelty_fit(m, &novelty, &error), POMONA_E_INPUT, "at least two rows");
    for (int i = 0; i < 3; i++)
        assert_int_equal(pomona_moments_add(m, "row", "x", p->features[i], &error), POMONA_OK);
    assert_int_equal(novelty_fit(m, &novelty, &error), POMONA_OK); /* three photos span a plane */
    assert_int_equal(novelty.rank, 2);
    for (int i = 0; i < 3; i++) assert_true(head_residual(&novelty, WIDTH, p->features[i], scratch) < 1e-2);
    novelty_free(&novelty);
    pomona_moments_free(&m);
}

/* Components that span all that varies leave nothing but rounding, which must not be scaled up into a score: one is dropped, so
 * that something is left; with one dimension in all the energy decides alone. */
static void test_novelty_of_few_dimensions(void **unused) {
    (void)unused;
    static const struct {
        int varying, copies, rank;
    } cases[] = {{37, 1, NOVELTY_RANK},
                 {21, 1, NOVELTY_RANK},
                 {20, 1, 19},
                 {9, 1, 8},
                 {9, 4, 8},
                 {1, 1, 0},
                 {1, 5, 0}};
    struct photos *p = photos_make();
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        int varying = cases[at].varying, filled = varying * cases[at].copies;
        for (int i = 0; i < ROWS; i++)
            for (int j = 0; j < WIDTH; j++)
                p->features[i][j] = j >= filled    ? 0.5f
                                    : j >= varying ? p->features[i][j - varying]
                                                   : (float)(3 * uniform());
        struct pomona_moments *m = photos_moments(p);
        struct head_novelty novelty;
        double scratch[WIDTH], residuals[ROWS] = {0}, energies[ROWS];
        assert_int_equal(novelty_fit(m, &novelty, &error), POMONA_OK);
        assert_int_equal(novelty.rank, cases[at].rank);
        for (int i = 0; i < ROWS; i++) {
            energies[i] = uniform();
            if (novelty.rank > 0) residuals[i] = head_residual(&novelty, WIDTH, p->features[i], scratch);
        }
        novelty_weigh(&novelty, energies, residuals, ROWS);
        assert_true(novelty.rank > 0 ? novelty.residual_weight > 0.1 && novelty.residual_weight < 10
                                     : novelty.residual_weight == 0 && !novelty.projection && !novelty.mean);
        assert_true(novelty.energy_weight > 1);
        novelty_free(&novelty);
        pomona_moments_free(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_photo),       cmocka_unit_test(test_means),
        cmocka_unit_test(test_three_photos),      cmocka_unit_test(test_ties),
        cmocka_unit_test(test_threads),           cmocka_unit_test(test_nothing_to_learn),
        cmocka_unit_test(test_every_allocation),  cmocka_unit_test(test_novelty),
        cmocka_unit_test(test_novelty_of_little), cmocka_unit_test(test_novelty_of_few_dimensions)};
    if (pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pomona_context_free(&context);
    return failed;
}
