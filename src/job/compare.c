#include "pomona/compare.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "job/child.h"
#include "job/comparison.h"
#include "job/measure.h"
#include "job/photos.h"
#include "pomona/report.h"
#include "store/folder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SIZE_MIN = 16, SIZE_MAX_PIXELS = 4096 };

/* What the job makes in DIR, in the order in which it is moved there. */
static const char *const children[] = {"pareto.png", "pareto.svg", "comparison.csv", "comparison.html",
                                       "comparison.json"};
enum { CHILDREN = sizeof children / sizeof *children, CSV_CHILD = 2, JSON_CHILD = 4 };

struct compare_job {
    const struct pomona_context *context;
    const struct pomona_compare_options *options;
    struct pomona_compare_result *result;
    struct listing photos;
    struct arena texts;
    struct listed_photo *probes; /* [probe_count] */
    size_t probe_count;
    struct compare_subject *subjects; /* [row_count] */
    struct compare_speed *speeds;     /* [row_count][rounds] */
    uint8_t **verdicts;               /* [row_count], each [photos.count] or NULL */
    int timed;
    double seconds;
    int done, total; /* pieces of work */
    char *staging, *lock_file;
    int lock;
    bool made_out;
    struct pomona_error *error;
};

static pomona_status out_of_range(struct compare_job *job, const char *what, double value, double low,
                                  double high) {
    return fail(job->error, POMONA_E_USAGE, what, "%g is not in %g..%g", value, low, high);
}

static pomona_status check_numbers(struct compare_job *job) {
    const struct pomona_compare_options *options = job->options;
    bool quick = options->quick;
    job->result->rounds = options->rounds ? options->rounds : quick ? 1 : POMONA_COMPARE_ROUNDS_DEFAULT;
    job->result->threads = options->threads ? options->threads : pomona_cpu_threads();
    job->timed = options->photos ? options->photos : quick ? 30 : POMONA_COMPARE_PHOTOS_DEFAULT;
    job->seconds = options->seconds != 0 ? options->seconds : quick ? 0.5 : 5;
    if (job->result->rounds < 1 || job->result->rounds > POMONA_COMPARE_ROUNDS_MAX)
        return out_of_range(job, "rounds", job->result->rounds, 1, POMONA_COMPARE_ROUNDS_MAX);
    if (job->result->threads < 1 || job->result->threads > 1024)
        return out_of_range(job, "threads", job->result->threads, 1, 1024);
    if (job->timed < 10 || job->timed > POMONA_COMPARE_PHOTOS_MAX)
        return out_of_range(job, "photos", job->timed, 10, POMONA_COMPARE_PHOTOS_MAX);
    if (!(job->seconds > 0 && job->seconds <= 3600))
        return out_of_range(job, "seconds", job->seconds, 0, 3600);
    for (int i = 0; i < options->size_count; i++)
        if (options->sizes[i] < SIZE_MIN || options->sizes[i] > SIZE_MAX_PIXELS)
            return out_of_range(job, "sizes", options->sizes[i], SIZE_MIN, SIZE_MAX_PIXELS);
    return POMONA_OK;
}

static pomona_status check_options(struct compare_job *job) {
    const struct pomona_compare_options *options = job->options;
    pomona_language language;
    if (!options->source || !options->out)
        return fail(job->error, POMONA_E_USAGE, NULL, "photos and a folder to write to are needed");
    if (options->model_count < 1 || options->model_count > POMONA_COMPARE_MODELS_MAX)
        return out_of_range(job, "models", options->model_count, 1, POMONA_COMPARE_MODELS_MAX);
    if (options->size_count < 0 || options->size_count > POMONA_COMPARE_SIZES_MAX)
        return out_of_range(job, "sizes", options->size_count, 0, POMONA_COMPARE_SIZES_MAX);
    if (options->budget.ms < 0 || options->budget.p99 < 0)
        return fail(job->error, POMONA_E_USAGE, "budget", "a number of milliseconds is negative");
    if (options->language) TRY(pomona_language_parse(options->language, &language, job->error));
    job->result->budget = options->budget;
    job->result->tier = pomona_tier_name(pomona_context_tier(job->context));
    return check_numbers(job);
}

/* ---- the folder ---- */

static pomona_status check_destination(struct compare_job *job) {
    const char *out = job->options->out;
    for (int i = 0; i < CHILDREN && !job->options->overwrite; i++) {
        char *path = path_join(out, children[i]);
        if (!path) return fail_memory(job->error, "paths");
        bool found = path_exists(path);
        memory_free(path);
        if (found)
            return fail(job->error, POMONA_E_EXISTS, out, "has %s already: --overwrite replaces it",
                        children[i]);
    }
    return POMONA_OK;
}

/* Taken before the first measurement: two jobs at once would spoil each other's figures, not only their files. */
static pomona_status take_staging(struct compare_job *job) {
    job->staging = path_join(job->options->out, "_temporary_compare");
    job->lock_file = job->staging ? path_join(job->staging, "lock") : NULL;
    if (!job->lock_file) return fail_memory(job->error, "paths");
    job->made_out = !path_exists(job->options->out);
    TRY(folder_make(job->staging, job->error));
    TRY(folder_lock(job->lock_file, &job->lock, job->error));
    return folder_clear(job->staging, "lock", job->error);
}

/* Moves one child into place. One that this job has not made goes: an old page would contradict the new figures. */
static pomona_status move_child(struct compare_job *job, const char *name) {
    char *from = path_join(job->staging, name), *to = path_join(job->options->out, name);
    pomona_status status = !from || !to        ? fail_memory(job->error, "paths")
                           : path_exists(from) ? path_replace(from, to, job->error)
                                               : path_remove(to, job->error);
    memory_free(from);
    memory_free(to);
    return status;
}

static pomona_status move_children(struct compare_job *job) {
    TRY(folder_sync(job->staging, job->error));
    for (int i = 0; i < CHILDREN; i++) TRY(move_child(job, children[i]));
    job->made_out = false;
    return folder_sync(job->options->out, job->error);
}

static pomona_status write_all(struct compare_job *job) {
    const struct pomona_compare_options *options = job->options;
    char *csv = path_join(job->staging, children[CSV_CHILD]);
    char *json = path_join(job->staging, children[JSON_CHILD]);
    pomona_status status = csv && json ? POMONA_OK : fail_memory(job->error, "paths");
    if (status == POMONA_OK) status = compare_write_csv(job->result, csv, job->error);
    if (status == POMONA_OK) status = compare_write_json(job->result, options->source, json, job->error);
    if (status == POMONA_OK)
        status =
            compare_write_page(job->result, options->source, options->language, job->staging, job->error);
    memory_free(csv);
    memory_free(json);
    return status == POMONA_OK ? move_children(job) : status;
}

/* ---- photos and models ---- */

/* Evenly spaced photos, with texts of their own: the process that measures memory gives the list back. */
static pomona_status pick_probes(struct compare_job *job) {
    size_t all = job->photos.count, count = (size_t)job->timed < all ? (size_t)job->timed : all;
    job->probes = memory_new(count, sizeof *job->probes);
    if (!job->probes) return fail_memory(job->error, "photos");
    for (size_t i = 0; i < count; i++) {
        const struct listed_photo *photo = &job->photos.photos[i * all / count];
        job->probes[i] = *photo;
        job->probes[i].path = arena_copy_text(&job->texts, photo->path, strlen(photo->path));
        job->probes[i].uri = arena_copy_text(&job->texts, photo->uri, strlen(photo->uri));
        job->probes[i].label = NULL;
        if (!job->probes[i].path || !job->probes[i].uri) return fail_memory(job->error, "photos");
    }
    job->probe_count = count;
    return POMONA_OK;
}

static pomona_status list_photos(struct compare_job *job) {
    const struct pomona_compare_options *options = job->options;
    TRY(photos_list(NULL, options->source, options->glob ? options->glob : "*.jpg", options->labels,
                    options->limit, options->should_stop, options->user, &job->photos,
                    &job->result->unlabelled, job->error));
    job->result->photos = (int64_t)job->photos.count;
    return pick_probes(job);
}

static bool is_embedded(const char *path) { return !path || strcmp(path, "embedded") == 0; }

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* The file name, or the whole path when another model is called alike. */
static const char *short_name(const struct pomona_compare_options *options, int model) {
    const char *path = options->models[model];
    if (is_embedded(path)) return "embedded";
    for (int i = 0; i < options->model_count; i++)
        if (i != model && !is_embedded(options->models[i]) && strcmp(options->models[i], path) != 0 &&
            strcmp(base_name(options->models[i]), base_name(path)) == 0)
            return path;
    return base_name(path);
}

static void name_row(struct compare_job *job, int index) {
    const struct pomona_compare_options *options = job->options;
    int sizes = options->size_count ? options->size_count : 1, model = index / sizes;
    struct pomona_compare_row *row = &job->result->rows[index];
    bool embedded = is_embedded(options->models[model]);
    text_printable(short_name(options, model), row->name, sizeof row->name);
    text_printable(embedded ? "" : options->models[model], row->path, sizeof row->path);
    job->subjects[index] =
        (struct compare_subject){.context = job->context,
                                 .path = embedded ? NULL : options->models[model],
                                 .decode = options->decode,
                                 .precision = options->precision,
                                 .size = options->size_count ? options->sizes[index % sizes] : 0,
                                 .photos = &job->photos,
                                 .probes = job->probes,
                                 .probe_count = job->probe_count,
                                 .threads = job->result->threads,
                                 .timed = job->timed,
                                 .seconds = job->seconds,
                                 .should_stop = options->should_stop,
                                 .user = options->user};
}

static pomona_status make_rows(struct compare_job *job) {
    const struct pomona_compare_options *options = job->options;
    int count = options->model_count * (options->size_count ? options->size_count : 1);
    size_t rows = (size_t)count;
    job->result->rows = memory_new(rows, sizeof *job->result->rows);
    job->subjects = memory_new(rows, sizeof *job->subjects);
    job->speeds = memory_new(rows * (size_t)job->result->rounds, sizeof *job->speeds);
    job->verdicts = memory_new(rows, sizeof *job->verdicts);
    if (!job->result->rows || !job->subjects || !job->speeds || !job->verdicts)
        return fail_memory(job->error, "rows");
    job->result->row_count = count;
    for (int i = 0; i < count; i++) name_row(job, i);
    /* Description, memory, accuracy, and the rounds. */
    job->total = count * (3 + job->result->rounds);
    return POMONA_OK;
}

/* ---- measuring ---- */

/* Runs one piece of work about a row in a child; what fails there is the row's error. */
static pomona_status measure(struct compare_job *job, int index, const char *what,
                             pomona_status (*body)(void *, void *, struct pomona_error *), void *reply,
                             size_t reply_size) {
    const struct pomona_compare_options *options = job->options;
    struct pomona_compare_row *row = &job->result->rows[index];
    char text[COMPARE_LABEL_SIZE + 64];
    job->done++;
    if (!compare_measured(row)) return POMONA_OK;
    snprintf(text, sizeof text, "%s, %s", row->name, what);
    const struct pomona_compare_progress progress = {job->done, job->total, text};
    if (options->progress) options->progress(options->user, &progress);
    const struct child_work work = {.body = body,
                                    .user = &job->subjects[index],
                                    .reply = reply,
                                    .reply_size = reply_size,
                                    .should_stop = options->should_stop,
                                    .stop_user = options->user};
    struct child_outcome outcome;
    TRY(child_run(&work, &outcome, job->error));
    if (outcome.status != POMONA_OK)
        text_printable(outcome.cause.message[0] ? outcome.cause.message : pomona_status_name(outcome.status),
                       row->error, sizeof row->error);
    return POMONA_OK;
}

static pomona_status measure_accuracy(struct compare_job *job, int index) {
    struct pomona_compare_row *row = &job->result->rows[index];
    size_t photos = job->photos.count;
    if (!row->kind[0]) {
        job->done++; /* a backbone alone */
        return POMONA_OK;
    }
    uint8_t *verdicts = job->verdicts[index] = memory_new(photos, sizeof *verdicts);
    if (!verdicts) return fail_memory(job->error, "answers");
    TRY(measure(job, index, "accuracy", compare_accuracy, verdicts, photos));
    if (compare_measured(row)) compare_count(verdicts, photos, row);
    return POMONA_OK;
}

static pomona_status measure_all(struct compare_job *job) {
    struct pomona_compare_result *result = job->result;
    int count = result->row_count, rounds = result->rounds;
    for (int i = 0; i < count; i++)
        TRY(measure(job, i, "opening", compare_describe, &result->rows[i], sizeof *result->rows));
    for (int i = 0; i < count; i++)
        TRY(measure(job, i, "memory", compare_memory, &result->rows[i].peak_memory, sizeof(uint64_t)));
    for (int i = 0; i < count; i++) TRY(measure_accuracy(job, i));
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++) {
            char what[48];
            snprintf(what, sizeof what, "round %d of %d", round + 1, rounds);
            TRY(measure(job, i, what, compare_speed, &job->speeds[i * rounds + round], sizeof *job->speeds));
        }
    return POMONA_OK;
}

/* One figure over the rounds of a row; `field` is its offset in struct compare_speed. */
static struct pomona_compare_figure figure_of(const struct compare_speed *speeds, int rounds, size_t field,
                                              double scale) {
    double values[POMONA_COMPARE_ROUNDS_MAX];
    for (int i = 0; i < rounds; i++) {
        memcpy(&values[i], (const char *)&speeds[i] + field, sizeof *values);
        values[i] *= scale;
    }
    return measure_rounds(values, (size_t)rounds);
}

#define FIGURE(speeds, rounds, field, scale)                                                                 \
    figure_of(speeds, rounds, offsetof(struct compare_speed, field), scale)

static void join_rounds(struct compare_job *job) {
    int rounds = job->result->rounds;
    for (int i = 0; i < job->result->row_count; i++) {
        struct pomona_compare_row *row = &job->result->rows[i];
        const struct compare_speed *speeds = &job->speeds[i * rounds];
        if (!compare_measured(row)) continue;
        row->ready_ms = FIGURE(speeds, rounds, ready, 1e3);
        row->ms = FIGURE(speeds, rounds, median, 1e3);
        row->p99_ms = FIGURE(speeds, rounds, p99, 1e3);
        row->photos_per_second = FIGURE(speeds, rounds, photos_per_second, 1);
        row->joules = FIGURE(speeds, rounds, joules, 1);
        row->cpu_seconds = FIGURE(speeds, rounds, cpu, 1);
        row->timed = speeds[0].timed;
        for (int round = 1; round < rounds; round++)
            if (speeds[round].timed < row->timed) row->timed = speeds[round].timed;
        job->result->has_joules |= !isnan(row->joules.median);
    }
}

/* Where nothing could be measured there is nothing to compare. */
static pomona_status check_any(struct compare_job *job) {
    const struct pomona_compare_result *result = job->result;
    for (int i = 0; i < result->row_count; i++)
        if (compare_measured(&result->rows[i])) return POMONA_OK;
    return fail(job->error, POMONA_E_INPUT, NULL, "no model could be measured: %s: %s", result->rows[0].name,
                result->rows[0].error);
}

static pomona_status run_job(struct compare_job *job) {
    double start = clock_seconds();
    TRY(check_options(job));
    TRY(check_destination(job));
    TRY(list_photos(job));
    TRY(make_rows(job));
    TRY(take_staging(job));
    TRY(measure_all(job));
    TRY(check_any(job));
    join_rounds(job);
    compare_choose(job->result, (const uint8_t *const *)job->verdicts, job->photos.count);
    TRY(compare_advise(job->result, job->error));
    job->result->seconds = clock_seconds() - start;
    return write_all(job);
}

static void free_job(struct compare_job *job) {
    if (job->lock >= 0) path_remove(job->staging, NULL); /* ours, and nothing in it is wanted any more */
    folder_unlock(&job->lock);
    if (job->made_out) rmdir(job->options->out); /* if nothing else is in it */
    for (int i = 0; i < job->result->row_count && job->verdicts; i++) memory_free(job->verdicts[i]);
    memory_free(job->verdicts);
    memory_free(job->speeds);
    memory_free(job->subjects);
    memory_free(job->probes);
    memory_free(job->staging);
    memory_free(job->lock_file);
    arena_free(&job->texts);
    listing_free(&job->photos);
}

pomona_status pomona_compare_run(const struct pomona_context *context,
                                 const struct pomona_compare_options *options,
                                 struct pomona_compare_result *result, struct pomona_error *error) {
    struct pomona_compare_result *own = NULL;
    if (!result) result = own = memory_new(1, sizeof *own);
    if (!result) return fail_memory(error, "result");
    memset(result, 0, sizeof *result);
    result->best = result->chosen = result->nearest = -1;
    struct compare_job job = {.context = context,
                              .options = options,
                              .result = result,
                              .photos = LISTING_INIT,
                              .texts = ARENA_INIT(SIZE_MAX),
                              .lock = -1,
                              .error = error};
    pomona_status status = run_job(&job);
    free_job(&job);
    if (own) pomona_compare_result_free(own);
    memory_free(own);
    return status;
}

void pomona_compare_result_free(struct pomona_compare_result *result) {
    if (!result) return;
    memory_free(result->rows);
    memset(result, 0, sizeof *result);
    result->best = result->chosen = result->nearest = -1;
}
