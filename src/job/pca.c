#include "pomona/pca.h"

#include "base/file_sink.h"
#include "base/json.h"
#include "base/memory.h"
#include "job/report.h"
#include "job/scores.h"
#include "job/task.h"
#include "job/uuid.h"
#include "pomona/report.h"
#include "store/folder.h"
#include "table/csv.h"

#include <stdio.h>
#include <string.h>

/* What the job makes in DST, in the order in which it is moved there: whoever sees the scores sees all the rest. */
static const char *const children[] = {"pca.model", "PCA_variance.csv", "PCA_results.csv", "scree.png",
                                       "scree.svg", "report.html",      "PCA_Results"};
enum { CHILDREN = sizeof children / sizeof *children };

struct pca_job {
    const struct pomona_context *context;
    const struct pomona_pca_job *options;
    struct pomona_pca_result *result;
    struct table_source source;
    struct pomona_pca *pca;
    struct pomona_pca_info info;
    struct scores_options scores;
    struct scores_summary summary;
    char part[128];                      /* the part's name */
    char *staging, *lock_file, *parquet; /* owned */
    char *out;                           /* owned */
    char *path[CHILDREN];                /* of the children in staging, owned */
    int lock;
    struct pomona_error *error;
};

static pomona_status choose(const char *text, const char *first, const char *second, const char *what,
                            bool *is_second, struct pomona_error *error) {
    *is_second = text && strcmp(text, second) == 0;
    if (!text || *is_second || strcmp(text, first) == 0) return POMONA_OK;
    return fail(error, POMONA_E_USAGE, what, "'%s' is neither '%s' nor '%s'", text, first, second);
}

static pomona_status check_options(struct pca_job *job) {
    const struct pomona_pca_job *options = job->options;
    if (!options->source) return fail(job->error, POMONA_E_USAGE, NULL, "features are needed");
    TRY(choose(options->scores, "centred", "spark", "scores", &job->scores.spark_scores, job->error));
    TRY(choose(options->vector, "array", "spark", "vector", &job->scores.spark_vector, job->error));
    TRY(parquet_codec_parse(options->compression ? options->compression : "snappy", &job->scores.codec,
                            job->error));
    pomona_language language;
    if (options->language) TRY(pomona_language_parse(options->language, &language, job->error));
    /* Before any work: a mistake here must not cost a pass over the features. */
    if (options->fit.variance != 0 && !(options->fit.variance > 0 && options->fit.variance <= 1))
        return fail(job->error, POMONA_E_USAGE, NULL, "variance: %g is not in (0, 1]", options->fit.variance);
    if (options->fit.k < 0 || options->fit.max_k < 0)
        return fail(job->error, POMONA_E_USAGE, NULL, "a number of components is negative");
    job->scores.should_stop = options->should_stop;
    job->scores.user = options->user;
    return POMONA_OK;
}

static pomona_status name_paths(struct pca_job *job) {
    const struct pomona_pca_job *options = job->options;
    if (!options->out && !job->source.moments)
        return fail(job->error, POMONA_E_USAGE, options->source,
                    "is no folder that pomona features made: --out is needed");
    job->out = memory_copy_string(options->out ? options->out : options->source);
    job->staging = job->out ? path_join(job->out, "_temporary_pca") : NULL;
    if (!job->staging) return fail_memory(job->error, "paths");
    job->lock_file = path_join(job->staging, "lock");
    for (int i = 0; i < CHILDREN; i++)
        if (!(job->path[i] = path_join(job->staging, children[i]))) return fail_memory(job->error, "paths");
    return job->lock_file ? POMONA_OK : fail_memory(job->error, "paths");
}

static pomona_status check_destination(struct pca_job *job) {
    for (int i = 0; i < CHILDREN && !job->options->overwrite; i++) {
        char *path = path_join(job->out, children[i]);
        if (!path) return fail_memory(job->error, "paths");
        bool found = path_exists(path);
        memory_free(path);
        if (found)
            return fail(job->error, POMONA_E_EXISTS, job->out, "has %s already: --overwrite replaces it",
                        children[i]);
    }
    return POMONA_OK;
}

/* DST/moments.pom if it is there and of these rows, else NULL. A damaged one is an error: it should be seen. */
static pomona_status load_moments(struct pca_job *job, struct pomona_moments **moments) {
    struct pomona_moments_info info;
    const struct table_source *source = &job->source;
    if (!source->moments || !path_exists(source->moments)) return POMONA_OK;
    TRY(pomona_moments_read(job->context, source->moments, moments, job->error));
    pomona_moments_get_info(*moments, &info);
    job->result->from_moments = info.rows == source->info.rows && info.features == source->info.features &&
                                strcmp(info.feature_space, source->feature_space) == 0;
    if (!job->result->from_moments) pomona_moments_free(moments);
    return POMONA_OK;
}

static pomona_status fit_model(struct pca_job *job) {
    struct pomona_moments *moments = NULL;
    double start = clock_seconds();
    pomona_status status = load_moments(job, &moments);
    if (status == POMONA_OK && !moments)
        status = table_source_sum(&job->source, job->context, job->options->should_stop, job->options->user,
                                  &moments, job->error);
    double summed = clock_seconds();
    if (status == POMONA_OK) status = pomona_pca_fit(moments, &job->options->fit, &job->pca, job->error);
    job->result->seconds_moments = summed - start;
    job->result->seconds_fit = clock_seconds() - summed;
    pomona_moments_free(&moments);
    return status;
}

static pomona_status read_model(struct pca_job *job) {
    struct pomona_pca_info info;
    const struct table_source *source = &job->source;
    TRY(pomona_pca_read(job->options->model, &job->pca, job->error));
    pomona_pca_get_info(job->pca, &info);
    if (info.features != source->info.features)
        return fail(job->error, POMONA_E_INPUT, job->options->source,
                    "has %d features, the model %s is for %d", source->info.features, job->options->model,
                    info.features);
    if (info.feature_space[0] && source->feature_space[0] &&
        strcmp(info.feature_space, source->feature_space))
        return fail(
            job->error, POMONA_E_INPUT, job->options->source,
            "its features are of another space (model, layer, profile or precision) than those of %s: "
            "%.16s and %.16s",
            job->options->model, source->feature_space, info.feature_space);
    return POMONA_OK;
}

static void describe(struct pca_job *job) {
    struct pomona_pca_result *result = job->result;
    double explained = 0;
    pomona_pca_get_info(job->pca, &job->info);
    for (int i = 0; i < job->info.k; i++) explained += job->info.eigenvalues[i] / job->info.total_variance;
    result->features = job->info.features;
    result->k = job->info.k;
    result->rank = job->info.rank;
    result->explained = explained;
    memcpy(result->hash, job->info.hash, sizeof result->hash);
}

static pomona_status take_staging(struct pca_job *job) {
    TRY(folder_make(job->staging, job->error));
    TRY(folder_lock(job->lock_file, &job->lock, job->error));
    TRY(folder_clear(job->staging, "lock", job->error));
    TRY(folder_make(job->path[CHILDREN - 1], job->error));
    char uuid[37];
    int numbers[] = {job->scores.spark_scores, job->scores.spark_vector, (int)job->scores.codec};
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add_field(&hash, "pomona pca 1", 12);
    sha256_add_field(&hash, job->info.hash, strlen(job->info.hash));
    sha256_add_field(&hash, &job->source.info.rows, sizeof job->source.info.rows);
    sha256_add_field(&hash, numbers, sizeof numbers);
    uuid_from_hash(&hash, uuid);
    snprintf(job->part, sizeof job->part, "part-00000-%s-c000%s", uuid,
             parquet_codec_suffix(job->scores.codec));
    job->parquet = path_join(job->path[CHILDREN - 1], job->part);
    return job->parquet ? POMONA_OK : fail_memory(job->error, "paths");
}

static void format_variance(struct pca_job *job, struct csv_writer *csv) {
    double cumulative = 0;
    csv_text(csv, "component");
    csv_text(csv, "eigenvalue");
    csv_text(csv, "explained");
    csv_text(csv, "cumulative");
    csv_end_record(csv);
    for (int i = 0; i < job->info.k; i++) {
        double explained = job->info.eigenvalues[i] / job->info.total_variance;
        csv_integer(csv, i + 1);
        csv_number(csv, job->info.eigenvalues[i]);
        csv_number(csv, explained);
        csv_number(csv, cumulative += explained);
        csv_end_record(csv);
    }
}

static pomona_status write_variance(struct pca_job *job) {
    enum { VARIANCE_BYTES_MAX = 1 << 20 };
    struct buffer text = BUFFER_INIT(VARIANCE_BYTES_MAX);
    struct csv_writer csv = csv_start(sink_to_buffer(&text), job->error);
    format_variance(job, &csv);
    pomona_status status = csv_finish(&csv);
    if (status == POMONA_OK) status = file_write(job->path[1], text.data, text.size, job->error);
    buffer_free(&text);
    return status;
}

static void format_success(struct pca_job *job, struct json *json) {
    char hex[SHA256_HEX_SIZE];
    sha256_hex(job->summary.digest, hex);
    json_object(json, NULL);
    json_text(json, "pca", job->info.hash);
    json_text(json, "feature_space", job->source.feature_space);
    json_text(json, "scores", job->scores.spark_scores ? "spark" : "centred");
    json_integer(json, "rows", job->summary.rows);
    json_integer(json, "k", job->info.k);
    json_array(json, "parts");
    json_object(json, NULL);
    json_text(json, "name", job->part);
    json_integer(json, "rows", job->summary.rows);
    json_integer(json, "bytes", (int64_t)job->summary.size);
    json_text(json, "sha256", hex);
    json_object_end(json);
    json_array_end(json);
    json_object_end(json);
}

static pomona_status write_success(struct pca_job *job) {
    enum { SUCCESS_BYTES_MAX = 1 << 16 };
    struct buffer text = BUFFER_INIT(SUCCESS_BYTES_MAX);
    struct json json = json_start(&text, job->error);
    format_success(job, &json);
    pomona_status status = json_finish(&json);
    char *path = path_join(job->path[CHILDREN - 1], "_SUCCESS");
    if (status == POMONA_OK)
        status = path ? file_write(path, text.data, text.size, job->error) : fail_memory(job->error, "path");
    memory_free(path);
    buffer_free(&text);
    return status == POMONA_OK ? folder_sync(job->path[CHILDREN - 1], job->error) : status;
}

static pomona_status write_report(struct pca_job *job) {
    const struct pomona_pca_job *options = job->options;
    char *errors = job->source.moments ? path_join(options->source, "Errors") : NULL;
    if (job->source.moments && !errors) return fail_memory(job->error, "paths");
    struct report_job report = {.context = job->context,
                                .places = job->options->places,
                                .pca = job->pca,
                                .source = &job->source,
                                .name = options->title ? options->title : options->source,
                                .folder = job->staging,
                                .errors = errors,
                                .language = options->language,
                                .run = options->run,
                                .result = job->result,
                                .spark_scores = job->scores.spark_scores};
    pomona_status status = report_job_run(&report, job->error);
    memory_free(errors);
    return status;
}

static pomona_status move_children(struct pca_job *job) {
    TRY(folder_sync(job->staging, job->error));
    for (int i = 0; i < CHILDREN; i++) {
        char *to = path_join(job->out, children[i]);
        pomona_status status =
            to ? path_replace(job->path[i], to, job->error) : fail_memory(job->error, "paths");
        memory_free(to);
        TRY(status);
    }
    return folder_sync(job->out, job->error);
}

static pomona_status run_job(struct pca_job *job) {
    TRY(check_options(job));
    TRY(table_source_open(&job->source, job->options->source, job->error));
    TRY(name_paths(job));
    TRY(check_destination(job));
    TRY(job->options->model ? read_model(job) : fit_model(job));
    describe(job);
    TRY(take_staging(job));
    double start = clock_seconds();
    job->scores.pca = job->pca;
    job->scores.parquet = job->parquet;
    job->scores.csv = job->path[2];
    TRY(scores_write(&job->source, &job->scores, &job->summary, job->error));
    job->result->rows = job->summary.rows;
    job->result->seconds_scores = clock_seconds() - start;
    TRY(pomona_pca_write(job->pca, job->path[0], job->error));
    TRY(write_variance(job));
    TRY(write_report(job));
    TRY(write_success(job));
    return move_children(job);
}

pomona_status pomona_pca_run(const struct pomona_context *context, const struct pomona_pca_job *options,
                             struct pomona_pca_result *result, struct pomona_error *error) {
    struct pomona_pca_result own;
    if (!result) result = &own;
    memset(result, 0, sizeof *result);
    struct pca_job job = {
        .context = context, .options = options, .result = result, .error = error, .lock = -1};
    pomona_status status = run_job(&job);
    if (job.lock >= 0) path_remove(job.staging, NULL); /* ours, and nothing in it is wanted any more */
    folder_unlock(&job.lock);
    table_source_close(&job.source);
    pomona_pca_free(&job.pca);
    memory_free(job.parquet);
    memory_free(job.lock_file);
    memory_free(job.staging);
    memory_free(job.out);
    for (int i = 0; i < CHILDREN; i++) memory_free(job.path[i]);
    return status;
}
