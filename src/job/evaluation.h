/* An evaluation at work: what its files have in common. */
#ifndef JOB_EVALUATION_H
#define JOB_EVALUATION_H

#include "base/arena.h"
#include "base/buffer.h"
#include "job/pictures.h"
#include "pomona/classifier.h"
#include "pomona/evaluate.h"
#include "pomona/report.h"
#include "stats/fit/answers.h"

#include <stdbool.h>

/* A photo with its answer. */
struct evaluated {
    const char *path, *label; /* label NULL: none */
    int truth;                /* -1: not one of the classes */
    struct pomona_answer answer;
    double alike;        /* similarity to the nearest photo of `train`; 0 without */
    const char *nearest; /* that photo */
    const char *nearest_label;
    bool leaked; /* a near-duplicate, or of a group that is in `train` too */
};

struct evaluation {
    const struct pomona_context *context;
    const struct pomona_evaluate_options *options;
    struct pomona_evaluate_result *result;
    struct pomona_error *error;
    struct pomona_classifier *classifier;
    struct pomona_classifier_info info;
    int threads;

    struct arena texts;
    struct evaluated *photos; /* [count]: those of the source, then those of `unknown` */
    size_t count, capacity, source_count;
    float *features; /* [source_count][features], kept where `train` is given */
    struct answers *answers;
    struct metrics_calibration before; /* without the temperature */
    size_t coarse_right, coarse_top5_right;
    double *groups;        /* [groups]: sums of the photo at hand */
    double *probabilities; /* [classes], of the photo at hand */
    double *scratch;       /* of the head */

    struct pomona_report_failure *failures; /* [failure_count], the first ones; texts in `texts` */
    size_t failure_count;
    struct answers_summary summary;
    struct metrics_rejection curve[METRICS_CURVE];
    size_t curve_count;
    const char **shared_groups; /* [shared_group_count] */
    size_t shared_group_count;
    char *staging;       /* DIR/_temporary_evaluate */
    struct buffer photo; /* bytes of the picture that the page asked for last */
    struct pictures pictures;
};

enum { EVALUATION_FAILURES_KEPT = 200 };

/* Reads and answers all photos of `path`, which is a table or a folder; `unknown`: of none of the classes, whatever their
 * labels say. */
pomona_status evaluation_read(struct evaluation *evaluation, const char *path, bool unknown);

/* Compares the judged photos with those of `train`. */
pomona_status evaluation_find_leaks(struct evaluation *evaluation);

/* Figures of all answers into result and summary. */
pomona_status evaluation_summarise(struct evaluation *evaluation);

/* Write the children into the staging folder. */
pomona_status evaluation_write_tables(struct evaluation *evaluation);
pomona_status evaluation_write_page(struct evaluation *evaluation);

/* A file of the staging folder, written whole. */
pomona_status evaluation_write_file(struct evaluation *evaluation, const char *name,
                                    const struct buffer *text);

#endif
