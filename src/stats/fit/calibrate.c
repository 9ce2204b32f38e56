#include "stats/fit/calibrate.h"

#include "stats/fit/beta.h"
#include "stats/fit/numbers.h"

#include <math.h>
#include <stdbool.h>

#define COLDEST 1e-3
#define HOTTEST 1e3

static double highest(const double *logits, int classes) {
    double most = logits[0];
    for (int c = 1; c < classes; c++) most = logits[c] > most ? logits[c] : most;
    return most;
}

double calibrate_log_loss(const double *logits, const int *truth, size_t rows, int classes,
                          double temperature) {
    double loss = 0;
    size_t count = 0;
    for (size_t i = 0; i < rows; i++, logits += classes) {
        if (truth[i] < 0) continue;
        double most = highest(logits, classes), sum = 0;
        for (int c = 0; c < classes; c++) sum += exp((logits[c] - most) / temperature);
        loss += log(sum) - (logits[truth[i]] - most) / temperature;
        count++;
    }
    return count ? loss / (double)count : 0;
}

/* Answers to calibrate. */
struct calibration {
    const double *logits;
    const int *truth;
    size_t rows;
    int classes;
    double miss; /* how much of a truth lies with the other classes */
};

/* Adds a row's derivatives of the loss with respect to b = 1 / T: the first is E[logit] - the logit that the truth, softened,
 * has on average, the second Var[logit], under the softmax at b. */
static void differentiate_row(const struct calibration *c, const double *logits, int truth, double b,
                              double *first, double *second) {
    double most = highest(logits, c->classes), sum = 0, mean = 0, square = 0, others = 0;
    for (int k = 0; k < c->classes; k++) {
        double off = logits[k] - most, weight = exp(off * b);
        sum += weight;
        mean += weight * off;
        square += weight * off * off;
        others += k == truth ? 0 : logits[truth] - logits[k];
    }
    mean /= sum;
    *first += mean - (logits[truth] - most) + c->miss * others / (c->classes - 1);
    *second += square / sum - mean * mean;
}

/* First and second derivative of the summed loss with respect to u = log(1 / T). */
static void differentiate(const struct calibration *c, double u, double *first, double *second) {
    double b = exp(u), slope = 0, curvature = 0;
    for (size_t i = 0; i < c->rows; i++)
        if (c->truth[i] >= 0)
            differentiate_row(c, c->logits + i * (size_t)c->classes, c->truth[i], b, &slope, &curvature);
    *first = b * slope;
    *second = b * slope + b * b * curvature;
}

/* The root of the first derivative in (low, high), where it goes from negative to positive. */
static double find_root(const struct calibration *c, double low, double high) {
    double u = 0, first, second, step = high - low;
    for (int i = 0; i < 200 && fabs(step) > 1e-10; i++) {
        differentiate(c, u, &first, &second);
        if (first > 0)
            high = u;
        else
            low = u;
        double last = step, newton = u - first / second;
        bool good = second > 0 && newton > low && newton < high && fabs(newton - u) < fabs(last) / 2;
        double next = good ? newton : (low + high) / 2;
        step = next - u;
        u = next;
    }
    return u;
}

double calibrate_temperature(const double *logits, const int *truth, size_t rows, int classes) {
    struct calibration c = {logits, truth, rows, classes, 0};
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) count += truth[i] >= 0;
    if (count == 0 || classes < 2) return 1;
    c.miss = 1 / ((double)count + 2);
    double low = -log(HOTTEST), high = -log(COLDEST), cold, hot, curvature;
    differentiate(&c, low, &hot, &curvature);
    if (!isfinite(hot) || !isfinite(curvature) || (hot == 0 && curvature == 0)) return 1;
    if (hot >= 0) return HOTTEST;
    differentiate(&c, high, &cold, &curvature);
    if (!isfinite(cold) || !isfinite(curvature)) return 1;
    if (cold <= 0) return COLDEST;
    return exp(-find_root(&c, low, high));
}

/* Which of the ascending scores is the threshold, counted from 1; 0: none. */
static size_t threshold_rank(size_t count, double false_reject) {
    if (count == 0 || !(false_reject > 0)) return 0;
    if (false_reject >= 1) return count;
    /* 0.29 * 100 is less than 29. */
    double rank = floor(false_reject * ((double)count + 1) * (1 + 1e-12));
    return rank < 1 ? 1 : rank > (double)count ? count : (size_t)rank;
}

double calibrate_threshold(double *scores, size_t count, double false_reject) {
    size_t rank = threshold_rank(count, false_reject);
    numbers_sort(scores, count);
    return rank ? scores[rank - 1] : -INFINITY;
}

void calibrate_reject_interval(size_t count, double false_reject, double *low, double *high) {
    size_t rank = threshold_rank(count, false_reject);
    *low = *high = 0;
    if (rank == 0) return;
    *low = beta_quantile(0.025, (double)rank, (double)(count + 1 - rank));
    *high = beta_quantile(0.975, (double)rank, (double)(count + 1 - rank));
}
