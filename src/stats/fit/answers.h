/* Judges a head's answers while they come: accuracy, per class and in all, log-loss, Brier score, calibration, confusions.
 *
 * Memory: 8 bytes a photo (its confidence), three counts a class, 23 to 46 bytes for each pair of classes that was
 * confused; never classes x classes, and no probabilities are kept. Sums are taken in the order of the photos. One thread
 * at a time.
 *
 * Sources: Brier, Verification of forecasts expressed in terms of probability, 1950; Guo et al., On calibration of modern
 * neural networks, 2017; Nguyen and O'Connor, Posterior calibration and exploratory analysis, 2015 (bins of equal mass). */
#ifndef STATS_FIT_ANSWERS_H
#define STATS_FIT_ANSWERS_H

#include "stats/fit/metrics.h"

struct answers;

/* For answers over `classes` (1..131072) classes; `top` >= 1: how many guesses the second accuracy allows. POMONA_E_MEMORY. */
pomona_status answers_new(int classes, int top, struct answers **answers, struct pomona_error *error);
void answers_free(struct answers **answers);

/* One photo: its class, 0..classes - 1, and the probabilities [classes] it was given. Best is the highest probability (ties:
 * the first), as in head_decide; the truth is among the top k when fewer than k classes come before it. NaN counts as 0.
 * POMONA_E_MEMORY: then nothing has changed. */
pomona_status answers_add(struct answers *answers, int truth, const double *probabilities,
                          struct pomona_error *error);

/* One bin of a reliability table. */
struct answers_bin {
    double low, high; /* of equal width: its edges; of equal mass: its lowest and highest confidence */
    size_t count;     /* photos */
    double confidence, accuracy; /* means; 0 without photos */
};

struct answers_summary {
    size_t rows;
    double top1, top1_low, top1_high; /* share of photos whose best class is right, Wilson 95 % interval */
    double topk, topk_low, topk_high; /* the same with `top` guesses */

    int judged; /* classes with photos: those that the means below are over */
    double macro_precision, macro_recall, macro_f1; /* unweighted means */

    double log_loss; /* mean of -log p(truth), nats; p at least 2^-52 (as scikit-learn has it) */
    double brier;    /* mean over photos of sum over classes (p - is_truth)^2, 0..2 */

    /* Expected calibration error: mean over photos of |confidence - accuracy| of their bin. Equal mass: bin i holds photos
     * [i n / 15, (i + 1) n / 15) in order of confidence. */
    double ece_width, ece_mass;
    struct answers_bin width[METRICS_BINS], mass[METRICS_BINS];
};

/* All zero without photos (intervals 0 to 1). Sorts what is kept of the photos; more may be added afterwards. */
void answers_summarise(struct answers *answers, struct answers_summary *summary);

struct answers_class {
    size_t support, predicted, right; /* photos of it; taken for it; both */
    double precision, recall, f1; /* right / predicted, right / support, their harmonic mean; 0 / 0 is 0 */
    double precision_low, precision_high; /* Wilson 95 % intervals */
    double recall_low, recall_high;
};

void answers_of_class(const struct answers *answers, int class, struct answers_class *result);

/* Pairs of classes (right ones too) that occurred; answers_confusions copies them to cells [pairs], sorted by truth, then
 * predicted. */
size_t answers_pairs(const struct answers *answers);
void answers_confusions(const struct answers *answers, struct metrics_cell *cells);

#endif
