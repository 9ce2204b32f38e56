#include "job/comparison.h"
#include "job/measure.h"

#include <math.h>

/* A difference between two models counts from here on. */
static const double SIGNIFICANT = 0.05;

/* Latencies and memories within this factor of the least count as equal: what differs from one run to the next. */
static const double AS_CHEAP = 1.05;

void compare_count(const uint8_t *verdicts, size_t photos, struct pomona_compare_row *row) {
    int64_t fine = 0, coarse = 0;
    row->photos = row->unknown = row->failed = row->rejected = 0;
    for (size_t i = 0; i < photos; i++) {
        if (!(verdicts[i] & VERDICT_READ)) {
            row->failed++;
        } else if (!(verdicts[i] & VERDICT_KNOWN)) {
            row->unknown++;
        } else {
            row->photos++;
            fine += (verdicts[i] & VERDICT_FINE) != 0;
            coarse += (verdicts[i] & VERDICT_COARSE) != 0;
            row->rejected += (verdicts[i] & VERDICT_REJECTED) != 0;
        }
    }
    int64_t readable = row->photos + row->unknown;
    row->fine = measure_share(fine, row->photos);
    row->coarse = measure_share(coarse, row->groups > 0 ? row->photos : 0);
    row->answered = readable ? (double)fine / (double)readable : 0;
}

static bool is_right(uint8_t verdict) { return (verdict & VERDICT_FINE) != 0; }

static double test_pair(const uint8_t *a, const uint8_t *b, size_t photos) {
    int64_t only_a = 0, only_b = 0;
    for (size_t i = 0; i < photos; i++) {
        if (!(a[i] & b[i] & VERDICT_READ)) continue;
        only_a += is_right(a[i]) && !is_right(b[i]);
        only_b += is_right(b[i]) && !is_right(a[i]);
    }
    return measure_mcnemar(only_a, only_b);
}

static bool labels_differ(const struct pomona_compare_result *result, const uint8_t *const *verdicts,
                          size_t photos) {
    int first = -1;
    for (int row = 0; row < result->row_count; row++) {
        if (!verdicts[row] || !compare_measured(&result->rows[row])) continue;
        if (first < 0) first = row;
        const uint8_t *a = verdicts[first], *b = verdicts[row];
        for (size_t i = 0; i < photos; i++)
            if ((a[i] & b[i] & VERDICT_READ) && ((a[i] ^ b[i]) & VERDICT_KNOWN)) return true;
    }
    return false;
}

static void mark_front(struct pomona_compare_result *result) {
    for (int i = 0; i < result->row_count; i++) {
        struct pomona_compare_row *row = &result->rows[i];
        row->front = compare_judged(row);
        for (int j = 0; j < result->row_count && row->front; j++) {
            const struct pomona_compare_row *other = &result->rows[j];
            if (j == i || !compare_judged(other)) continue;
            bool as_good = other->answered >= row->answered && other->ms.median <= row->ms.median;
            if (as_good && (other->answered > row->answered || other->ms.median < row->ms.median))
                row->front = false;
        }
    }
}

/* How many times its bound a figure is; 0 without a bound, and infinite where the figure is not known. */
static double ratio(double figure, double bound) {
    if (!(bound > 0)) return 0;
    return figure > 0 ? figure / bound : INFINITY;
}

/* Marks what a row exceeds and returns the largest ratio. */
static double weigh(const struct pomona_compare_budget *budget, struct pomona_compare_row *row) {
    double memory = ratio((double)row->peak_memory, (double)budget->memory);
    double ms = ratio(row->ms.median, budget->ms), p99 = ratio(row->p99_ms.median, budget->p99);
    double bytes = ratio((double)row->file_bytes, (double)budget->bytes);
    row->over_memory = memory > 1;
    row->over_ms = ms > 1;
    row->over_p99 = p99 > 1;
    row->over_bytes = bytes > 1;
    row->fits =
        compare_measured(row) && !row->over_memory && !row->over_ms && !row->over_p99 && !row->over_bytes;
    return fmax(fmax(memory, ms), fmax(p99, bytes));
}

static bool is_cheaper(const struct pomona_compare_row *a, const struct pomona_compare_row *b) {
    if (a->ms.median != b->ms.median) return a->ms.median < b->ms.median;
    return a->peak_memory < b->peak_memory;
}

static void find_best(struct pomona_compare_result *result) {
    for (int i = 0; i < result->row_count; i++) {
        struct pomona_compare_row *row = &result->rows[i];
        double excess = weigh(&result->budget, row);
        if (!compare_judged(row)) continue;
        if (!row->fits) {
            if (result->nearest < 0 || excess < result->excess) result->nearest = i, result->excess = excess;
            continue;
        }
        const struct pomona_compare_row *best = result->best < 0 ? NULL : &result->rows[result->best];
        if (!best || row->answered > best->answered ||
            (row->answered == best->answered && is_cheaper(row, best)))
            result->best = i;
    }
    if (result->best >= 0) result->nearest = -1, result->excess = 0;
}

static void test_all(struct pomona_compare_result *result, const uint8_t *const *verdicts, size_t photos) {
    for (int i = 0; i < result->row_count; i++) {
        struct pomona_compare_row *row = &result->rows[i];
        row->p = NAN;
        row->tied = i == result->best;
        if (result->best < 0 || i == result->best || !compare_judged(row)) continue;
        row->p = test_pair(verdicts[result->best], verdicts[i], photos);
        row->tied = row->fits && row->p >= SIGNIFICANT;
    }
}

static bool is_less_memory(const struct pomona_compare_row *row, double bytes) {
    return row->peak_memory > 0 && (double)row->peak_memory <= bytes;
}

/* Of those as good as the best: those as fast as the fastest, of these those as small as the smallest, of these the most
 * accurate. */
static int find_cheapest(const struct pomona_compare_result *result) {
    double fastest = INFINITY, least = INFINITY;
    int chosen = -1;
    for (int i = 0; i < result->row_count; i++)
        if (result->rows[i].tied) fastest = fmin(fastest, result->rows[i].ms.median);
    for (int i = 0; i < result->row_count; i++) {
        const struct pomona_compare_row *row = &result->rows[i];
        if (row->tied && row->ms.median <= AS_CHEAP * fastest && is_less_memory(row, least))
            least = (double)row->peak_memory;
    }
    for (int i = 0; i < result->row_count; i++) {
        const struct pomona_compare_row *row = &result->rows[i];
        if (!row->tied || row->ms.median > AS_CHEAP * fastest) continue;
        if (isfinite(least) && !is_less_memory(row, AS_CHEAP * least)) continue;
        const struct pomona_compare_row *other = chosen < 0 ? NULL : &result->rows[chosen];
        if (!other || row->answered > other->answered ||
            (row->answered == other->answered && is_cheaper(row, other)))
            chosen = i;
    }
    return chosen;
}

void compare_choose(struct pomona_compare_result *result, const uint8_t *const *verdicts, size_t photos) {
    bool any = false;
    result->best = result->chosen = result->nearest = -1;
    result->excess = 0;
    result->labels_differ = labels_differ(result, verdicts, photos);
    for (int i = 0; i < result->row_count; i++) any |= compare_judged(&result->rows[i]);
    mark_front(result);
    find_best(result);
    test_all(result, verdicts, photos);
    result->chosen = find_cheapest(result);
    if (!any)
        result->reason = POMONA_COMPARE_NO_ACCURACY;
    else if (result->best < 0)
        result->reason = POMONA_COMPARE_NONE_FITS;
    else
        result->reason =
            result->chosen == result->best ? POMONA_COMPARE_MOST_ACCURATE : POMONA_COMPARE_CHEAPER_AS_GOOD;
}
