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
    HEAD_NEIGHBOURS_MAX = 1024,
    HEAD_RANK_MAX = 256
};

enum head_kind {
    HEAD_LINEAR,    /* logit = bias + weight . x */
    HEAD_NEIGHBOURS /* logit = log of the summed weights of the nearest prototypes of that leaf */
};

/* Being known: score = energy_weight * E - residual_weight * r, higher is better known.
 *   E = log(sum exp(temperature * logits)): the energy of the head as it was trained, without its temperature (Liu et
 *       al., Energy-based Out-of-distribution Detection, 2020)
 *   r = sqrt(|u|^2 - |projection . u|^2), u = (x - mean) * scale: what the leading principal components of the training
 *       photos do not explain (Wang et al., ViM, 2022, without its virtual logit)
 * rank 0: the energy alone. */
struct head_novelty {
    int rank;            /* 0..HEAD_RANK_MAX */
    float *projection;   /* [rank][features], orthonormal rows; NULL where rank is 0 */
    float *mean, *scale; /* [features]; NULL where rank is 0 */
    double energy_weight, residual_weight;
    double threshold; /* photos that score below are rejected; -INFINITY: none */
};

struct head {
    enum head_kind kind;
    int features, leaves, classes, groups; /* groups 0: no hierarchy */
    int *leaf_class;                       /* [leaves], each 0..classes - 1 */
    int *class_group;                      /* [classes], each 0..groups - 1; NULL without groups */

    double temperature; /* > 0; found by calibration, 1 without */
    float *weight;      /* HEAD_LINEAR: [leaves][features]; already divided by the temperature */
    float *bias;        /* [leaves] */

    /* HEAD_NEIGHBOURS: u = (x - mean) * scale, divided by its length (0: left 0), similarity_i = u . prototype_i; among
     * the `neighbours` most similar prototypes (ties: the first), weight_i = exp(sharpness * (similarity_i - 1)); a
     * leaf's logit is log(1e-12 + the sum of the weights of its prototypes) / temperature. */
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

/* r of head_novelty for one photo; scratch [features]. Only where rank > 0. */
double head_residual(const struct head_novelty *novelty, int features, const float *x, double *scratch);

enum head_level { HEAD_FINE, HEAD_COARSE, HEAD_REJECTED };

struct head_decision {
    int best;                 /* most probable class (ties: the first) */
    int group;                /* most probable group, -1 without hierarchy */
    double group_probability; /* of `group`; 0 without */
    enum head_level level;
};

/* Rejected when known < threshold (or NaN). Else coarse when the best class is below fine_confidence and the best group
 * reaches coarse_confidence; else fine. */
void head_decide(const struct head *head, const double *probabilities, double known,
                 struct head_decision *decision);

/* Checks ranges (indices, counts, finite numbers); POMONA_E_CORRUPT names the field. `where` for messages. */
pomona_status head_check(const struct head *head, const char *where, struct pomona_error *error);

/* Frees what a head owns and zeroes it. Accepts zeroed and half-built ones. */
void head_free(struct head *head);

#endif
