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

/* Answers to calibrate, and the derivatives of their summed loss. */
struct calibration {
    const double *logits;
    const int *truth;
    size_t rows;
    int classes;
};

/* First and second derivative with respect to u = log(1 / T). For b = 1 / T a row's loss has the first derivative
 * E[logit] - logit of the truth, and the second Var[logit], under the softmax at b. */
static void differentiate(const struct calibration *c, double u, double *first, double *second) {
    double inverse = exp(u), slope = 0, curvature = 0;
    const double *logits = c->logits;
    for (size_t i = 0; i < c->rows; i++, logits += c->classes) {
        if (c->truth[i] < 0) continue;
        double most = highest(logits, c->classes), sum = 0, mean = 0, square = 0;
        for (int k = 0; k < c->classes; k++) {
            double off = logits[k] - most, weight = exp(off * inverse);
            if (weight == 0) continue; /* off may be -INFINITY */
            sum += weight;
            mean += weight * off;
            square += weight * off * off;
        }
        mean /= sum;
        slope += mean - (logits[c->truth[i]] - most);
        curvature += square / sum - mean * mean;
    }
    *first = inverse * slope;
    *second = inverse * slope + inverse * inverse * curvature;
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
    const struct calibration c = {logits, truth, rows, classes};
    double low = -log(HOTTEST), high = -log(COLDEST), cold, hot, curvature;
    differentiate(&c, low, &hot, &curvature);
    if (!isfinite(hot) || !isfinite(curvature) || (hot == 0 && curvature == 0)) return 1;
    if (hot >= 0) return HOTTEST;
    differentiate(&c, high, &cold, &curvature);
    if (!isfinite(cold)) return 1;
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
