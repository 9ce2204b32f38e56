/* Probabilities that mean what they say, and a threshold below which a photo is none of the classes. Both are fitted to
 * answers on photos that the head has not learnt from: on photos it has learnt from, or near-duplicates of them, both come
 * out too sure.
 *
 * Sources: Guo, Pleiss, Sun, Weinberger, On calibration of modern neural networks, 2017 (temperature); Platt, Probabilistic
 * outputs for support vector machines, 1999; Wilks, Determination of sample sizes for setting tolerance limits, 1941 (order
 * statistics); Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World, 2005 (the rank that keeps the
 * expectation). */
#ifndef STATS_FIT_CALIBRATE_H
#define STATS_FIT_CALIBRATE_H

#include <stddef.h>

/* The temperature T in [1e-3, 1e3] whose softmax(logits / T) gives the truth the lowest log-loss, by Newton's method on its
 * logarithm inside a bracket (the loss is convex in 1 / T), to nine digits. logits [rows][classes], truth [rows]; rows of
 * truth -1 are left out. A truth counts as (n + 1) / (n + 2) sure, n being the rows, and the rest lies evenly with the other
 * classes (Platt, 1999): where every answer is right the temperature stays as high as n answers can justify. Always finite:
 * 1e3 where more heat is always better (truths lie on average below the mean of the logits), and 1 without rows, with one
 * class, where all logits are equal, or where not all are finite. */
double calibrate_temperature(const double *logits, const int *truth, size_t rows, int classes);

/* Mean log-loss of softmax(logits / temperature), nats, over rows of truth >= 0; 0 without any. */
double calibrate_log_loss(const double *logits, const int *truth, size_t rows, int classes,
                          double temperature);

/* The score below which photos are rejected so that the expected share of known photos like these that are is at most
 * false_reject: the r-th lowest of the scores, r = floor(false_reject * (count + 1)). At most r - 1 of the scores themselves lie
 * below it. With fewer than 1 / false_reject - 1 scores nothing can promise that; the lowest is taken then (r = 1: the
 * expected share is 1 / (count + 1)). -INFINITY, which rejects nothing, without scores or when false_reject <= 0. Sorts scores
 * [count] ascending (NaN becomes -INFINITY). */
double calibrate_threshold(double *scores, size_t count, double false_reject);

/* Where the true share of rejected known photos lies, with a chance of 95 %, when the threshold is calibrate_threshold's of
 * `count` scores: the central interval of Beta(r, count + 1 - r), whatever the scores' distribution (if it is continuous;
 * equal scores only lower the share). Holds for photos drawn like those of the scores. 0 and 0 where nothing is rejected. */
void calibrate_reject_interval(size_t count, double false_reject, double *low, double *high);

#endif
