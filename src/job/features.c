#include "pomona/features.h"

#include "base/file_sink.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "job/commit_log.h"
#include "job/task.h"
#include "job/uuid.h"
#include "pomona/version.h"
#include "store/folder.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    PARTITIONS_DEFAULT = 20,
    PHOTOS_A_PART = 1000,
    PARTITIONS_MAX = 100000,
    THREADS_MAX = 1024,
    ERRORS_BYTES_MAX = 1 << 30
};

static pomona_status check_options(const struct pomona_features_options *options, struct job *job,
                                   struct pomona_error *error) {
    if (!options->source || !options->out)
        return fail(error, POMONA_E_USAGE, NULL, "a source and a destination are needed");
    if (options->partitions < 0 || options->partitions > PARTITIONS_MAX)
        return fail(error, POMONA_E_USAGE, NULL, "partitions: %d is not in 1..%d", options->partitions,
                    PARTITIONS_MAX);
    if (options->threads < 0 || options->threads > THREADS_MAX)
        return fail(error, POMONA_E_USAGE, NULL, "threads: %d is not in 1..%d", options->threads,
                    THREADS_MAX);
    if (options->limit < 0)
        return fail(error, POMONA_E_USAGE, NULL, "limit: %lld is negative", (long long)options->limit);
    if (options->resume && options->overwrite)
        return fail(error, POMONA_E_USAGE, NULL,
                    "resume goes on with an old run, overwrite drops it: choose one");
    TRY(parquet_codec_parse(options->compression ? options->compression : "snappy", &job->codec, error));
    return parquet_lists_parse(options->list_layout ? options->list_layout : "legacy", &job->lists, error);
}

/* The tier, as far as the features depend on it: in 8 bits they are the same on every one. */
static const char *tier_of_features(const struct job *job) {
    return job->info.precision == POMONA_PRECISION_INT8 ? "any" : job->result->tier;
}

/* What every file's footer says about its origin. */
static void describe_origin(struct job *job) {
    const struct pomona_features_result *result = job->result;
    const struct table_property properties[JOB_PROPERTIES] = {
        {"pomona.version", pomona_version()},      {"pomona.model", result->model_name},
        {"pomona.model_hash", result->model_hash}, {"pomona.layer", result->layer},
        {"pomona.profile", result->profile_text},  {"pomona.precision", result->precision},
        {"pomona.tier", tier_of_features(job)},    {"pomona.feature_space", result->feature_space}};
    memcpy(job->properties, properties, sizeof properties);
}

static pomona_status open_model(struct job *job, struct pomona_error *error) {
    const struct pomona_features_options *options = job->options;
    struct pomona_features_result *result = job->result;
    struct pomona_model_options model_options = {.layer = options->layer,
                                                 .profile = options->profile,
                                                 .views = options->views,
                                                 .decode = options->decode,
                                                 .precision = options->precision,
                                                 .size = options->size};
    double start = clock_seconds();
    TRY(options->model ? pomona_model_open(job->context, options->model, &model_options, &job->model, error)
                       : pomona_model_open_embedded(job->context, &model_options, &job->model, error));
    result->seconds_model = clock_seconds() - start;
    pomona_model_get_info(job->model, &job->info);
    const struct pomona_model_info *info = &job->info;
    result->features = info->features;
    result->profile_assumed = info->profile_assumed;
    result->untrained_model = info->untrained;
    result->precision = pomona_precision_name(info->precision);
    result->tier = pomona_tier_name(pomona_context_tier(job->context));
    snprintf(result->model_name, sizeof result->model_name, "%s", info->name);
    snprintf(result->layer, sizeof result->layer, "%s", info->layer);
    snprintf(result->model_hash, sizeof result->model_hash, "%s", info->hash);
    snprintf(result->feature_space, sizeof result->feature_space, "%s", info->feature_space);
    pomona_profile_format(&info->profile, result->profile_text);
    pomona_profile_hash(&info->profile, result->profile_hash);
    describe_origin(job);
    return POMONA_OK;
}

static pomona_status list_photos(struct job *job, struct pomona_error *error) {
    const struct pomona_features_options *options = job->options;
    struct pomona_features_result *result = job->result;
    double start = clock_seconds();
    TRY(job_photos_select(job, error));
    result->seconds_list = clock_seconds() - start;
    result->photos = (int64_t)job->photos.count;
    int partitions = options->partitions ? options->partitions : PARTITIONS_DEFAULT;
    /* A few photos every night must not become twenty files every night. */
    if (job->increment.adds && !options->partitions && job->photos.count < PARTITIONS_DEFAULT * PHOTOS_A_PART)
        partitions = 1 + (int)(job->photos.count / PHOTOS_A_PART);
    result->partitions = (size_t)partitions > job->photos.count ? (int)job->photos.count : partitions;
    result->threads = options->threads ? options->threads : pomona_cpu_threads();
    return POMONA_OK;
}

/* The name of the job: equal inputs, model, tier and options give equal names, and so equal bytes. */
static void name_job(struct job *job) {
    struct pomona_features_result *result = job->result;
    struct sha256 hash;
    int numbers[] = {result->partitions, (int)job->codec, (int)job->lists};
    sha256_start(&hash);
    sha256_add_field(&hash, "pomona features 1", 17);
    sha256_add_field(&hash, result->feature_space, strlen(result->feature_space));
    sha256_add_field(&hash, tier_of_features(job), strlen(tier_of_features(job)));
    sha256_add_field(&hash, numbers, sizeof numbers);
    for (size_t i = 0; i < job->photos.count; i++) {
        const struct listed_photo *photo = &job->photos.photos[i];
        sha256_add_field(&hash, photo->uri, strlen(photo->uri));
        sha256_add_field(&hash, photo->label, photo->label ? strlen(photo->label) : 0);
        sha256_add_field(&hash, &photo->size, sizeof photo->size);
    }
    /* What is added depends on what it is added to: the same photos tried again are another job. */
    if (job->increment.adds) sha256_add_field(&hash, job->increment.old.job, strlen(job->increment.old.job));
    uuid_from_hash(&hash, result->uuid);
}

static pomona_status name_folders(struct job *job, struct pomona_error *error) {
    struct job_folders *folders = &job->folders;
    folders->out = memory_copy_string(job->options->out);
    folders->staging = folders->out ? path_join(folders->out, "_temporary") : NULL;
    folders->results = folders->staging ? path_join(folders->staging, "Results") : NULL;
    folders->lock_file = folders->staging ? path_join(folders->staging, "lock") : NULL;
    folders->identity = folders->staging ? path_join(folders->staging, "job") : NULL;
    folders->plan = folders->staging ? path_join(folders->staging, "plan") : NULL;
    folders->since = folders->staging ? path_join(folders->staging, "since") : NULL;
    return folders->results && folders->lock_file && folders->identity && folders->plan && folders->since
               ? POMONA_OK
               : fail_memory(error, "paths");
}

static bool out_has(const struct job *job, const char *name) {
    char *path = path_join(job->folders.out, name);
    bool found = path && path_exists(path);
    memory_free(path);
    return found;
}

/* Ends a commit that was interrupted: DST is whole then, whatever follows. */
static pomona_status settle(struct job *job, struct pomona_error *error) {
    struct job_folders *folders = &job->folders;
    if (!commit_log_pending(folders->staging)) return POMONA_OK;
    TRY(folder_lock(folders->lock_file, &folders->lock, error));
    pomona_status status = commit_log_finish(folders->out, folders->staging, error);
    folder_unlock(&folders->lock);
    return status;
}

/* Clears away a staging that does not say whose it is: the name is written first and removed first, so it holds nothing. */
static pomona_status clear_nameless(struct job *job, struct pomona_error *error) {
    struct job_folders *folders = &job->folders;
    if (rmdir(folders->staging) == 0) return POMONA_OK; /* an empty one */
    if (path_exists(folders->identity) || !path_exists(folders->lock_file)) return POMONA_OK;
    TRY(folder_lock(folders->lock_file, &folders->lock, error));
    pomona_status status = staging_remove(folders->staging, error);
    folder_unlock(&folders->lock);
    return status;
}

/* Whether DST holds the finished results of this very job: its _SUCCESS names it. */
static bool is_finished(struct job *job) {
    struct success success;
    char *results = path_join(job->folders.out, "Results");
    bool finished = results && success_read(results, &success, NULL) == POMONA_OK &&
                    strcmp(success.job, job->result->uuid) == 0;
    if (finished) {
        job->result->rows = job->result->total_rows = success.rows;
        job->result->errors = job->result->total_errors = success.errors;
        job->result->total_parts = (int64_t)success.count;
    }
    if (results) success_free(&success);
    memory_free(results);
    return finished;
}

static bool adds(const struct job *job) { return job->options->only_new || job->options->retry_failed; }

/* Before any work: what an earlier run left in DST. */
static pomona_status check_interrupted(struct job *job, struct pomona_error *error) {
    const struct pomona_features_options *options = job->options;
    if (options->resume || options->overwrite) {
        if (options->dry_run) return POMONA_OK;
        pomona_status status = settle(job, error);
        if (status == POMONA_OK && adds(job)) status = clear_nameless(job, error);
        /* What can't be ended is in nobody's way when all is made new. */
        return options->overwrite && !adds(job) && status != POMONA_E_EXISTS ? POMONA_OK : status;
    }
    if (!path_exists(job->folders.staging)) return POMONA_OK;
    return fail(error, POMONA_E_EXISTS, options->out,
                "holds an interrupted job: --resume goes on with it, --overwrite starts again");
}

/* May this job write into DST? Nothing is changed yet. */
static pomona_status check_destination(struct job *job, struct pomona_error *error) {
    const struct pomona_features_options *options = job->options;
    bool interrupted = path_exists(job->folders.staging);
    if (options->overwrite || job->increment.adds) return POMONA_OK;
    if (options->resume && !path_exists(job->folders.identity) && is_finished(job)) {
        job->result->already_done = true;
        return options->dry_run ? POMONA_OK : clear_nameless(job, error);
    }
    if (!interrupted && (out_has(job, "Results") || out_has(job, "Errors") || out_has(job, "run.json") ||
                         out_has(job, "moments.pom")))
        return fail(
            error, POMONA_E_EXISTS, options->out,
            options->resume
                ? "holds the results of another job (other photos, model or options): --overwrite replaces "
                  "them"
                : "has results already: --overwrite replaces them, --resume goes on with an interrupted job, "
                  "--only-new adds to them");
    return POMONA_OK;
}

/* What pomona recover tells about the job. */
static pomona_status write_plan(const struct job *job, struct pomona_error *error) {
    enum { PLAN_MAX = 4096 };
    struct buffer text = BUFFER_INIT(PLAN_MAX);
    struct json json = json_start(&text, error);
    json_object(&json, NULL);
    json_integer(&json, "photos", (int64_t)job->photos.count);
    json_integer(&json, "partitions", job->result->partitions);
    json_boolean(&json, "adds", job->increment.adds);
    json_object_end(&json);
    pomona_status status = json_finish(&json);
    if (status == POMONA_OK) status = file_write(job->folders.plan, text.data, text.size, error);
    buffer_free(&text);
    return status;
}

/* Takes the staging folder: a new one, or that of this job when it was interrupted. */
static pomona_status take_staging(struct job *job, struct pomona_error *error) {
    struct job_folders *folders = &job->folders;
    struct buffer old = BUFFER_INIT(4096);
    TRY(folder_make(folders->staging, error));
    TRY(folder_lock(folders->lock_file, &folders->lock, error));
    size_t length = strlen(job->result->uuid);
    bool known = file_read(folders->identity, &old, NULL) == POMONA_OK;
    bool same = known && old.size == length && memcmp(old.data, job->result->uuid, length) == 0;
    buffer_free(&old);
    if (known && !same && job->options->resume)
        return fail(
            error, POMONA_E_EXISTS, job->options->out,
            "holds another interrupted job (other photos, model or options): --overwrite starts again");
    if (!same || !job->options->resume) TRY(folder_clear(folders->staging, "lock", error));
    TRY(folder_make(folders->results, error));
    TRY(write_plan(job, error));
    TRY(job_photos_note_since(job, error));
    return file_write(folders->identity, job->result->uuid, length, error);
}

static pomona_status make_and_commit(struct job *job, double started, struct pomona_error *error) {
    struct pomona_features_result *result = job->result;
    TRY(take_staging(job, error));
    job->parts = memory_new((size_t)result->partitions, sizeof *job->parts);
    if (!job->parts) return fail_memory(error, "parts");
    TRY(job_moments_start(job, error));
    TRY(parts_make(job, error));
    double start = clock_seconds();
    result->seconds = start - started;
    TRY(job_commit(job, error));
    result->seconds_commit = clock_seconds() - start;
    return POMONA_OK;
}

static pomona_status run_job(struct job *job, struct pomona_error *error) {
    const struct pomona_features_options *options = job->options;
    struct pomona_features_result *result = job->result;
    double started = clock_seconds();
    TRY(check_options(options, job, error));
    TRY(open_model(job, error));
    TRY(name_folders(job, error));
    TRY(check_interrupted(job, error));
    if (adds(job)) TRY(increment_open(job, error));
    TRY(job_photos_since(job, error));
    TRY(list_photos(job, error));
    if (job->photos.count == 0) {
        result->nothing_new = true;
        result->total_rows = job->increment.old.rows;
        result->total_errors = job->increment.old.errors;
        result->total_parts = (int64_t)job->increment.old.count;
        result->seconds = clock_seconds() - started;
        return POMONA_OK;
    }
    name_job(job);
    TRY(check_destination(job, error));
    pomona_status status = POMONA_OK;
    if (!options->dry_run && !result->already_done) status = make_and_commit(job, started, error);
    result->seconds = clock_seconds() - started;
    if (status == POMONA_OK && options->max_errors >= 0 && result->errors > options->max_errors)
        return fail(error, POMONA_E_ERROR_ROWS, options->out,
                    "done, but %lld of %lld photos failed (see Errors/)", (long long)result->errors,
                    (long long)result->photos);
    return status;
}

pomona_status pomona_features_run(const struct pomona_context *context,
                                  const struct pomona_features_options *options,
                                  struct pomona_features_result *result, struct pomona_error *error) {
    struct pomona_features_result *own = NULL;
    if (!result) result = own = memory_new(1, sizeof *own);
    if (!result) return fail_memory(error, "result");
    memset(result, 0, sizeof *result);
    struct job job = {.options = options,
                      .context = context,
                      .result = result,
                      .photos = LISTING_INIT,
                      .folders = {.lock = -1},
                      .increment = INCREMENT_INIT,
                      .errors = BUFFER_INIT(ERRORS_BYTES_MAX)};
    pomona_status status = run_job(&job, error);
    folder_unlock(&job.folders.lock);
    memory_free(job.folders.out);
    memory_free(job.folders.staging);
    memory_free(job.folders.results);
    memory_free(job.folders.lock_file);
    memory_free(job.folders.identity);
    memory_free(job.folders.plan);
    memory_free(job.folders.since);
    increment_free(&job.increment);
    memory_free(job.parts);
    buffer_free(&job.errors);
    listing_free(&job.photos);
    pomona_model_free(&job.model);
    pomona_moments_free(&job.moments);
    memory_free(own);
    return status;
}
