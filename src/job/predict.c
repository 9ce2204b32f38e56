#include "pomona/predict.h"

#include "base/clock.h"
#include "base/file_sink.h"
#include "base/memory.h"
#include "job/answerer.h"
#include "job/fuse.h"
#include "job/operands.h"
#include "job/pipeline.h"
#include "job/predict_input.h"
#include "job/predict_rows.h"
#include "pomona/cpu.h"
#include "store/folder.h"

#include <stdio.h>
#include <string.h>

enum { TOP_DEFAULT = 5, TOP_MAX = 1000, THREADS_MAX = 1024, BATCH = 4 };

struct predict {
    const struct pomona_context *context;
    const struct pomona_predict_options *options;
    struct pomona_predict_result *result;
    struct pomona_classifier *classifier;
    struct pomona_classifier_info info;
    struct predict_input input;
    struct listing photos;
    struct fuse fuse;
    struct predict_rows rows;
    struct file_sink file;
    struct answerer answerer;
    double *values; /* [answerer_values] of the answer at hand, where no pipeline holds them */
    int64_t done, total;
    double started, last_progress;
};

static pomona_status check_options(const struct pomona_predict_options *options, struct pomona_error *error) {
    if (options->operand_count == 0)
        return fail(error, POMONA_E_USAGE, NULL, "a photo or a folder is needed");
    if (!options->out && (options->format == POMONA_PREDICT_PARQUET || !options->write))
        return fail(error, POMONA_E_USAGE, NULL,
                    options->write ? "Parquet needs a file to write" : "nowhere to write to");
    if (options->group && !options->fuse)
        return fail(error, POMONA_E_USAGE, NULL, "groups are of photos that are fused");
    if (options->top < 0 || options->top > TOP_MAX)
        return fail(error, POMONA_E_USAGE, NULL, "top: %d is not in 1..%d", options->top, TOP_MAX);
    if (options->threads < 0 || options->threads > THREADS_MAX)
        return fail(error, POMONA_E_USAGE, NULL, "threads: %d is not in 1..%d", options->threads,
                    THREADS_MAX);
    if (options->out && !options->overwrite && path_exists(options->out))
        return fail(error, POMONA_E_EXISTS, options->out, "exists (overwrite replaces it)");
    return POMONA_OK;
}

static pomona_status list_photos(struct predict *predict, struct pomona_error *error) {
    const struct pomona_predict_options *options = predict->options;
    struct listing *photos = &predict->photos;
    const char *glob = options->glob ? options->glob : "*.jpg";
    struct predict_input *input = &predict->input;
    TRY(predict_input_read(input, options->operands, options->operand_count, options->input,
                           options->should_stop, options->user, error));
    TRY(operands_list(options->places, input->operands, input->count, glob, options->should_stop,
                      options->user, photos, error));
    predict->result->skipped = photos->skipped;
    predict->total = (int64_t)photos->count + input->is_photo;
    if (predict->total == 0)
        return fail(error, POMONA_E_INPUT, options->operands[0], "no photo matches '%s' (%lld other files)",
                    glob, (long long)photos->skipped);
    if (options->fuse && input->is_photo && !fuse_matches(&predict->fuse, "-"))
        return fail(error, POMONA_E_INPUT, "-", "the pattern of groups, '%s', does not match",
                    options->group);
    for (size_t i = 0; options->fuse && i < photos->count; i++)
        if (!fuse_matches(&predict->fuse, photos->photos[i].uri))
            return fail(error, POMONA_E_INPUT, photos->photos[i].uri,
                        "the pattern of groups, '%s', does not match", options->group);
    return POMONA_OK;
}

static pomona_status open_classifier(struct predict *predict, struct pomona_error *error) {
    const struct pomona_predict_options *options = predict->options;
    const struct pomona_classifier_options chosen = {.head = options->head,
                                                     .profile = options->profile,
                                                     .decode = options->decode,
                                                     .precision = options->precision};
    TRY(pomona_classifier_open(predict->context, options->model, &chosen, &predict->classifier, error));
    pomona_classifier_get_info(predict->classifier, &predict->info);
    TRY(answerer_start(&predict->answerer, predict->classifier, predict->result->threads, error));
    predict->values = memory_new((size_t)answerer_values(&predict->answerer), sizeof *predict->values);
    if (!predict->values) return fail_memory(error, "probabilities");
    return fuse_start(&predict->fuse, predict->info.classes, options->group, error);
}

/* Rows that go to the caller. */
static pomona_status write_rows(void *self, const void *data, size_t size, struct pomona_error *error) {
    struct predict *predict = self;
    predict->result->bytes += size;
    return predict->options->write(predict->options->user, data, size, error);
}

static pomona_status start_rows(struct predict *predict, struct pomona_error *error) {
    const struct pomona_predict_options *options = predict->options;
    struct sink sink = {predict, write_rows};
    if (options->out) {
        TRY(file_sink_open(&predict->file, options->out, error));
        sink = file_sink_as_sink(&predict->file);
    }
    predict->rows = (struct predict_rows){.classifier = predict->classifier,
                                          .format = options->format,
                                          .sink = sink,
                                          .top = options->top ? options->top : TOP_DEFAULT,
                                          .fused = options->fuse,
                                          .block = options->fuse ? !options->group : predict->total == 1};
    return predict_rows_start(&predict->rows, error);
}

/* Decides and writes one answer. */
static pomona_status add_answer(struct predict *predict, const char *path, const double *values,
                                int64_t photos, struct pomona_error *error) {
    struct pomona_predict_result *result = predict->result;
    struct predict_row row = {.path = path, .probabilities = values, .photos = photos};
    pomona_classifier_decide(predict->classifier, values, values[predict->info.classes], &row.answer);
    result->answers++;
    result->fine += row.answer.level == POMONA_ANSWER_FINE;
    result->coarse += row.answer.level == POMONA_ANSWER_COARSE;
    result->rejected += row.answer.level == POMONA_ANSWER_REJECTED;
    return predict_rows_add(&predict->rows, &row, error);
}

static pomona_status add_failure(struct predict *predict, const char *path, const char *reason,
                                 struct pomona_error *error) {
    const struct pomona_predict_options *options = predict->options;
    struct pomona_predict_result *result = predict->result;
    const struct predict_row row = {.path = path, .error = reason};
    if (result->failed++ == 0) snprintf(result->first_failure, sizeof result->first_failure, "%s", reason);
    if (options->failed) options->failed(options->user, path, reason);
    return predict_rows_add(&predict->rows, &row, error);
}

/* Takes probabilities and score of one photo, or the reason why there are none. */
static pomona_status take_photo(struct predict *predict, const char *path, const double *values,
                                const char *reason, struct pomona_error *error) {
    predict->done++, predict->result->photos++;
    if (!values) return add_failure(predict, path, reason, error);
    if (predict->options->fuse)
        return fuse_add(&predict->fuse, path, values, values[predict->info.classes], error);
    return add_answer(predict, path, values, 1, error);
}

static pomona_status take_listed(void *user, size_t index, const double *values, const char *reason,
                                 struct pomona_error *error) {
    struct predict *predict = user;
    return take_photo(predict, predict->photos.photos[index].uri, values, reason, error);
}

static void run_head(void *user, int worker, const float *features, double *values) {
    const struct predict *predict = user;
    answerer_run(&predict->answerer, worker, features, values);
}

static bool tick(void *user) {
    struct predict *predict = user;
    const struct pomona_predict_options *options = predict->options;
    double now = clock_seconds(), seconds = now - predict->started;
    if (options->progress && (now - predict->last_progress > 0.2 || predict->done == predict->total)) {
        predict->last_progress = now;
        double speed = seconds > 0 ? (double)predict->done / seconds : 0;
        struct pomona_features_progress progress = {
            predict->done, predict->total, predict->result->failed, speed,
            speed > 0 ? (double)(predict->total - predict->done) / speed : -1};
        options->progress(options->user, &progress);
    }
    return options->should_stop && options->should_stop(options->user);
}

/* Whether a failure is the photo's own and not the machine's. */
static bool is_photo_fault(pomona_status status) {
    return status == POMONA_E_INPUT || status == POMONA_E_CORRUPT || status == POMONA_E_LIMIT ||
           status == POMONA_E_UNSUPPORTED;
}

/* The photo on standard input, which is in no list. */
static pomona_status run_input(struct predict *predict, struct pomona_error *error) {
    const struct buffer *photo = &predict->input.bytes;
    const struct pomona_model_info *model = &predict->info.model;
    struct pomona_preprocessor *preprocessor = NULL;
    struct pomona_session *session = NULL;
    struct pomona_error cause = {0};
    pomona_status status = POMONA_E_MEMORY;
    uint8_t *pixels = memory_new_aligned(model->photo_bytes, 1);
    float *features = memory_new_aligned((size_t)model->features, sizeof *features);
    if (!pixels || !features) {
        fail_memory(error, "photo");
        goto out;
    }
    TRY_GOTO(pomona_preprocessor_new(predict->context, &model->profile, NULL, &preprocessor, error), status,
             out);
    TRY_GOTO(pomona_session_new(pomona_classifier_model(predict->classifier), 1, &session, error), status,
             out);
    status = pomona_preprocessor_run(preprocessor, "-", photo->data, photo->size, pixels, &cause);
    if (status != POMONA_OK) {
        if (is_photo_fault(status))
            status = take_photo(predict, "-", NULL, cause.message, error);
        else if (error)
            *error = cause;
        goto out;
    }
    TRY_GOTO(pomona_session_run(session, pixels, 1, features, error), status, out);
    answerer_run(&predict->answerer, 0, features, predict->values);
    status = take_photo(predict, "-", predict->values, NULL, error);
out:
    pomona_session_free(&session);
    pomona_preprocessor_free(&preprocessor);
    memory_free(features);
    memory_free(pixels);
    return status;
}

static pomona_status run_listed(struct predict *predict, struct pomona_error *error) {
    size_t count = predict->photos.count;
    int threads = predict->result->threads;
    if (count == 0) return POMONA_OK;
    if ((size_t)threads > count) threads = (int)count;
    struct pipeline_options options = {.context = predict->context,
                                       .model = pomona_classifier_model(predict->classifier),
                                       .places = predict->options->places,
                                       .photos = predict->photos.photos,
                                       .count = count,
                                       .threads = threads,
                                       .batch = answerer_batch(&predict->answerer, threads, BATCH),
                                       .values = answerer_values(&predict->answerer),
                                       .apply = run_head,
                                       .take_values = take_listed,
                                       .tick = tick,
                                       .user = predict};
    struct pipeline_stats stats;
    return pipeline_run(&options, &stats, error);
}

static pomona_status run_groups(struct predict *predict, struct pomona_error *error) {
    for (size_t i = 0; i < predict->fuse.count; i++) {
        const struct fuse_group *group = &predict->fuse.groups[i];
        fuse_get(&predict->fuse, i, predict->values, &predict->values[predict->info.classes]);
        TRY(add_answer(predict, group->key, predict->values, group->photos, error));
    }
    return POMONA_OK;
}

static pomona_status run_photos(struct predict *predict, struct pomona_error *error) {
    predict->started = clock_seconds();
    if (predict->input.is_photo) TRY(run_input(predict, error));
    TRY(run_listed(predict, error));
    return run_groups(predict, error);
}

static pomona_status finish(struct predict *predict, struct pomona_error *error) {
    const struct pomona_predict_options *options = predict->options;
    struct pomona_predict_result *result = predict->result;
    TRY(predict_rows_finish(&predict->rows, error));
    if (options->out) {
        TRY(file_sink_commit(&predict->file, NULL, error));
        result->bytes = predict->file.size;
    }
    if (options->max_errors >= 0 && result->failed > options->max_errors)
        return fail(error, POMONA_E_ERROR_ROWS, NULL, "done, but %lld of %lld photos failed",
                    (long long)result->failed, (long long)result->photos);
    return POMONA_OK;
}

static pomona_status run_job(struct predict *predict, struct pomona_error *error) {
    const struct pomona_predict_options *options = predict->options;
    double start = clock_seconds();
    TRY(check_options(options, error));
    predict->result->threads = options->threads ? options->threads : pomona_cpu_threads();
    TRY(open_classifier(predict, error));
    TRY(list_photos(predict, error));
    TRY(start_rows(predict, error));
    pomona_status status = run_photos(predict, error);
    /* Rows that the caller has been promised are not kept back. */
    if (status == POMONA_E_INTERRUPTED && !options->out) predict_rows_finish(&predict->rows, NULL);
    if (status == POMONA_OK) status = finish(predict, error);
    predict->result->seconds = clock_seconds() - start;
    if (predict->result->seconds > 0)
        predict->result->photos_per_second = (double)predict->result->photos / predict->result->seconds;
    return status;
}

pomona_status pomona_predict_run(const struct pomona_context *context,
                                 const struct pomona_predict_options *options,
                                 struct pomona_predict_result *result, struct pomona_error *error) {
    struct pomona_predict_result unused;
    if (!result) result = &unused;
    memset(result, 0, sizeof *result);
    struct predict *predict = memory_new(1, sizeof *predict);
    if (!predict) return fail_memory(error, "job");
    predict->context = context, predict->options = options, predict->result = result;
    predict->photos = LISTING_INIT;
    predict->file = FILE_SINK_INIT;
    pomona_status status = run_job(predict, error);
    predict_rows_free(&predict->rows);
    file_sink_close(&predict->file);
    fuse_free(&predict->fuse);
    listing_free(&predict->photos);
    predict_input_free(&predict->input);
    answerer_free(&predict->answerer);
    memory_free(predict->values);
    pomona_classifier_free(&predict->classifier);
    memory_free(predict);
    return status;
}
