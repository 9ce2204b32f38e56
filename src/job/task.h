/* One features job at work: what its files have in common. A part is a task: a contiguous run of the photos, done whole
 * or gone on with. */
#ifndef JOB_TASK_H
#define JOB_TASK_H

#include "base/buffer.h"
#include "base/clock.h"
#include "job/increment.h"
#include "job/journal.h"
#include "pomona/features.h"
#include "pomona/model.h"
#include "pomona/moments.h"
#include "pomona/table.h"
#include "store/listing.h"
#include "table/parquet_writer.h"

/* The folders of a job. All are owned; freed by folders_free. */
struct job_folders {
    char *out;       /* DST */
    char *staging;   /* DST/_temporary: everything until the commit */
    char *results;   /* DST/_temporary/Results */
    char *lock_file; /* DST/_temporary/lock */
    char *identity;  /* DST/_temporary/job: the uuid of the job that the staging belongs to */
    char *plan;      /* DST/_temporary/plan: how many photos and parts, for pomona recover */
    char *since;     /* DST/_temporary/since: what "24h" meant when the job began */
    int lock;
};

enum { JOB_PROPERTIES = 8 };

struct job {
    const struct pomona_features_options *options;
    const struct pomona_context *context;
    struct pomona_features_result *result;
    struct pomona_model *model;
    struct pomona_model_info info;
    struct listing photos;
    enum parquet_codec codec;
    enum parquet_lists lists;
    struct table_property properties[JOB_PROPERTIES]; /* the footer's provenance, the same in every file */
    struct job_folders folders;
    struct journal_summary *parts;  /* [result->partitions], of the finished ones */
    struct buffer errors;           /* JOURNAL_ERROR records of the finished parts, by index */
    struct pomona_moments *moments; /* of the rows so far; NULL when there can be none */
    struct increment increment;     /* what DST has already, when this job adds to it */
    int64_t since;                  /* options->since as seconds of the epoch */
};

/* Photos of part p of `partitions`: [part_start(p), part_start(p + 1)). */
static inline size_t part_start(const struct job *job, int part) {
    return (size_t)(__extension__(unsigned __int128) job->photos.count * (unsigned)part /
                    (unsigned)job->result->partitions);
}

/* "part-00007-<uuid>-c000.snappy.parquet", in a new block; NULL when out of memory. Parts that are added to others are numbered on. */
char *part_name(const struct job *job, int part);

/* Makes job->moments, adds a row or all rows of a finished part, writes STAGING/moments.pom. Where moments are impossible
 * (too many features, one out of range) job->moments is NULL and the result says why. */
pomona_status job_moments_start(struct job *job, struct pomona_error *error);
pomona_status job_moments_add(struct job *job, const char *path, const char *label, const float *features,
                              struct pomona_error *error);
pomona_status job_moments_add_part(struct job *job, const char *path, struct pomona_error *error);
pomona_status job_moments_write(struct job *job, struct pomona_error *error);

/* The photos of the job: listed or read from a manifest, filtered, sorted. Fills the result's counts. */
pomona_status job_photos_select(struct job *job, struct pomona_error *error);

/* Before: what --since means, for an interrupted job what it meant; and noted in the staging, when the job begins. */
pomona_status job_photos_since(struct job *job, struct pomona_error *error);
pomona_status job_photos_note_since(const struct job *job, struct pomona_error *error);

/* Makes every part that is not done yet, in order. POMONA_E_INTERRUPTED leaves a journal to go on from. */
pomona_status parts_make(struct job *job, struct pomona_error *error);

/* Writes what is left (Errors, _SUCCESS, run.json) and moves everything into place. Can be repeated after a failure. */
pomona_status job_commit(struct job *job, struct pomona_error *error);

/* run.json's text. */
pomona_status run_json_format(const struct pomona_features_result *result, struct buffer *out,
                              struct pomona_error *error);

#endif
