/* The report of an evaluation: how good a classifier's answers are, as plots and one self-contained HTML page.
 *
 * As in pomona/report.h, everything comes from the caller, texts may come from anywhere and are borrowed for the call, and
 * the same input gives the same bytes. A class, a coarse class is an index into the arrays of the report; -1: none, or one
 * that the model does not know. */
#ifndef POMONA_REPORT_EVALUATION_H
#define POMONA_REPORT_EVALUATION_H

#include "pomona/report.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A share of 1 with its interval of 95 %. `high` 0: not known (the Wilson interval of any share ends above 0). */
struct pomona_report_share {
    double value, low, high;
};

struct pomona_evaluation_class {
    const char *name;
    int group;                    /* coarse class */
    int64_t photos;               /* judged ones that show it */
    double precision, recall, f1; /* NaN: not defined (never answered, or no photos) */
};

/* Photos of class `truth` that were answered with `predicted`; each pair at most once, in any order. */
struct pomona_confusion_count {
    int truth, predicted;
    int64_t count;
};

/* Answers whose probability lies in one of `reliability_count` parts of equal width of 0..1, ascending. */
struct pomona_reliability_bin {
    int64_t count;
    double confidence;                   /* their mean probability */
    struct pomona_report_share accuracy; /* share that is right; the interval is drawn where it is known */
};

/* What a threshold does: shares of 1. */
struct pomona_rejection_point {
    double threshold; /* of the score `known` */
    double known_accepted, unknown_accepted;
    double accuracy; /* share of the accepted known photos that are right; NaN: none is accepted */
};

/* A photo that is shown. `id` is what read_photo is called with; it means nothing else to the report. */
struct pomona_evaluation_photo {
    size_t id;
    const char *path;   /* NULL: no photo */
    double probability; /* of the answer; 0: not shown */
};

/* Photos of one class taken for another. */
struct pomona_evaluation_confusion {
    int truth, predicted;
    int64_t count;
    const struct pomona_evaluation_photo *photos; /* [photo_count], in the order shown; at most 4 are */
    size_t photo_count;
    struct pomona_evaluation_photo
        example; /* a photo that shows `predicted` indeed, to compare with; may be none */
};

struct pomona_evaluation_mistake {
    int truth, predicted;
    struct pomona_evaluation_photo photo;
};

/* A photo that was judged, and one like it that was learnt from. */
struct pomona_evaluation_duplicate {
    struct pomona_evaluation_photo judged, learnt;
    const char *judged_label, *learnt_label; /* NULL: none */
    double distance;                         /* between them; 0: the same features */
};

/* Zero-initialise, then set what is known: a section without data is left out, and so is a fact that is NULL or 0. */
struct pomona_evaluation_report {
    pomona_language language;
    const char *title;  /* NULL: "Evaluation" in the language */
    const char *source; /* what was judged: a folder, a table */

    /* The model. */
    const char *model, *model_hash, *kind, *precision, *profile, *layer, *backbone, *backbone_hash,
        *calibration;         /* what it was calibrated on */
    double temperature;       /* of its probabilities */
    const char *version;      /* of pomona */
    const char *tier;         /* of the processor */
    bool synthetic_photos;    /* the page says that they are drawings, not photographs */
    bool untrained_model;     /* the page says that the network is untrained */
    const char *const *notes; /* [note_count] of the caller, in the language of the report; shown first */
    size_t note_count;

    /* What was judged. */
    int64_t photos;   /* found */
    int64_t judged;   /* those with an answer and a label that the model knows */
    int64_t rejected; /* of those judged: answered with "none of my classes" */
    int64_t coarse;   /* of those judged: answered with a coarse class only */
    int64_t errors;   /* could not be read: all of them, `failures` may hold only the first ones */
    double seconds;   /* wall clock */
    struct pomona_report_share top1, top5, coarse_top1, coarse_top5;
    double macro_recall; /* mean of the classes' recalls: each class counts the same; 0: not known */
    struct pomona_report_share accepted_top1; /* of those not rejected */

    const struct pomona_evaluation_class *classes; /* [class_count], all that the model knows, 0..100,000 */
    size_t class_count;
    const char *const *groups; /* [group_count] names of the coarse classes */
    size_t group_count;
    const struct pomona_confusion_count *confusions; /* [confusion_count] right answers too */
    size_t confusion_count;

    /* Calibration. */
    const struct pomona_reliability_bin
        *reliability; /* [reliability_count], at most 100; of the answers given */
    const struct pomona_reliability_bin
        *reliability_before; /* the same without temperature; NULL: not drawn */
    size_t reliability_count;
    double ece,
        ece_before; /* expected calibration error with and without temperature; ece_before 0: not known */

    /* Rejection: photos of none of the classes. */
    int64_t known_photos, unknown_photos;           /* that the points are shares of */
    const struct pomona_rejection_point *rejection; /* [rejection_count] by ascending threshold */
    size_t rejection_count;
    struct pomona_rejection_point operating; /* the model's own threshold */
    bool rejects;                            /* whether it has one */
    double false_reject;                     /* share of known photos that it was set to reject */
    struct pomona_report_share auroc;

    /* Photos, the worst first. */
    const struct pomona_evaluation_confusion *worst; /* [worst_count], at most 24 are shown */
    size_t worst_count;
    const struct pomona_evaluation_mistake
        *mistakes; /* [mistake_count] most confident ones, at most 24 are shown */
    size_t mistake_count;

    /* Leakage: whether the judged photos are news to the model. */
    bool leakage_checked;      /* against the photos that it learnt from; false: the section is left out */
    int64_t duplicate_pairs;   /* all of them */
    double duplicate_distance; /* pairs closer than this count */
    const struct pomona_evaluation_duplicate
        *duplicates; /* [duplicate_count] closest first, at most 12 are shown */
    size_t duplicate_count;
    int64_t shared_groups; /* groups of photos (of one fruit, one day, ...) with photos on both sides */
    const char *const *shared_group_names; /* [shared_group_count] the first ones */
    size_t shared_group_count;
    struct pomona_report_share clean_top1; /* top-1 without the judged photos of those pairs and groups */

    const struct pomona_report_label *unseen; /* labels of judged photos that the model does not know */
    size_t unseen_count;
    const struct pomona_report_failure *failures;
    size_t failure_count;

    /* Thumbnails. `read_photo` gives the JPEG bytes of the photo `id`, which live until the next call; when it fails, or
     * the bytes can't be decoded, that photo has no picture. Called from the calling thread, at most 168 times, in an
     * order that depends only on the report. Without context or read_photo there are none. */
    const struct pomona_context *context;
    pomona_status (*read_photo)(void *user, size_t id, const void **bytes, size_t *size,
                                struct pomona_error *error);
    void *user;
};

/* Writes FOLDER/report.html; confusion.png and .svg if there are confusions, reliability.png and .svg if there are bins,
 * rejection.png and .svg if there are points. The folder must exist; each file appears whole or not at all, and replaces an
 * older one. Errors: POMONA_E_USAGE (a count without its array; a class or coarse class out of range), POMONA_E_INPUT (a
 * share that is not one, a negative count, thresholds that descend), POMONA_E_LIMIT (a page beyond 64 MiB; more than 100,000
 * classes or coarse classes, 100 bins), POMONA_E_IO, POMONA_E_MEMORY.
 *
 * The confusion matrix stands in the order of the coarse classes, each row in shares of its photos. Beyond 100 classes it
 * is that of the coarse classes; without those, or beyond 100 of them, it is that of the 60 classes with the most mistakes.
 * Picture and page say so. The table of classes has 1,000 rows at most: those with the most mistakes. */
POMONA_API pomona_status pomona_evaluation_report_write(const struct pomona_evaluation_report *report,
                                                        const char *folder, struct pomona_error *error);

/* The page alone, as text in memory; freed with pomona_report_free_text. */
POMONA_API pomona_status pomona_evaluation_report_html(const struct pomona_evaluation_report *report,
                                                       char **text, size_t *size, struct pomona_error *error);

#ifdef __cplusplus
}
#endif
#endif
