/* A classifier's head for the workers of a pipeline: each has memory of its own, so that none is allocated a photo. */
#ifndef JOB_ANSWERER_H
#define JOB_ANSWERER_H

#include "pomona/classifier.h"

#include <stddef.h>

/* Zero-initialise; free with answerer_free. */
struct answerer {
    const struct pomona_classifier *classifier;
    int classes;
    double *scratch; /* [threads][stride] */
    size_t stride;
};

pomona_status answerer_start(struct answerer *answerer, const struct pomona_classifier *classifier,
                             int threads, struct pomona_error *error);

/* Numbers of one answer: the probabilities [classes], then the score `known`. */
static inline int answerer_values(const struct answerer *answerer) { return answerer->classes + 1; }

/* Fills them from features; no two calls for the same worker, 0 .. threads - 1, at a time. */
void answerer_run(const struct answerer *answerer, int worker, const float *features, double *values);

/* The batch for a pipeline of so many threads: `batch`, or fewer where answers that wait for their turn would take more than
 * about 64 MB. */
int answerer_batch(const struct answerer *answerer, int threads, int batch);

void answerer_free(struct answerer *answerer);

#endif
