/* Training: labelled features in, a classifier's file out. The network is not run again.
 *
 * The rows of the sources are learnt from; the regularisation (and with head "auto" the kind of head) is the one of a
 * fixed grid that answers best on photos that it has not learnt from: those of `validation`, or each fold in turn, by
 * top-1 accuracy, and by log-loss where two are equal. The same held-out answers give the temperature and the threshold
 * below which a photo is rejected. With folds the head is then fitted once more to all rows.
 *
 * The file depends on rows, options, backbone and tier, not on their order, threads or time. */
#ifndef POMONA_TRAIN_H
#define POMONA_TRAIN_H

#include "pomona/context.h"
#include "pomona/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { POMONA_TRAIN_FOLDS_DEFAULT = 5, POMONA_TRAIN_FOLDS_MAX = 100, POMONA_TRAIN_CANDIDATES_MAX = 64 };

/* What a running job tells its caller: which candidate of how many, and what is done ("logistic 0.003, fold 2"). */
struct pomona_train_progress {
    int done, total; /* fits */
    const char *what;
};

/* Zero-initialise, then set what differs from the defaults. Strings are borrowed for the call. */
struct pomona_train_options {
    const char *const
        *sources; /* [source_count] tables of features (a Parquet file, a folder of parts, a DST of
                                   `pomona features`), or one moments.pom (heads "lda" and "ridge" only, with
                                   `validation` or `regularisation`) */
    int source_count;
    const char *backbone; /* the ONNX file that made the features; NULL: the embedded one */
    const char *out;      /* file to write */
    /* "logistic" (default), "ridge", "lda", "knn", "prototype" (one neighbour a class: the mean of its photos, for
     * classes of a handful of them), "auto" (the best of these on the judged rows) */
    const char *head;
    const char *validation; /* table of features to choose and calibrate on; excludes `folds` */
    int folds;              /* 2..100; 0: 5 unless there is a validation table */
    const char
        *group; /* POSIX extended regular expression: photos whose paths give the same text (of its first
                               subexpression, or of the whole match) are never parted by the folds */
    const char *hierarchy; /* CSV of classes and coarse classes; NULL: none */
    const char
        *on; /* "features" (default) or "pca:K": learn in the first K principal components of the rows */
    uint64_t seed; /* of the folds */
    double
        regularisation; /* fixed instead of the grid: L2 strength of logistic and ridge (on standardised features, of
                               the mean loss), shrinkage of LDA, neighbours of knn and prototype; 0: the grid */
    /* Every photo counts the same; default: every class does, by the weights of logistic, the priors of lda and the
     * targets of ridge. Heads of neighbours have neither. */
    bool no_class_weights;
    double false_reject; /* share of known photos that may be rejected, in [0, 0.5]; negative: no rejection;
                               the default 0 stands for 0.05 */
    bool head_only;      /* write a small head for the backbone instead of backbone and head */
    bool half;           /* store the head's weights as fp16 */
    bool overwrite;      /* replace `out`; it stays until the new one is complete */
    int threads;         /* default pomona_cpu_threads() */

    void (*progress)(void *user, const struct pomona_train_progress *progress); /* may be NULL */
    bool (*should_stop)(
        void *user); /* asked often; true: POMONA_E_INTERRUPTED, nothing is written. May be NULL */
    void *user;
};

/* One head that was tried, judged on rows it has not learnt from. */
struct pomona_train_candidate {
    const char *head; /* static string */
    double regularisation;
    double top1;     /* share */
    double log_loss; /* after its own temperature, nats a photo */
    double temperature;
    double seconds;
    int iterations; /* logistic: of all its fits; others: 0 */
    bool converged; /* logistic: every fit reached its tolerance; others: true */
};

/* What was done. Zero-initialise. */
struct pomona_train_result {
    int64_t rows;           /* learnt from */
    int64_t unlabelled;     /* rows without a label, left out */
    int64_t validation;     /* rows judged */
    int64_t unseen;         /* rows of the validation table whose label no training row has; left out */
    char unseen_label[128]; /* the first of them */
    int classes, groups, features;
    int smallest_class; /* photos of the rarest class */
    char smallest_label[128];
    int ungrouped; /* classes that the hierarchy does not name: each is a group of its own */
    int folds;     /* 0: a validation table was used, or nothing to validate on */
    struct pomona_train_candidate candidates[POMONA_TRAIN_CANDIDATES_MAX];
    int candidate_count, chosen;
    double top1, top1_low, top1_high;       /* of the chosen one, with the Wilson 95 % interval */
    double coarse, coarse_low, coarse_high; /* 0 without hierarchy */
    /* These are found on the judged rows whose class the head that answers has learnt: not on those of a class that has
     * all its photos in one fold. 0 (temperature 1, threshold -INFINITY) without any. */
    double log_loss, ece, ece_before; /* after and before the temperature; 15 bins of equal width */
    double temperature;
    double threshold, rejected;         /* share of these rows that it rejects */
    double rejected_low, rejected_high; /* 95 % interval of the share of photos like them that it rejects */
    bool unproven; /* the table does not say which model made it; only the widths agree */
    bool moments;  /* fitted from a file of moments */
    double seconds, seconds_read, seconds_fit, seconds_write;
    uint64_t bytes;                   /* of `out` */
    char hash[POMONA_HASH_TEXT_SIZE]; /* of `out` */
    char backbone_hash[POMONA_HASH_TEXT_SIZE];
    char feature_space[POMONA_HASH_TEXT_SIZE];
};

/* Runs the job. `result` may be NULL. Errors: POMONA_E_USAGE (options), POMONA_E_EXISTS (`out`), POMONA_E_INPUT (fewer
 * than two classes; features that are not finite; features of another model, layer, profile or precision than the
 * backbone's; no labels; a hierarchy that names no class; validation rows of no known class), POMONA_E_LIMIT (classes x
 * features above 67,108,864, judged photos x classes above 268,435,456), those of the feature reader and of pomona_model_open, POMONA_E_INTERRUPTED,
 * POMONA_E_IO, POMONA_E_MEMORY. An older `out` is intact after every failure. */
POMONA_API pomona_status pomona_train_run(const struct pomona_context *context,
                                          const struct pomona_train_options *options,
                                          struct pomona_train_result *result, struct pomona_error *error);

#ifdef __cplusplus
}
#endif
#endif
