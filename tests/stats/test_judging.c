/* Folds, calibration and measures of answers: against their definitions, and at their edges. */
#include "../base/failing.h"
#include "stats/fit/answers.h"
#include "stats/fit/beta.h"
#include "stats/fit/calibrate.h"
#include "stats/fit/folds.h"
#include "table.h"

enum { FOLDS_ROWS = 600, FOLDS = 5 };

static void deal(char keys[][24], const int *leaf, int rows, int folds, uint64_t seed, int *fold) {
    const char *pointers[FOLDS_ROWS] = {NULL};
    for (int i = 0; i < rows; i++) pointers[i] = keys[i];
    assert_int_equal(folds_assign(pointers, leaf, (size_t)rows, folds, seed, fold, &error), POMONA_OK);
}

/* Each photo its own key: classes are spread to within one photo, whatever their sizes; so are all photos together. */
static void test_folds_are_even(void **unused) {
    (void)unused;
    static char keys[FOLDS_ROWS][24];
    static int leaf[FOLDS_ROWS], fold[FOLDS_ROWS];
    for (int i = 0; i < FOLDS_ROWS; i++) {
        snprintf(keys[i], sizeof keys[i], "%08x", (unsigned)next_random());
        leaf[i] = (int)(20 * uniform() * uniform());
    }
    leaf[0] = 20; /* a class of one photo */
    for (int folds = 1; folds <= 12; folds++) {
        deal(keys, leaf, FOLDS_ROWS, folds, 7, fold);
        for (int c = 0; c <= 21; c++) { /* 21: all */
            int count[12] = {0}, least = INT32_MAX, most = 0;
            for (int i = 0; i < FOLDS_ROWS; i++) {
                assert_in_range(fold[i], 0, folds - 1);
                count[fold[i]] += c == 21 || leaf[i] == c;
            }
            for (int f = 0; f < folds; f++) {
                least = count[f] < least ? count[f] : least;
                most = count[f] > most ? count[f] : most;
            }
            assert_true(most - least <= 1);
        }
    }
}

/* Groups of 1 to 9 photos, some of two classes: none is torn apart, classes are spread as evenly as the groups allow, and
 * the order of the rows does not matter; the seed does. */
static void test_folds_keep_groups(void **unused) {
    (void)unused;
    static char keys[FOLDS_ROWS][24], turned[FOLDS_ROWS][24];
    static int leaf[FOLDS_ROWS], fold[FOLDS_ROWS], turned_leaf[FOLDS_ROWS], turned_fold[FOLDS_ROWS];
    int count[4][FOLDS] = {{0}}, moved = 0, group = 0;
    for (int i = 0, left = 0; i < FOLDS_ROWS; i++, left--) {
        if (left == 0) group++, left = 1 + (int)(next_random() % 9);
        snprintf(keys[i], sizeof keys[i], "group %d", group);
        leaf[i] = group % 4 + (group % 17 == 0 && left > 1); /* the last photo has the group's class */
        memcpy(turned[FOLDS_ROWS - 1 - i], keys[i], sizeof keys[i]);
        turned_leaf[FOLDS_ROWS - 1 - i] = leaf[i];
    }
    deal(keys, leaf, FOLDS_ROWS, FOLDS, 1, fold);
    for (int i = FOLDS_ROWS - 1, class = leaf[i]; i >= 0; i--) {
        if (i + 1 < FOLDS_ROWS && strcmp(keys[i], keys[i + 1]) == 0)
            assert_int_equal(fold[i], fold[i + 1]);
        else
            class = leaf[i];
        count[class][fold[i]]++;
    }
    for (int c = 0; c < 4; c++)
        for (int f = 0; f < FOLDS; f++)
            for (int other = 0; other < FOLDS; other++) assert_true(abs(count[c][f] - count[c][other]) <= 3);
    deal(turned, turned_leaf, FOLDS_ROWS, FOLDS, 1, turned_fold);
    for (int i = 0; i < FOLDS_ROWS; i++) assert_int_equal(fold[i], turned_fold[FOLDS_ROWS - 1 - i]);
    deal(keys, leaf, FOLDS_ROWS, FOLDS, 2, turned_fold);
    for (int i = 0; i < FOLDS_ROWS; i++) moved += fold[i] != turned_fold[i];
    assert_true(moved > FOLDS_ROWS / 2);
}

/* One key for all, more folds than rows, no rows; and memory that is not there. */
static void test_folds_at_the_edges(void **unused) {
    (void)unused;
    static char keys[FOLDS_ROWS][24] = {"a", "a", "a"}, others[FOLDS_ROWS][24] = {"a", "b", "c"};
    const int leaf[] = {1, 0, 0};
    int fold[3] = {9, 9, 9};
    deal(keys, leaf, 3, FOLDS, 0, fold);
    assert_true(fold[0] == fold[1] && fold[1] == fold[2]);
    deal(others, leaf, 3, 1000, 0, fold);
    assert_true(fold[0] != fold[1] && fold[1] != fold[2] && fold[0] != fold[2]);
    deal(keys, leaf, 0, FOLDS, 0, fold);
    for (long k = 1; k <= 2; k++) {
        const char *pointers[] = {"a", "b", "c"};
        fail_allocation(k);
        pomona_status status = folds_assign(pointers, leaf, 3, 2, 0, fold, &error);
        fail_allocation(0);
        assert_int_equal(status, POMONA_E_MEMORY);
    }
}

enum { ANSWERS = 400, LABELS = 6 };

static void make_logits(double *logits, int *truth, int rows, int classes, double margin) {
    for (int i = 0; i < rows; i++) {
        truth[i] = (int)(uniform() * classes);
        for (int c = 0; c < classes; c++)
            logits[i * classes + c] = 6 * (uniform() - 0.5) + (c == truth[i] ? margin : 0);
    }
}

/* Mean loss by definition, the truth softened as the header says. */
static double soft_loss(const double *logits, const int *truth, double t) {
    double sum = 0;
    for (int i = 0; i < ANSWERS; i++) {
        double all = 0;
        for (int c = 0; c < LABELS; c++) all += exp(logits[i * LABELS + c] / t);
        for (int c = 0; c < LABELS; c++) {
            double share =
                c == truth[i] ? (ANSWERS + 1.0) / (ANSWERS + 2.0) : 1 / (ANSWERS + 2.0) / (LABELS - 1);
            sum -= share * (logits[i * LABELS + c] / t - log(all)) / ANSWERS;
        }
    }
    return sum;
}

/* No temperature nearby has a lower loss, and twice the logits want twice the temperature. */
static void test_temperature_is_best(void **unused) {
    (void)unused;
    static double logits[ANSWERS * LABELS], scaled[ANSWERS * LABELS];
    static int truth[ANSWERS];
    for (double margin = 0.3; margin < 50; margin *= 2) /* all are right in the end */
        for (double scale = 0.1; scale < 30; scale *= 5) {
            make_logits(logits, truth, ANSWERS, LABELS, margin);
            for (int i = 0; i < ANSWERS * LABELS; i++) scaled[i] = scale * logits[i];
            double t = calibrate_temperature(scaled, truth, ANSWERS, LABELS);
            double base = calibrate_temperature(logits, truth, ANSWERS, LABELS);
            double loss = soft_loss(scaled, truth, t);
            assert_true(fabs(t / (scale * base) - 1) < 1e-8);
            for (double off = 1e-4; off < 1; off *= 10) {
                assert_true(loss < soft_loss(scaled, truth, t * (1 + off)));
                assert_true(loss < soft_loss(scaled, truth, t / (1 + off)));
            }
            double hard = 0;
            for (int i = 0; i < ANSWERS; i++) {
                double all = 0;
                for (int c = 0; c < LABELS; c++) all += exp(scaled[i * LABELS + c] / t);
                hard -= (scaled[i * LABELS + truth[i]] / t - log(all)) / ANSWERS;
            }
            assert_true(fabs(calibrate_log_loss(scaled, truth, ANSWERS, LABELS, t) - hard) < 1e-9);
        }
}

static void test_temperature_at_the_edges(void **unused) {
    (void)unused;
    const double right[] = {2, 1, 0, 0, 0, 5}, wrong[] = {0, 1, 2, 9, 9, 5},
                 far[] = {1e308, 0, -1e308, 0, 0, 1e5};
    const double flat[] = {3, 3, 3, 3, 3, 3}, broken[] = {NAN, 1, 2, 3, 3, 3};
    const double open[] = {1, 0, -INFINITY, 0.5, 0, 1};
    const int first[] = {0, 2}, left_out[] = {0, -1}, none[] = {-1, -1};
    /* Two classes, one photo, right by 1: two thirds sure is log 2 apart. */
    assert_true(fabs(calibrate_temperature(right, first, 1, 2) - 1 / log(2)) < 1e-9);
    assert_true(calibrate_temperature(wrong, first, 2, 3) == 1e3);
    assert_true(calibrate_temperature(far, first, 2, 3) == 1); /* differences that double can't hold */
    assert_true(calibrate_temperature(flat, first, 2, 3) == 1);
    assert_true(calibrate_temperature(broken, first, 2, 3) == 1);
    assert_true(calibrate_temperature(open, first, 2, 3) == 1);
    assert_true(calibrate_temperature(right, first, 0, 3) == 1);
    assert_true(calibrate_temperature(right, none, 2, 3) == 1);
    assert_true(calibrate_temperature(right, (const int[]){0, 0}, 2, 1) == 1);
    assert_true(calibrate_log_loss(right, none, 2, 3, 1) == 0);
    assert_true(calibrate_temperature(wrong, left_out, 2, 3) == calibrate_temperature(wrong, first, 1, 3));
    static double logits[ANSWERS * LABELS], tiny[ANSWERS * LABELS];
    static int truth[ANSWERS];
    make_logits(logits, truth, ANSWERS, LABELS, 1);
    for (int i = 0; i < ANSWERS * LABELS; i++) logits[i] *= 1e100, tiny[i] = logits[i] * 1e-200;
    assert_true(calibrate_temperature(logits, truth, ANSWERS, LABELS) ==
                1e3); /* the best lies beyond the bounds */
    assert_true(calibrate_temperature(tiny, truth, ANSWERS, LABELS) == 1e-3);
}

static void test_threshold(void **unused) {
    (void)unused;
    double scores[99], low, high;
    for (int i = 0; i < 99; i++) scores[i] = (i * 37) % 99;   /* 0..98, mixed */
    assert_true(calibrate_threshold(scores, 99, 0.05) == 4);  /* the 5th lowest: 5 / 100 expected */
    assert_true(calibrate_threshold(scores, 99, 0.29) == 28); /* not the 28th, for rounding's sake */
    assert_true(calibrate_threshold(scores, 98, 0.05) == 3);  /* 4.95 */
    assert_true(calibrate_threshold(scores, 10, 0.05) == 0);  /* too few: the lowest */
    assert_true(calibrate_threshold(scores, 99, 1) == 98);
    assert_true(calibrate_threshold(scores, 99, 7) == 98);
    assert_true(calibrate_threshold(scores, 99, 0) == -INFINITY);
    assert_true(calibrate_threshold(scores, 99, NAN) == -INFINITY);
    assert_true(calibrate_threshold(scores, 0, 0.05) == -INFINITY);
    scores[5] = NAN;
    assert_true(calibrate_threshold(scores, 99, 0.05) == 3 && scores[0] == -INFINITY);
    calibrate_reject_interval(99, 0.05, &low, &high);
    assert_true(low > 0.01 && low < 0.02 && high > 0.09 && high < 0.11);
    calibrate_reject_interval(99, 0, &low, &high);
    assert_true(low == 0 && high == 0);
    calibrate_reject_interval(1, 0.05, &low, &high); /* Beta(1, 1): anything */
    assert_true(fabs(low - 0.025) < 1e-9 && fabs(high - 0.975) < 1e-9);
}

/* The promise itself: over many samples, the true share below the threshold is on average what was asked for, and in its
 * interval 95 times in 100. Scores are uniform, so a threshold is its own false-reject rate. */
static void test_threshold_keeps_its_promise(void **unused) {
    (void)unused;
    enum { SAMPLES = 4000 };
    static const struct {
        int count;
        double share;
    } cases[] = {{19, 0.05}, {60, 0.05}, {300, 0.05}, {300, 0.01}, {47, 0.2}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        double low, high, sum = 0, scores[300];
        int inside = 0;
        calibrate_reject_interval((size_t)cases[k].count, cases[k].share, &low, &high);
        for (int s = 0; s < SAMPLES; s++) {
            for (int i = 0; i < cases[k].count; i++) scores[i] = uniform();
            double rate = calibrate_threshold(scores, (size_t)cases[k].count, cases[k].share);
            sum += rate;
            inside += rate >= low && rate <= high;
        }
        assert_true(sum / SAMPLES <= cases[k].share * 1.04);
        assert_true(fabs(inside / (double)SAMPLES - 0.95) < 0.015);
    }
}

static void test_wilson(void **unused) {
    (void)unused;
    double low, high;
    metrics_wilson(0, 0, &low, &high);
    assert_true(low == 0 && high == 1);
    metrics_wilson(0, 10, &low, &high);
    assert_true(low == 0 && fabs(high - 0.2775) < 1e-4);
    metrics_wilson(10, 10, &low, &high);
    assert_true(fabs(low - 0.7225) < 1e-4 && high == 1);
    metrics_wilson(15, 148, &low, &high); /* Newcombe, 1998: 0.0624 to 0.1605 */
    assert_true(fabs(low - 0.0624) < 5e-5 && fabs(high - 0.1605) < 5e-5);
}

/* By counting pairs, with many ties; and where one side is empty, or nothing overlaps. */
static void test_auroc(void **unused) {
    (void)unused;
    double known[70], unknown[50], low, high, wins = 0;
    for (int i = 0; i < 70; i++) known[i] = 2 + next_random() % 12;
    for (int i = 0; i < 50; i++) unknown[i] = next_random() % 12;
    for (int i = 0; i < 70; i++)
        for (int j = 0; j < 50; j++) wins += known[i] > unknown[j] ? 1 : known[i] == unknown[j] ? 0.5 : 0;
    double area = metrics_auroc(known, 70, unknown, 50, &low, &high);
    assert_true(fabs(area - wins / 3500) < 1e-12 && low < area && area < high);
    assert_true(low > area - 0.15 && high < area + 0.15);
    for (int i = 0; i < 70; i++) known[i] = 1000 + i;
    assert_true(metrics_auroc(known, 70, unknown, 50, &low, &high) == 1 && high == 1);
    assert_true(low > 0.9 && low < 0.99); /* not 1: 120 photos can't show that */
    assert_true(metrics_auroc(unknown, 50, known, 70, &low, &high) == 0 && low == 0 && high < 0.1);
    assert_true(metrics_auroc(known, 0, unknown, 50, &low, &high) == 0.5 && low == 0 && high == 1);
    known[3] = NAN;
    assert_true(metrics_auroc(known, 70, unknown, 50, &low, &high) == 69 / 70.0);
}

static void test_calibration_edges(void **unused) {
    (void)unused;
    struct metrics_calibration c = {0};
    const double odd[] = {NAN, -1, 0, 1, INFINITY, 1e300, 0.999999};
    assert_true(metrics_calibration_error(&c) == 0);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) metrics_calibration_add(&c, odd[i], 1);
    assert_int_equal(c.count[0], 3);
    assert_int_equal(c.count[METRICS_BINS - 1], 4);
}

static void check_curve(int known_count, int unknown_count, int values) {
    static struct metrics_scored known[2000], kept[2000];
    static double unknown[2000], kept_unknown[2000];
    struct metrics_rejection points[METRICS_CURVE];
    for (int i = 0; i < known_count; i++)
        kept[i] = known[i] =
            (struct metrics_scored){(double)(next_random() % (unsigned)values) + 3, next_random() % 3 > 0};
    for (int i = 0; i < unknown_count; i++) kept_unknown[i] = unknown[i] = next_random() % (unsigned)values;
    size_t count =
        metrics_rejection_curve(known, (size_t)known_count, unknown, (size_t)unknown_count, points);
    assert_in_range(count, 1, METRICS_CURVE);
    if (known_count + unknown_count > 1000 && values > 10000) assert_true(count > METRICS_CURVE * 9 / 10);
    double highest = -1;
    for (size_t p = 0; p < count; p++) {
        int accepted = 0, right = 0, others = 0;
        for (int i = 0; i < known_count; i++) {
            accepted += kept[i].score >= points[p].threshold;
            right += kept[i].score >= points[p].threshold && kept[i].right;
            highest = fmax(highest, kept[i].score);
        }
        for (int i = 0; i < unknown_count; i++) {
            others += kept_unknown[i] >= points[p].threshold;
            highest = fmax(highest, kept_unknown[i]);
        }
        if (p > 0) assert_true(points[p].threshold > points[p - 1].threshold);
        assert_true(points[p].known == (known_count ? accepted / (double)known_count : 0));
        assert_true(points[p].unknown == (unknown_count ? others / (double)unknown_count : 0));
        assert_true(points[p].accuracy == (accepted ? right / (double)accepted : 0));
    }
    assert_true(points[0].known == (known_count > 0) && points[0].unknown == (unknown_count > 0));
    assert_true(points[count - 1].threshold == highest);
}

static void test_rejection_curve(void **unused) {
    (void)unused;
    static const int counts[] = {0, 1, 7, 190, 1000, 2000};
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            for (int values = 1; values < 2000000 && i + j > 0; values *= 37)
                check_curve(counts[i], counts[j], values);
    struct metrics_rejection points[METRICS_CURVE];
    assert_int_equal(metrics_rejection_curve(NULL, 0, NULL, 0, points), 0);
    struct metrics_scored odd[] = {{NAN, true}, {INFINITY, true}, {-INFINITY, false}, {1, true}};
    assert_int_equal(metrics_rejection_curve(odd, 4, NULL, 0, points), 3);
    assert_true(points[0].known == 1 && points[1].known == 0.5 && points[2].threshold == INFINITY);
}

/* Every table and mean from the probabilities themselves, two times over: more may be added after a summary. */
static void test_answers(void **unused) {
    (void)unused;
    static double p[ANSWERS][LABELS];
    static int truth[ANSWERS], best[ANSWERS];
    struct answers *answers;
    struct answers_summary s;
    assert_int_equal(answers_new(LABELS, 3, &answers, &error), POMONA_OK);
    answers_summarise(answers, &s);
    assert_true(s.rows == 0 && s.top1 == 0 && s.top1_high == 1 && s.macro_f1 == 0 && s.ece_mass == 0);
    for (int i = 0; i < ANSWERS; i++) {
        double sum = 0;
        truth[i] = (int)(uniform() * (LABELS - 1)); /* the last class has no photos */
        for (int c = 0; c < LABELS; c++)
            sum += p[i][c] = 0.05 + (next_random() % 4) + (c == truth[i] ? next_random() % 5 : 0); /* ties */
        for (int c = 0; c < LABELS; c++) p[i][c] /= sum;
        for (int c = best[i] = 0; c < LABELS; c++)
            if (p[i][c] > p[i][best[i]]) best[i] = c;
        assert_int_equal(answers_add(answers, truth[i], p[i], &error), POMONA_OK);
        if (i == ANSWERS / 2) answers_summarise(answers, &s);
    }
    answers_summarise(answers, &s);
    int right = 0, in_top = 0;
    double loss = 0, brier = 0, precision = 0;
    for (int i = 0; i < ANSWERS; i++) {
        int before = 0;
        for (int c = 0; c < LABELS; c++) {
            before += p[i][c] > p[i][truth[i]] || (p[i][c] == p[i][truth[i]] && c < truth[i]);
            brier += pow(p[i][c] - (c == truth[i]), 2) / ANSWERS;
        }
        right += best[i] == truth[i], in_top += before < 3, loss -= log(p[i][truth[i]]) / ANSWERS;
    }
    assert_true(s.rows == ANSWERS && s.top1 == right / (double)ANSWERS && s.topk == in_top / (double)ANSWERS);
    assert_true(fabs(s.log_loss - loss) < 1e-12 && fabs(s.brier - brier) < 1e-12);
    size_t pairs = answers_pairs(answers), width = 0, mass = 0;
    struct metrics_cell *cells = malloc((ANSWERS + 1) * sizeof *cells),
                        *want = malloc((ANSWERS + 1) * sizeof *want);
    assert_int_equal(metrics_confusion(truth, best, ANSWERS, want), pairs);
    answers_confusions(answers, cells);
    for (size_t i = 0; i < pairs; i++)
        assert_true(cells[i].truth == want[i].truth && cells[i].predicted == want[i].predicted &&
                    cells[i].count == want[i].count);
    for (int c = 0; c < LABELS; c++) {
        struct answers_class class;
        size_t support = 0, predicted = 0;
        answers_of_class(answers, c, &class);
        for (int i = 0; i < ANSWERS; i++) support += truth[i] == c, predicted += best[i] == c;
        assert_true(class.support == support && class.predicted == predicted);
        if (c < LABELS - 1) precision += class.precision / (LABELS - 1);
    }
    assert_true(s.judged == LABELS - 1 && fabs(s.macro_precision - precision) < 1e-12);
    for (int b = 0; b < METRICS_BINS; b++) {
        width += s.width[b].count, mass += s.mass[b].count;
        assert_in_range(s.mass[b].count, ANSWERS / METRICS_BINS, ANSWERS / METRICS_BINS + 1);
        if (b > 0) assert_true(s.mass[b].low >= s.mass[b - 1].high);
    }
    assert_true(width == ANSWERS && mass == ANSWERS);
    free(cells), free(want);
    answers_free(&answers);
}

static void test_answers_at_the_edges(void **unused) {
    (void)unused;
    struct answers *answers;
    struct answers_summary s;
    const double broken[] = {NAN, NAN}, zero[] = {1, 0};
    assert_int_equal(answers_new(2, 1, &answers, &error), POMONA_OK);
    assert_int_equal(answers_add(answers, 1, broken, &error), POMONA_OK);
    assert_int_equal(answers_add(answers, 1, zero, &error), POMONA_OK);
    answers_summarise(answers, &s);
    assert_true(s.top1 == 0 && s.judged == 1 && isfinite(s.log_loss) && s.log_loss < 36.1);
    assert_true(s.mass[0].accuracy == 0 && isfinite(s.ece_mass) && s.ece_mass == 0.5);
    answers_free(&answers);
    const double same[] = {
        0.75, 0.25}; /* thirty photos as sure as each other, half of them wrong: those come first */
    assert_int_equal(answers_new(2, 1, &answers, &error), POMONA_OK);
    for (int i = 0; i < 30; i++) assert_int_equal(answers_add(answers, i % 2, same, &error), POMONA_OK);
    answers_summarise(answers, &s);
    for (int b = 0; b < METRICS_BINS; b++)
        assert_true(s.mass[b].count == 2 && s.mass[b].confidence == 0.75 &&
                    s.mass[b].accuracy == (b < 7   ? 0
                                           : b > 7 ? 1
                                                   : 0.5));
    assert_true(s.ece_width == 0.25 && s.width[11].count == 30 && s.width[11].accuracy == 0.5);
    answers_free(&answers);
}

/* 100,000 classes: memory for the photos that come, not for the square. */
static void test_many_classes(void **unused) {
    (void)unused;
    enum { MANY = 100000, PHOTOS = 300 };
    double *p = calloc(MANY, sizeof *p);
    struct answers *answers;
    struct answers_summary s;
    assert_int_equal(answers_new(MANY, 5, &answers, &error), POMONA_OK);
    for (int i = 0; i < PHOTOS; i++) {
        int truth = (int)(next_random() % MANY), other = i % 2 ? truth : (int)(next_random() % MANY);
        p[other] = 1;
        assert_int_equal(answers_add(answers, truth, p, &error), POMONA_OK);
        p[other] = 0;
    }
    answers_summarise(answers, &s);
    assert_true(s.top1 >= 0.5 && s.top1 < 0.52 && answers_pairs(answers) <= PHOTOS);
    answers_free(&answers);
    free(p);
}

static pomona_status judge(void) {
    struct answers *answers;
    pomona_status status = answers_new(50, 5, &answers, &error);
    double p[50] = {0};
    for (int i = 0; i < 1000 && status == POMONA_OK; i++) {
        p[i * 7 % 50] = 1;
        status = answers_add(answers, i * 11 % 50, p, &error);
        p[i * 7 % 50] = 0;
    }
    answers_free(&answers);
    return status;
}

static void test_every_allocation(void **unused) {
    (void)unused;
    long k = 1;
    for (int reached = 1; reached; k++) {
        fail_allocation(k);
        pomona_status status = judge();
        reached = failed_allocation();
        fail_allocation(0);
        assert_int_equal(status, reached ? POMONA_E_MEMORY : POMONA_OK);
    }
    assert_true(k > 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_folds_are_even),
                                       cmocka_unit_test(test_folds_keep_groups),
                                       cmocka_unit_test(test_folds_at_the_edges),
                                       cmocka_unit_test(test_temperature_is_best),
                                       cmocka_unit_test(test_temperature_at_the_edges),
                                       cmocka_unit_test(test_threshold),
                                       cmocka_unit_test(test_threshold_keeps_its_promise),
                                       cmocka_unit_test(test_wilson),
                                       cmocka_unit_test(test_auroc),
                                       cmocka_unit_test(test_calibration_edges),
                                       cmocka_unit_test(test_rejection_curve),
                                       cmocka_unit_test(test_answers),
                                       cmocka_unit_test(test_answers_at_the_edges),
                                       cmocka_unit_test(test_many_classes),
                                       cmocka_unit_test(test_every_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
