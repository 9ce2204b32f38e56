/* A training job at work: what its files have in common. */
#ifndef JOB_TRAINER_H
#define JOB_TRAINER_H

#include "base/buffer.h"
#include "job/hierarchy.h"
#include "job/labelled_table.h"
#include "pomona/model.h"
#include "pomona/moments.h"
#include "pomona/pca.h"
#include "pomona/train.h"
#include "stats/apply/head.h"
#include "stats/fit/closed_form.h"
#include "stats/fit/linear.h"
#include "stats/fit/logistic.h"
#include "stats/fit/rows.h"

#include <stdbool.h>

enum trainer_kind { KIND_LOGISTIC, KIND_RIDGE, KIND_LDA, KIND_KNN, KIND_PROTOTYPE, KIND_COUNT };

/* Whether a kind is a head of neighbours: photos, or the means of classes. */
static inline bool is_neighbours(enum trainer_kind kind) {
    return kind == KIND_KNN || kind == KIND_PROTOTYPE;
}

/* One way of holding photos out: the rows with fold `fold` (-1: none, the judged ones are another table). */
struct trainer_split {
    int fold;
    double *weight;                 /* [rows] of the logistic fit, 0 for those held out */
    struct pomona_moments *moments; /* of the others; NULL where there can be none */
    struct closed_form *form;       /* of these moments; NULL until it is needed */
    struct linear_model last;       /* the logistic model before, to start from */
    struct head neighbours;         /* the prototypes of `neighbours_kind`, once they are needed */
    enum trainer_kind neighbours_kind;
};

struct trainer {
    const struct pomona_context *context;
    const struct pomona_train_options *options;
    struct pomona_train_result *result;
    struct pomona_error *error;
    int threads;

    struct pomona_model *backbone;
    struct pomona_model_info info;
    struct buffer backbone_file; /* empty: the embedded one */

    struct labelled_table table, validation;
    struct label_list classes;
    int *leaf;                         /* [table.rows] */
    struct hierarchy hierarchy;        /* group_count 0: none */
    struct pomona_moments *given;      /* from a file of moments; the table is empty then */
    const char **given_names;          /* [classes.count], their labels */
    struct pomona_pca *pca;            /* NULL: features as they are */
    float *scores, *validation_scores; /* of the PCA; NULL without */
    struct training_rows rows;         /* what is learnt from: the features, or the scores */

    /* Rows that candidates are judged on: those of a fold by the head that has not seen it, or the validation table's. */
    const float *judged; /* [judged_count][rows.width] */
    size_t judged_count;
    int *truth; /* [judged_count] */
    int *fold;  /* [judged_count], of judged rows; NULL with one split */
    /* The truth [judged_count], -1 where the head that answers has not learnt from the class at all. */
    int *calibration_truth;
    size_t calibrated_count; /* rows where it is not -1 */
    struct trainer_split *splits;
    int split_count;

    struct logistic_problem *logistic;
    double *logits,
        *best_logits; /* [judged_count][classes], of the candidate at hand and of the best so far */

    struct head head; /* the result */
    int done, total;  /* fits */
};

/* Reads tables, backbone, labels; makes the splits. */
pomona_status trainer_read(struct trainer *t);
pomona_status trainer_split_rows(struct trainer *t);

/* Tries all candidates and remembers the best: result->candidates, chosen, best_logits. */
pomona_status trainer_choose(struct trainer *t);

/* A model of one kind for one split. */
pomona_status trainer_fit(struct trainer *t, struct trainer_split *split, enum trainer_kind kind,
                          double regularisation, struct linear_model *model,
                          struct pomona_train_candidate *candidate);

/* Fits the chosen head to all rows, calibrates it on the judged ones. */
pomona_status trainer_finish(struct trainer *t);

/* Writes the file. */
pomona_status trainer_write(struct trainer *t);

extern const char *const trainer_kind_names[KIND_COUNT];

/* Sharpness of the heads of neighbours. */
#define TRAINER_SHARPNESS 30.0

#endif
