/* Evaluating: labelled photos in, how good a classifier's answers to them are out.
 *
 * DIR afterwards holds
 *   report.html                      one page with all of it and the worst confusions as photos; no network
 *   confusion.png, confusion.svg, reliability.png, reliability.svg, rejection.png, rejection.svg (where there is one)
 *   evaluation.json                  the figures
 *   predictions.csv                  path, label, class, probability, coarse, coarse_probability, level, known, right
 *   per_class.csv                    class, coarse, photos, answered, right, precision, recall, f1, with Wilson intervals
 *   confusion.csv                    label, class, photos: the pairs that occurred
 * Everything is written to DIR/_temporary_evaluate first and moved at the end.
 *
 * A photo is judged if the classifier knows its label (by name or alias). Photos of other labels are unknown to it: with those of
 * `unknown` they are what the rejection is tried on. */
#ifndef POMONA_EVALUATE_H
#define POMONA_EVALUATE_H

#include "pomona/features.h"
#include "pomona/places.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POMONA_EVALUATE_SIMILARITY_DEFAULT 0.95

/* Zero-initialise, then set what differs from the defaults. Strings are borrowed for the call. */
struct pomona_evaluate_options {
    const char
        *source; /* a folder of photos, or a table of features (a Parquet file, a folder of parts, a DST of
                            `pomona features`) of the classifier's feature space */
    const char *out;       /* DIR; made if missing */
    const char *model;     /* a classifier's file; NULL: the embedded one */
    const char *head;      /* a head-only file in place of its head */
    const char *decode;    /* see pomona_classifier_options */
    const char *precision; /* likewise */
    const char *glob;      /* of photos; default "*.jpg" */
    const char *labels;    /* CSV instead of folder names, for photos */
    const char *unknown;   /* folder or table of photos of none of the classes; may be NULL */
    const char
        *train; /* table of what the classifier has learnt from: the judged photos are compared with it */
    const char *
        group; /* POSIX extended regular expression: photos whose paths give the same text belong together, and should
                            not be in `train` and `source` both; needs `train` */
    double
        similarity; /* photos as alike as this, or more, are near-duplicates: cosine of the standardised features, in (0, 1];
                            0: 0.95 */
    const char *language; /* of the page: "en" (default) or "fr" */
    bool overwrite;       /* replace the evaluation in DIR; it stays until the new one is complete */
    int threads;          /* default pomona_cpu_threads() */
    int64_t
        max_errors; /* more photos that can't be read: POMONA_E_ERROR_ROWS at the end; negative: any number */

    struct pomona_places *places; /* for photos that are not on this machine; NULL: there are none */

    void (*progress)(void *user, const struct pomona_features_progress *progress); /* may be NULL */
    bool (*should_stop)(
        void *user); /* asked often; true: POMONA_E_INTERRUPTED, nothing is left. May be NULL */
    void *user;
};

/* A share with its 95 % interval; all 0: nothing to take a share of. */
struct pomona_evaluate_share {
    double value, low, high;
};

struct pomona_evaluate_result {
    int64_t photos, failed;        /* of source */
    int64_t judged;                /* with a label that the classifier knows */
    int64_t unseen;                /* of source, with a label that it does not know */
    int64_t unlabelled;            /* without a label: left out */
    int64_t unknown;               /* photos that the rejection was tried on: unseen and those of `unknown` */
    int64_t rejected, coarse_only; /* of judged: by the level of their answers */
    struct pomona_evaluate_share top1, top5, coarse_top1,
        coarse_top5; /* coarse: of the groups' sums; 0 without hierarchy */
    double macro_recall, log_loss, brier, ece, ece_before;
    bool has_rejection; /* there are unknown photos */
    struct pomona_evaluate_share auroc;
    double unknown_rejected;                 /* share, at the classifier's own threshold */
    int64_t duplicates;                      /* judged photos that are near-duplicates of ones of `train` */
    int64_t shared_groups;                   /* groups on both sides */
    struct pomona_evaluate_share clean_top1; /* without the judged photos of both */
    double seconds;
};

/* Runs the job. `result` may be NULL. Errors: POMONA_E_USAGE (options), POMONA_E_EXISTS (DIR has an evaluation, or another job
 * at work), POMONA_E_INPUT (no photo, no label that the classifier knows, features of another space), those of
 * pomona_classifier_open and of the feature reader, POMONA_E_ERROR_ROWS, POMONA_E_INTERRUPTED, POMONA_E_IO,
 * POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_evaluate_run(const struct pomona_context *context,
                                             const struct pomona_evaluate_options *options,
                                             struct pomona_evaluate_result *result,
                                             struct pomona_error *error);

#ifdef __cplusplus
}
#endif
#endif
