/* The inside of pomona/bench.h: what its files have in common. */
#ifndef JOB_BENCH_H
#define JOB_BENCH_H

#include "job/bench_machine.h"
#include "job/bench_photos.h"
#include "pomona/bench.h"
#include "pomona/model.h"

enum bench_stage { BENCH_DECODE, BENCH_RESIZE, BENCH_NET, BENCH_JOB, BENCH_STAGES };

struct bench {
    const struct pomona_context *context;
    struct pomona_bench_options options; /* defaults filled in */
    struct pomona_bench_result *result;
    struct pomona_model *model;
    struct pomona_model_info info;
    struct bench_photos photos;
};

/* Measure on row->threads threads: fill batch, runs, photos and speeds of the row. Errors: POMONA_E_INTERRUPTED, those of
 * a photo, a session, a pipeline and gang_run.
 *
 * BENCH_DECODE or BENCH_RESIZE: both are done, one is counted. */
pomona_status bench_preprocess(struct bench *bench, enum bench_stage stage, struct pomona_bench_row *row,
                               struct pomona_error *error);
pomona_status bench_net(struct bench *bench, struct pomona_bench_row *row, struct pomona_error *error);
pomona_status bench_job(struct bench *bench, struct pomona_bench_row *row, struct pomona_error *error);

#endif
