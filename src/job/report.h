/* The report of a PCA job: gathers what the page shows and has it drawn. */
#ifndef JOB_REPORT_H
#define JOB_REPORT_H

#include "job/table_source.h"
#include "pomona/features.h"
#include "pomona/pca.h"

struct report_job {
    const struct pomona_context *context;
    const struct pomona_pca *pca;
    struct table_source *source;              /* the features, read once more from their first row */
    const char *name;                         /* of the source, for people */
    const char *folder;                       /* report.html, scree.png and scree.svg go here */
    const char *errors;                       /* folder of error rows, which may be missing; NULL: none */
    const char *language;                     /* "en" or "fr"; NULL: "en" */
    const struct pomona_features_result *run; /* the run that made the features, if it is known; else NULL */
    const struct pomona_pca_result *result;   /* seconds of the PCA */
    bool spark_scores;
    struct pomona_places *places; /* for pictures; may be NULL */
};

/* Memory: the leading scores, path and label of at most 100,000 photos (evenly sampled beyond), the labels, and one
 * photo at a time. Errors: those of the feature reader and of pomona_report_write. */
pomona_status report_job_run(const struct report_job *job, struct pomona_error *error);

#endif
