/* The moments of a features job: summed while the rows are written. Sums are exact, so parts that an earlier run has
 * finished are simply read back and added. */
#include "base/memory.h"
#include "job/task.h"
#include "store/folder.h"

#include <stdio.h>

pomona_status job_moments_start(struct job *job, struct pomona_error *error) {
    struct pomona_features_result *result = job->result;
    if (result->features > POMONA_MOMENTS_FEATURES_MAX) {
        snprintf(result->moments_refused, sizeof result->moments_refused,
                 "%d features, at most %d are possible", result->features, POMONA_MOMENTS_FEATURES_MAX);
        return POMONA_OK;
    }
    return pomona_moments_new(job->context, result->features, result->feature_space, &job->moments, error);
}

/* Features that moments can't hold are no reason to lose the features: the job goes on without moments. */
pomona_status job_moments_add(struct job *job, const char *path, const char *label, const float *features,
                              struct pomona_error *error) {
    if (!job->moments) return POMONA_OK;
    struct pomona_error cause = {0};
    double start = clock_seconds();
    pomona_status status = pomona_moments_add(job->moments, path, label, features, &cause);
    job->result->seconds_moments += clock_seconds() - start;
    if (status == POMONA_E_INPUT || status == POMONA_E_LIMIT) {
        pomona_moments_free(&job->moments);
        snprintf(job->result->moments_refused, sizeof job->result->moments_refused, "%.*s",
                 (int)sizeof job->result->moments_refused - 1, cause.message);
        return POMONA_OK;
    }
    if (status != POMONA_OK && error) *error = cause;
    return status;
}

static pomona_status add_rows(struct job *job, struct pomona_feature_reader *reader,
                              struct pomona_error *error) {
    struct pomona_feature_row row;
    for (;;) {
        bool has_row;
        TRY(pomona_feature_reader_next(reader, &row, &has_row, error));
        if (!has_row) return POMONA_OK;
        TRY(job_moments_add(job, row.path, row.label, row.features, error));
    }
}

pomona_status job_moments_add_part(struct job *job, const char *path, struct pomona_error *error) {
    struct pomona_feature_reader *reader = NULL;
    if (!job->moments) return POMONA_OK;
    pomona_status status = pomona_feature_reader_open(path, &reader, error);
    if (status == POMONA_OK) status = add_rows(job, reader, error);
    pomona_feature_reader_free(&reader);
    return status;
}

pomona_status job_moments_write(struct job *job, struct pomona_error *error) {
    if (!job->moments) return POMONA_OK;
    char *path = path_join(job->folders.staging, "moments.pom");
    if (!path) return fail_memory(error, "path");
    pomona_status status = pomona_moments_write(job->moments, path, job->result->moments_hash, error);
    memory_free(path);
    return status;
}
