/* A head: what turns a feature vector into class probabilities and into a score of how well the photo is known.
 *
 * Plain numbers, no names: the classifier room adds labels and files. Weights are single precision, as they are stored
 * in the ONNX file; all arithmetic on them is double, in one fixed order, so a head gives the same bits on every tier.
 *
 * Leaves are what was trained, classes are what is answered: each class is the sum of one or more leaves (merged
 * labels), each group (coarse class) the sum of classes.
 *
 * An object is immutable once built and may be shared by threads. */
#ifndef STATS_APPLY_HEAD_H
#define STATS_APPLY_HEAD_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    HEAD_FEATURES_MAX = 16384,
    HEAD_LEAVES_MAX = 131072,
    HEAD_PROTOTYPES_MAX = 1 << 20,
    HEAD_NEIGHBOURS_MAX = 1024
};

enum head_kind {
    HEAD_LINEAR,    /* logit = bias + weight . x */
    HEAD_NEIGHBOURS /* logit = log of the summed weights of the nearest prototypes of that leaf */
};

/* Being known: score = energy_weight * log(sum exp(logits)) - distance_weight * d2 - residual_weight * r2, where
 * z = offset + projection . x, d2 = the smallest squared distance of z to a row of `centres`, and
 * r2 = |scale * (x - mean)|^2 - |z|^2 (what the projection does not see; its rows are orthonormal in scaled space).
 * Higher is better known. rank 0: the energy alone. */
struct head_novelty {
    int rank, centre_count;
    float *projection;  /* [rank][features] */
    float *offset;      /* [rank] */
    float *centres;     /* [centre_count][rank] */
    float *mean, *scale; /* [features]; NULL where residual_weight is 0 */
    double energy_weight, distance_weight, residual_weight;
    double threshold; /* photos that score below are rejected; -INFINITY: none */
};

struct head {
    enum head_kind kind;
    int features, leaves, classes, groups; /* groups 0: no hierarchy */
    int *leaf_class;                       /* [leaves], each 0..classes - 1 */
    int *class_group;                      /* [classes], each 0..groups - 1; NULL without groups */

    float *weight; /* HEAD_LINEAR: [leaves][features]; temperature is folded in */
    float *bias;   /* [leaves] */

    /* HEAD_NEIGHBOURS: u = normalised((x - mean) * scale), similarity_i = u . prototype_i; among the `neighbours` most
     * similar prototypes (ties: the first), weight_i = exp(sharpness * (similarity_i - 1)); a leaf's probability is its
     * share of the weights. Its logits, for the energy, are log(weights + 1e-12) / 1. */
    int prototype_count, neighbours;
    float *prototypes;   /* [prototype_count][features], each of length 1 */
    int *prototype_leaf; /* [prototype_count] */
    float *mean, *scale; /* [features] */
    float sharpness;

    struct head_novelty novelty;
    double fine_confidence, coarse_confidence; /* see head_decide */
};

/* Scratch of one thread for head_run: doubles needed. */
size_t head_scratch(const struct head *head);

/* Fills probabilities [classes] of x [features] and, if `known` is not NULL, the score. No errors, no allocation; NaN in
 * gives NaN out. */
void head_run(const struct head *head, const float *x, double *scratch, double *probabilities, double *known);

enum head_level { HEAD_FINE, HEAD_COARSE, HEAD_REJECTED };

struct head_decision {
    int best;                /* most probable class (ties: the first) */
    int group;               /* most probable group, -1 without hierarchy; for HEAD_FINE the group of `best` */
    double group_probability; /* of `group`; 0 without */
    enum head_level level;
};

/* Rejected when known < threshold (or NaN). Else fine when the best class reaches fine_confidence; else coarse when the best group
 * reaches coarse_confidence; else (neither) fine without hierarchy, coarse with one: the caller sees the probabilities. */
void head_decide(const struct head *head, const double *probabilities, double known,
                 struct head_decision *decision);

/* Checks ranges (indices, counts, finite numbers); POMONA_E_CORRUPT names the field. `where` for messages. */
pomona_status head_check(const struct head *head, const char *where, struct pomona_error *error);

/* Frees what a head owns and zeroes it. Accepts zeroed and half-built ones. */
void head_free(struct head *head);

#endif
