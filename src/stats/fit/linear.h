/* A linear classifier under construction: logits = bias + weight . x, in the features' own units. */
#ifndef STATS_FIT_LINEAR_H
#define STATS_FIT_LINEAR_H

#include "base/error.h"
#include "pomona/context.h"

#include <stddef.h>

struct linear_model {
    int classes, width;
    double *weight; /* [classes][width], owned */
    double *bias;   /* [classes], owned */
};

/* Zeros of this shape. On failure *model is empty. POMONA_E_MEMORY. */
pomona_status linear_model_new(int classes, int width, struct linear_model *model,
                               struct pomona_error *error);

/* Accepts empty ones; leaves an empty one. */
void linear_model_free(struct linear_model *model);

/* logits [rows][classes] of features [rows][width], in double, on up to `threads` threads; the same bits for any number.
 * POMONA_E_MEMORY. */
pomona_status linear_model_logits(const struct pomona_context *context, const struct linear_model *model,
                                  const float *features, size_t rows, int threads, double *logits,
                                  struct pomona_error *error);

#endif
