/* A linear classifier under construction: logits = bias + weight . x, in the features' own units. */
#ifndef STATS_FIT_LINEAR_H
#define STATS_FIT_LINEAR_H

#include "base/error.h"

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

/* logits [classes] of x [width]; each is one sum in the order of the features, the bias first. */
void linear_model_logits(const struct linear_model *model, const float *x, double *logits);

#endif
