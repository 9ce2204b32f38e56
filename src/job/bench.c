#include "job/bench.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { THREADS_MAX = 1024, PHOTO_SIZE_MIN = 32, PHOTO_SIZE_MAX = 4096, SECONDS_MAX = 3600 };

static const double SECONDS_DEFAULT = 0.5;
static const double LOOK_SECONDS = 0.02; /* of each look at the machine, about */

static const char *const stage_names[BENCH_STAGES] = {"decode", "resize", "net", "job"};

static pomona_status choose_stage(const char *asked, int *stage, struct pomona_error *error) {
    for (*stage = 0; *stage < BENCH_STAGES; ++*stage)
        if (!asked || strcmp(stage_names[*stage], asked) == 0) {
            if (!asked) *stage = BENCH_STAGES;
            return POMONA_OK;
        }
    return fail(error, POMONA_E_USAGE, NULL, "unknown stage '%.40s': decode, resize, net or job", asked);
}

static pomona_status check_number(const char *what, int *value, int otherwise, int low, int high,
                                  struct pomona_error *error) {
    if (*value == 0) *value = otherwise;
    if (*value >= low && *value <= high) return POMONA_OK;
    return fail(error, POMONA_E_USAGE, NULL, "%s: %d is not in %d..%d", what, *value, low, high);
}

static pomona_status complete_options(struct pomona_bench_options *o, struct pomona_error *error) {
    if (!o->glob) o->glob = "*.jpg";
    if (o->seconds == 0) o->seconds = SECONDS_DEFAULT;
    if (!(o->seconds > 0 && o->seconds <= SECONDS_MAX))
        return fail(error, POMONA_E_USAGE, NULL, "seconds: %g is not in 0..%d", o->seconds, SECONDS_MAX);
    if (o->threads < 0 || o->threads > THREADS_MAX)
        return fail(error, POMONA_E_USAGE, NULL, "threads: %d is not in 1..%d", o->threads, THREADS_MAX);
    TRY(check_number("count", &o->count, POMONA_BENCH_COUNT_DEFAULT, 1, POMONA_BENCH_COUNT_MAX, error));
    TRY(check_number("runs", &o->runs, POMONA_BENCH_RUNS_DEFAULT, 1, POMONA_BENCH_RUNS_MAX, error));
    return check_number("photo size", &o->photo_size, POMONA_BENCH_PHOTO_SIZE_DEFAULT, PHOTO_SIZE_MIN,
                        PHOTO_SIZE_MAX, error);
}

static pomona_status open_model(struct bench *bench, struct pomona_error *error) {
    const struct pomona_bench_options *o = &bench->options;
    struct pomona_bench_result *result = bench->result;
    struct pomona_model_options options = {.profile = o->profile,
                                           .decode = o->decode,
                                           .views = o->views,
                                           .size = o->size,
                                           .precision = o->precision};
    TRY(o->model ? pomona_model_open(bench->context, o->model, &options, &bench->model, error)
                 : pomona_model_open_embedded(bench->context, &options, &bench->model, error));
    pomona_model_get_info(bench->model, &bench->info);
    const struct pomona_model_info *info = &bench->info;
    snprintf(result->model_name, sizeof result->model_name, "%s", info->name);
    snprintf(result->model_hash, sizeof result->model_hash, "%s", info->hash);
    pomona_profile_format(&info->profile, result->profile_text);
    result->tier = pomona_tier_name(pomona_context_tier(bench->context));
    result->precision = pomona_precision_name(info->precision);
    result->macs = info->macs * (uint64_t)info->views;
    return POMONA_OK;
}

/* The peak that so many threads reached last, kept with the best of all looks. */
static pomona_status look(struct bench *bench, int threads, double *ghz, struct pomona_error *error) {
    struct machine_state state;
    struct pomona_bench_result *result = bench->result;
    TRY(machine_look(pomona_context_tier(bench->context), threads, LOOK_SECONDS, &state, error));
    *ghz = state.ghz;
    for (int i = 0; i < result->peak_count; i++) {
        struct pomona_bench_peak *peak = &result->peaks[i];
        if (peak->threads != threads) continue;
        peak->ghz = fmax(peak->ghz, state.ghz);
        peak->f32 = fmax(peak->f32, state.f32), peak->u8s8 = fmax(peak->u8s8, state.u8s8);
    }
    return POMONA_OK;
}

static struct pomona_bench_row *add_row(struct bench *bench, enum bench_stage stage, int threads) {
    struct pomona_bench_row *row = &bench->result->rows[bench->result->row_count++];
    *row = (struct pomona_bench_row){
        .stage = stage_names[stage], .threads = threads, .gmacs = NAN, .fraction = NAN};
    return row;
}

/* A stage on so many threads, between two looks at the machine. */
static pomona_status measure(struct bench *bench, enum bench_stage stage, int threads,
                             struct pomona_error *error) {
    const struct pomona_bench_options *o = &bench->options;
    double before, after;
    char what[64];
    snprintf(what, sizeof what, "%s, %d thread%s", stage_names[stage], threads, threads > 1 ? "s" : "");
    if (o->progress) o->progress(o->user, what);
    TRY(look(bench, threads, &before, error));
    struct pomona_bench_row *row = add_row(bench, stage, threads);
    switch (stage) {
    case BENCH_DECODE:
    case BENCH_RESIZE: TRY(bench_preprocess(bench, stage, row, error)); break;
    case BENCH_NET: TRY(bench_net(bench, row, error)); break;
    default: TRY(bench_job(bench, row, error)); break;
    }
    TRY(look(bench, threads, &after, error));
    row->ghz_before = before, row->ghz_after = after;
    return POMONA_OK;
}

static void complete_fractions(struct bench *bench) {
    struct pomona_bench_result *result = bench->result;
    bool bytes = bench->info.precision == POMONA_PRECISION_INT8;
    for (int r = 0; r < result->row_count; r++)
        for (int p = 0; p < result->peak_count; p++) {
            const struct pomona_bench_peak *peak = &result->peaks[p];
            if (peak->threads == result->rows[r].threads)
                result->rows[r].fraction = result->rows[r].gmacs / (bytes ? peak->u8s8 : peak->f32);
        }
}

static pomona_status run_stages(struct bench *bench, int only, struct pomona_error *error) {
    struct pomona_bench_result *result = bench->result;
    int all = pomona_cpu_threads(), asked = bench->options.threads;
    int threads[POMONA_BENCH_PEAKS_MAX] = {asked ? asked : 1, all};
    int counts = asked || all == 1 ? 1 : 2;
    result->peak_count = counts;
    for (int i = 0; i < counts; i++) result->peaks[i] = (struct pomona_bench_peak){threads[i], 0, NAN, NAN};
    for (int stage = 0; stage < BENCH_STAGES; stage++)
        for (int i = 0; i < counts && (only == BENCH_STAGES || only == stage); i++)
            TRY(measure(bench, (enum bench_stage)stage, threads[i], error));
    complete_fractions(bench);
    return POMONA_OK;
}

pomona_status pomona_bench_run(const struct pomona_context *context,
                               const struct pomona_bench_options *options, struct pomona_bench_result *result,
                               struct pomona_error *error) {
    double start = clock_seconds();
    struct bench bench = {.context = context, .options = *options, .result = result};
    int stage;
    *result = (struct pomona_bench_result){0};
    TRY(complete_options(&bench.options, error));
    TRY(choose_stage(options->stage, &stage, error));
    pomona_status status = open_model(&bench, error);
    if (status == POMONA_OK)
        status = bench_photos_make(&bench.photos, context, &bench.options, &bench.info, result, error);
    if (status == POMONA_OK) status = run_stages(&bench, stage, error);
    bench_photos_free(&bench.photos);
    pomona_model_free(&bench.model);
    result->run_seconds = bench.options.seconds;
    result->seconds = clock_seconds() - start;
    return status;
}
