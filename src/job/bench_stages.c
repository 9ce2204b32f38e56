#include "base/clock.h"
#include "base/memory.h"
#include "job/bench.h"
#include "job/bench_gang.h"
#include "job/measure.h"
#include "job/pipeline.h"

#include <math.h>

/* What one thread works with; a stage uses a part of it. */
struct worker {
    struct pomona_preprocessor *preprocessor;
    uint8_t *pixels; /* of one photo */
    struct pomona_session *session;
    float *features; /* [batch][features] */
    size_t next;     /* photo */
    int64_t photos;  /* of the run; */
    double rate;     /* photos a second in it */
    pomona_status status;
    struct pomona_error error;
};

/* Threads at work, all of one kind. */
struct crew {
    struct bench *bench;
    struct worker *workers; /* [threads] */
    int threads, batch;
    enum bench_stage stage;
    double seconds; /* of a run; 0: every photo, or one batch, once */
};

static void crew_free(struct crew *crew) {
    for (int i = 0; crew->workers && i < crew->threads; i++) {
        struct worker *worker = &crew->workers[i];
        pomona_preprocessor_free(&worker->preprocessor);
        pomona_session_free(&worker->session);
        memory_free(worker->pixels);
        memory_free(worker->features);
    }
    memory_free(crew->workers);
    crew->workers = NULL;
}

static pomona_status crew_start(struct crew *crew, struct bench *bench, int threads,
                                struct pomona_error *error) {
    *crew = (struct crew){.bench = bench, .threads = threads};
    crew->workers = memory_new((size_t)threads, sizeof *crew->workers);
    if (!crew->workers) return fail_memory(error, "threads");
    for (int i = 0; i < threads; i++) /* not all the same photo at the same time */
        crew->workers[i].next = (size_t)i * bench->photos.count / (size_t)threads;
    return POMONA_OK;
}

/* One run: adds its photos, and gives photos a second of all threads together; or the first failure. */
static pomona_status crew_run(struct crew *crew, void (*body)(void *user, int thread), double *speed,
                              int64_t *photos, struct pomona_error *error) {
    *speed = 0;
    TRY(gang_run(crew->threads, body, crew, error));
    for (int i = 0; i < crew->threads; i++) {
        const struct worker *worker = &crew->workers[i];
        if (worker->status != POMONA_OK) {
            if (error) *error = worker->error;
            return worker->status;
        }
        *speed += worker->rate;
        *photos += worker->photos;
    }
    return POMONA_OK;
}

static pomona_status check_stop(const struct bench *bench, struct pomona_error *error) {
    const struct pomona_bench_options *options = &bench->options;
    if (options->should_stop && options->should_stop(options->user))
        return fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted");
    return POMONA_OK;
}

/* The runs that count: speeds [runs]. */
static pomona_status crew_runs(struct crew *crew, void (*body)(void *user, int thread), double *speeds,
                               int64_t *photos, struct pomona_error *error) {
    crew->seconds = crew->bench->options.seconds;
    for (int i = 0; i < crew->bench->options.runs; i++) {
        TRY(check_stop(crew->bench, error));
        TRY(crew_run(crew, body, &speeds[i], photos, error));
    }
    return POMONA_OK;
}

static void fill_row(struct pomona_bench_row *row, double *rates, int runs, int64_t photos) {
    struct pomona_compare_figure figure = measure_rounds(rates, (size_t)runs);
    row->runs = runs;
    row->photos = photos;
    row->photos_per_second = figure.median, row->low = figure.low, row->high = figure.high;
    row->ms_per_photo = 1e3 / figure.median;
}

/* ---- decode and resize ---- */

static void preprocess_body(void *user, int thread) {
    const struct crew *crew = user;
    const struct bench_photos *photos = &crew->bench->photos;
    struct worker *worker = &crew->workers[thread];
    double start = clock_seconds(), before[2], after[2];
    int64_t least = crew->seconds > 0 ? 1 : (int64_t)photos->count;
    if (photos->count == 0) return;
    pomona_preprocessor_seconds(worker->preprocessor, &before[0], &before[1]);
    for (worker->photos = 0; worker->photos < least || clock_seconds() - start < crew->seconds;
         worker->photos++) {
        size_t i = worker->next++ % photos->count, from = photos->offset[i];
        worker->status =
            pomona_preprocessor_run(worker->preprocessor, "photo", photos->bytes.data + from,
                                    photos->offset[i + 1] - from, worker->pixels, &worker->error);
        if (worker->status != POMONA_OK) return;
    }
    pomona_preprocessor_seconds(worker->preprocessor, &after[0], &after[1]);
    int part = crew->stage == BENCH_RESIZE;
    worker->rate = (double)worker->photos / (after[part] - before[part]);
}

static pomona_status preprocess_runs(struct crew *crew, double *speeds, int64_t *photos,
                                     struct pomona_error *error) {
    struct bench *bench = crew->bench;
    for (int i = 0; i < crew->threads; i++) {
        struct worker *worker = &crew->workers[i];
        worker->pixels = memory_new_aligned(bench->info.photo_bytes, 1);
        if (!worker->pixels) return fail_memory(error, "pixels");
        TRY(pomona_preprocessor_new(bench->context, &bench->info.profile, NULL, &worker->preprocessor,
                                    error));
    }
    TRY(crew_run(crew, preprocess_body, speeds, photos, error));
    *photos = 0;
    return crew_runs(crew, preprocess_body, speeds, photos, error);
}

pomona_status bench_preprocess(struct bench *bench, enum bench_stage stage, struct pomona_bench_row *row,
                               struct pomona_error *error) {
    int64_t photos = 0;
    struct crew crew = {0};
    double *speeds = memory_new((size_t)bench->options.runs, sizeof *speeds);
    pomona_status status =
        speeds ? crew_start(&crew, bench, row->threads, error) : fail_memory(error, "runs");
    crew.stage = stage;
    if (status == POMONA_OK) status = preprocess_runs(&crew, speeds, &photos, error);
    if (status == POMONA_OK) fill_row(row, speeds, bench->options.runs, photos);
    crew_free(&crew);
    memory_free(speeds);
    return status;
}

/* ---- net ---- */

static void net_body(void *user, int thread) {
    const struct crew *crew = user;
    const struct bench_photos *photos = &crew->bench->photos;
    size_t photo_bytes = crew->bench->info.photo_bytes;
    struct worker *worker = &crew->workers[thread];
    double start = clock_seconds(), spent;
    worker->photos = 0;
    do {
        const uint8_t *pixels = photos->pixels + worker->next % photos->count * photo_bytes;
        worker->status =
            pomona_session_run(worker->session, pixels, crew->batch, worker->features, &worker->error);
        if (worker->status != POMONA_OK) return;
        worker->next += (size_t)crew->batch;
        worker->photos += crew->batch;
        spent = clock_seconds() - start;
    } while (spent < crew->seconds);
    worker->rate = (double)worker->photos / spent;
}

static pomona_status set_batch(struct crew *crew, int batch, struct pomona_error *error) {
    struct bench *bench = crew->bench;
    double speed;
    int64_t photos = 0;
    crew->batch = batch, crew->seconds = 0;
    for (int i = 0; i < crew->threads; i++) {
        struct worker *worker = &crew->workers[i];
        pomona_session_free(&worker->session);
        TRY(pomona_session_new(bench->model, batch, &worker->session, error));
        if (!worker->features)
            worker->features =
                memory_new_aligned((size_t)BENCH_BATCH_MAX, (size_t)bench->info.features * sizeof(float));
        if (!worker->features) return fail_memory(error, "features");
    }
    return crew_run(crew, net_body, &speed, &photos, error); /* the first run meets cold memory */
}

/* The batch with the most photos a second, each tried twice for a fifth of a run. */
static pomona_status choose_batch(struct crew *crew, int *best, struct pomona_error *error) {
    enum { TRIES = 2 };
    double most = 0, speed;
    int64_t photos = 0;
    for (int batch = 1; batch <= BENCH_BATCH_MAX; batch *= 2) {
        TRY(set_batch(crew, batch, error));
        crew->seconds = crew->bench->options.seconds / 5;
        for (int i = 0; i < TRIES; i++) {
            TRY(check_stop(crew->bench, error));
            TRY(crew_run(crew, net_body, &speed, &photos, error));
            if (speed > most) most = speed, *best = batch;
        }
    }
    return POMONA_OK;
}

static pomona_status net_runs(struct crew *crew, double *speeds, struct pomona_bench_row *row,
                              int64_t *photos, struct pomona_error *error) {
    TRY(choose_batch(crew, &row->batch, error));
    TRY(set_batch(crew, row->batch, error));
    return crew_runs(crew, net_body, speeds, photos, error);
}

pomona_status bench_net(struct bench *bench, struct pomona_bench_row *row, struct pomona_error *error) {
    int runs = bench->options.runs;
    int64_t photos = 0;
    struct crew crew = {0};
    double *speeds = memory_new((size_t)runs, sizeof *speeds);
    pomona_status status =
        speeds ? crew_start(&crew, bench, row->threads, error) : fail_memory(error, "runs");
    if (status == POMONA_OK) status = net_runs(&crew, speeds, row, &photos, error);
    if (status == POMONA_OK) {
        fill_row(row, speeds, runs, photos);
        row->gmacs = row->photos_per_second * (double)bench->result->macs * 1e-9;
    }
    crew_free(&crew);
    memory_free(speeds);
    return status;
}

/* ---- job ---- */

struct job_run {
    const struct pomona_bench_options *options;
    int64_t taken;
    double until; /* of the clock; 0: to the end of the list */
    bool stopped; /* by the user */
};

static pomona_status take(void *user, size_t index, const float *features, const char *reason,
                          struct pomona_error *error) {
    struct job_run *run = user;
    (void)index;
    if (!features) return fail(error, POMONA_E_INPUT, NULL, "%s", reason); /* it could be read before */
    run->taken++;
    return POMONA_OK;
}

static bool tick(void *user) {
    struct job_run *run = user;
    if (run->options->should_stop && run->options->should_stop(run->options->user)) run->stopped = true;
    return run->stopped || (run->until > 0 && run->taken > 0 && clock_seconds() > run->until);
}

/* The list once, or again and again for the seconds of a run. */
static pomona_status run_job(struct pipeline_options *pipeline, struct job_run *run, double seconds,
                             double *rate, struct pomona_error *error) {
    struct pipeline_stats stats;
    double start = clock_seconds();
    run->until = seconds > 0 ? start + seconds : 0;
    run->taken = 0;
    pipeline->user = run;
    pomona_status status = pipeline_run(pipeline, &stats, error);
    *rate = (double)run->taken / (clock_seconds() - start);
    return status == POMONA_E_INTERRUPTED && !run->stopped ? POMONA_OK : status; /* the time was over */
}

static pomona_status job_runs(struct bench *bench, struct pomona_bench_row *row,
                              const struct listed_photo *photos, size_t cycle, double *speeds,
                              struct pomona_error *error) {
    enum { BATCH = 4 }; /* as pomona features has it */
    struct job_run run = {.options = &bench->options};
    struct pipeline_options pipeline = {.context = bench->context,
                                        .model = bench->model,
                                        .photos = photos,
                                        .count = bench->photos.count,
                                        .threads = row->threads,
                                        .batch = BATCH,
                                        .take = take,
                                        .tick = tick};
    int64_t total = 0;
    row->batch = BATCH;
    TRY(run_job(&pipeline, &run, 0, &speeds[0], error));
    pipeline.count = cycle;
    for (int i = 0; i < bench->options.runs; i++) {
        TRY(run_job(&pipeline, &run, bench->options.seconds, &speeds[i], error));
        total += run.taken;
    }
    fill_row(row, speeds, bench->options.runs, total);
    return POMONA_OK;
}

pomona_status bench_job(struct bench *bench, struct pomona_bench_row *row, struct pomona_error *error) {
    enum { CYCLE = 1 << 17 };
    size_t cycle = CYCLE;
    TRY(bench_photos_write(&bench->photos, error));
    struct listed_photo *photos = memory_new(cycle, sizeof *photos);
    double *speeds = memory_new((size_t)bench->options.runs, sizeof *speeds);
    pomona_status status = photos && speeds ? POMONA_OK : fail_memory(error, "photos");
    for (size_t i = 0; photos && i < cycle; i++)
        photos[i] = bench->photos.files.photos[i % bench->photos.count];
    if (status == POMONA_OK) status = job_runs(bench, row, photos, cycle, speeds, error);
    memory_free(photos);
    memory_free(speeds);
    return status;
}
