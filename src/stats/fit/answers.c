#include "stats/fit/answers.h"

#include "base/memory.h"
#include "stats/fit/numbers.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct answers {
    int classes, top;
    size_t rows, in_top;
    size_t *support, *predicted, *right; /* [classes] each, in one block */
    double log_loss, brier;              /* sums */
    double *confidence;                  /* [row_capacity]: the sign bit is set where the answer is wrong */
    size_t row_capacity;
    struct metrics_calibration width;
    struct metrics_cell *cells;  /* [cell_capacity], a hash table with linear probing; count 0: free */
    size_t cell_capacity, pairs; /* the capacity is a power of two */
};

enum { FIRST_CELLS = 64, FIRST_ROWS = 256 };

pomona_status answers_new(int classes, int top, struct answers **answers, struct pomona_error *error) {
    *answers = NULL;
    struct answers *a = memory_new(1, sizeof *a);
    if (!a) return fail_memory(error, "answers");
    *a = (struct answers){
        .classes = classes, .top = top, .row_capacity = FIRST_ROWS, .cell_capacity = FIRST_CELLS};
    a->support = memory_new(3 * (size_t)classes, sizeof *a->support);
    a->confidence = memory_new(FIRST_ROWS, sizeof *a->confidence);
    a->cells = memory_new(FIRST_CELLS, sizeof *a->cells);
    if (!a->support || !a->confidence || !a->cells) {
        answers_free(&a);
        return fail_memory(error, "answers");
    }
    a->predicted = a->support + classes;
    a->right = a->predicted + classes;
    *answers = a;
    return POMONA_OK;
}

void answers_free(struct answers **answers) {
    if (!answers || !*answers) return;
    memory_free((*answers)->support);
    memory_free((*answers)->confidence);
    memory_free((*answers)->cells);
    memory_free(*answers);
    *answers = NULL;
}

/* Where the pair is in the table, or the free place where it belongs. */
static struct metrics_cell *find_cell(struct metrics_cell *cells, size_t capacity, int truth, int predicted) {
    uint64_t key = (uint64_t)truth << 32 | (uint32_t)predicted;
    key = (key ^ key >> 29) * UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (size_t)(key >> 32) & (capacity - 1);
    while (cells[at].count > 0 && (cells[at].truth != truth || cells[at].predicted != predicted))
        at = (at + 1) & (capacity - 1);
    return &cells[at];
}

static pomona_status grow_cells(struct answers *a, struct pomona_error *error) {
    size_t capacity = 2 * a->cell_capacity;
    struct metrics_cell *cells = memory_new(capacity, sizeof *cells);
    if (!cells) return fail_memory(error, "confusions");
    for (size_t i = 0; i < a->cell_capacity; i++)
        if (a->cells[i].count > 0)
            *find_cell(cells, capacity, a->cells[i].truth, a->cells[i].predicted) = a->cells[i];
    memory_free(a->cells);
    a->cells = cells;
    a->cell_capacity = capacity;
    return POMONA_OK;
}

/* Makes room for one more photo. */
static pomona_status reserve(struct answers *a, struct pomona_error *error) {
    if (a->pairs >= a->cell_capacity / 10 * 7) TRY(grow_cells(a, error));
    if (a->rows < a->row_capacity) return POMONA_OK;
    size_t capacity = size_multiply(2, a->row_capacity);
    double *grown = memory_resize(a->confidence, capacity, sizeof *grown);
    if (!grown) return fail_memory(error, "answers");
    a->confidence = grown;
    a->row_capacity = capacity;
    return POMONA_OK;
}

static double or_zero(double probability) { return probability >= 0 ? probability : 0; }

pomona_status answers_add(struct answers *a, int truth, const double *probabilities,
                          struct pomona_error *error) {
    double given = or_zero(probabilities[truth]), brier = 0, most = or_zero(probabilities[0]);
    int best = 0, before = 0; /* classes that come before the truth */
    TRY(reserve(a, error));
    for (int c = 0; c < a->classes; c++) {
        double p = or_zero(probabilities[c]);
        if (p > most) most = p, best = c;
        before += p > given || (p == given && c < truth);
        brier += c == truth ? (1 - p) * (1 - p) : p * p;
    }
    bool right = best == truth;
    a->in_top += before < a->top;
    a->support[truth]++;
    a->predicted[best]++;
    a->right[truth] += right;
    a->log_loss -= log(given > DBL_EPSILON ? given : DBL_EPSILON);
    a->brier += brier;
    a->confidence[a->rows++] = right ? most : -most;
    metrics_calibration_add(&a->width, most, right);
    struct metrics_cell *cell = find_cell(a->cells, a->cell_capacity, truth, best);
    a->pairs += cell->count == 0;
    cell->truth = truth;
    cell->predicted = best;
    cell->count++;
    return POMONA_OK;
}

/* By confidence, wrong answers first among equals. */
static int compare_confidences(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    if (fabs(a) != fabs(b)) return fabs(a) < fabs(b) ? -1 : 1;
    return (signbit(b) != 0) - (signbit(a) != 0);
}

/* Photos [first, end) in order of confidence. */
static struct answers_bin mass_bin(const struct answers *a, size_t first, size_t end) {
    struct answers_bin bin = {.count = end - first};
    if (bin.count == 0) return bin;
    for (size_t i = first; i < end; i++) {
        bin.confidence += fabs(a->confidence[i]);
        bin.accuracy += !signbit(a->confidence[i]);
    }
    bin.confidence /= (double)bin.count;
    bin.accuracy /= (double)bin.count;
    bin.low = fabs(a->confidence[first]);
    bin.high = fabs(a->confidence[end - 1]);
    return bin;
}

static struct answers_bin width_bin(const struct metrics_calibration *calibration, int index) {
    struct answers_bin bin = {.low = (double)index / METRICS_BINS,
                              .high = (double)(index + 1) / METRICS_BINS,
                              .count = calibration->count[index]};
    if (bin.count == 0) return bin;
    bin.confidence = calibration->confidence[index] / (double)bin.count;
    bin.accuracy = (double)calibration->right[index] / (double)bin.count;
    return bin;
}

static void judge_calibration(struct answers *a, struct answers_summary *s) {
    qsort(a->confidence, a->rows, sizeof *a->confidence, compare_confidences);
    s->ece_width = metrics_calibration_error(&a->width);
    size_t first = 0, whole = a->rows / METRICS_BINS, rest = a->rows % METRICS_BINS;
    for (size_t i = 0; i < METRICS_BINS; i++) {
        size_t end = whole * (i + 1) + rest * (i + 1) / METRICS_BINS; /* (i + 1) n / 15 */
        s->width[i] = width_bin(&a->width, (int)i);
        s->mass[i] = mass_bin(a, first, end);
        s->ece_mass +=
            fabs(s->mass[i].confidence - s->mass[i].accuracy) * (double)s->mass[i].count / (double)a->rows;
        first = end;
    }
}

static void judge_classes(const struct answers *a, struct answers_summary *s) {
    for (int c = 0; c < a->classes; c++) {
        struct answers_class class;
        if (a->support[c] == 0) continue;
        answers_of_class(a, c, &class);
        s->judged++;
        s->macro_precision += class.precision;
        s->macro_recall += class.recall;
        s->macro_f1 += class.f1;
    }
    s->macro_precision /= s->judged;
    s->macro_recall /= s->judged;
    s->macro_f1 /= s->judged;
}

void answers_summarise(struct answers *a, struct answers_summary *s) {
    *s = (struct answers_summary){.rows = a->rows, .top1_high = 1, .topk_high = 1};
    if (a->rows == 0) return;
    size_t right = 0;
    for (int c = 0; c < a->classes; c++) right += a->right[c];
    s->top1 = (double)right / (double)a->rows;
    s->topk = (double)a->in_top / (double)a->rows;
    metrics_wilson(right, a->rows, &s->top1_low, &s->top1_high);
    metrics_wilson(a->in_top, a->rows, &s->topk_low, &s->topk_high);
    s->log_loss = a->log_loss / (double)a->rows;
    s->brier = a->brier / (double)a->rows;
    judge_classes(a, s);
    judge_calibration(a, s);
}

static double divide(double a, double b) { return b > 0 ? a / b : 0; }

void answers_of_class(const struct answers *a, int class, struct answers_class *result) {
    size_t support = a->support[class], predicted = a->predicted[class], right = a->right[class];
    *result = (struct answers_class){.support = support, .predicted = predicted, .right = right};
    result->precision = divide((double)right, (double)predicted);
    result->recall = divide((double)right, (double)support);
    result->f1 = divide(2 * (double)right, (double)support + (double)predicted);
    metrics_wilson(right, predicted, &result->precision_low, &result->precision_high);
    metrics_wilson(right, support, &result->recall_low, &result->recall_high);
}

size_t answers_pairs(const struct answers *a) { return a->pairs; }

void answers_confusions(const struct answers *a, struct metrics_cell *cells) {
    size_t count = 0;
    for (size_t i = 0; i < a->cell_capacity; i++)
        if (a->cells[i].count > 0) cells[count++] = a->cells[i];
    metrics_sort_cells(cells, count);
}
