/* Probabilities that mean what they say, and a threshold below which a photo is none of the classes. Both are fitted to
 * answers on photos that the head has not learnt from. */
#ifndef STATS_FIT_CALIBRATE_H
#define STATS_FIT_CALIBRATE_H

#include <stddef.h>

/* The temperature T in [1e-3, 1e3] whose softmax(logits / T) gives the truth the lowest log-loss (Guo et al., On calibration of
 * modern neural networks, 2017), by bracketing its logarithm (golden section), to six digits. logits [rows][classes], truth
 * [rows]. 1 without rows. A truth counts as (n + 1) / (n + 2) sure, n being the rows (Platt, Probabilistic outputs for
 * support vector machines, 1999): where every answer is right the temperature stays as high as n answers can justify. */
double calibrate_temperature(const double *logits, const int *truth, size_t rows, int classes);

/* Mean log-loss of softmax(logits / temperature), nats; 0 without rows. */
double calibrate_log_loss(const double *logits, const int *truth, size_t rows, int classes,
                          double temperature);

/* The greatest threshold such that at most floor(false_reject * count) of the scores lie below it. Sorts scores [count], ascending.
 * -INFINITY without scores. For photos like these, the expected share below it is at most false_reject. */
double calibrate_threshold(double *scores, size_t count, double false_reject);

#endif
