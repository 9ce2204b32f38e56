#include "base/file_sink.h"
#include "base/memory.h"
#include "job/commit_log.h"
#include "job/increment.h"
#include "job/task.h"
#include "store/folder.h"

#include <stdio.h>
#include <string.h>

static pomona_status write_error_rows(struct job *job, const struct failed_photos *failed, struct sink sink,
                                      struct pomona_error *error) {
    static const struct table_column columns[] = {{"path", TABLE_TEXT}, {"reason", TABLE_TEXT}};
    struct parquet_options options = {.codec = job->codec,
                                      .lists = job->lists,
                                      .properties = job->properties,
                                      .property_count = JOB_PROPERTIES};
    struct parquet_writer *writer = NULL;
    TRY(parquet_writer_new(sink, columns, 2, &options, &writer, error));
    pomona_status status = POMONA_OK;
    for (size_t i = 0; i < failed->count && status == POMONA_OK; i++) {
        struct table_cell cells[] = {cell_text(failed->rows[i].path), cell_text(failed->rows[i].reason)};
        status = parquet_writer_add(writer, cells, error);
    }
    if (status == POMONA_OK) status = parquet_writer_finish(writer, error);
    parquet_writer_free(&writer);
    return status;
}

/* The name of the part of Errors begins with 0, whatever the numbers of Results. */
static char *errors_name(const struct job *job) {
    enum { NAME_MAX_SIZE = 96 };
    char *name = memory_new(NAME_MAX_SIZE, 1);
    if (name)
        snprintf(name, NAME_MAX_SIZE, "part-00000-%s-c000%s", job->result->uuid,
                 parquet_codec_suffix(job->codec));
    return name;
}

static pomona_status write_errors(struct job *job, const struct failed_photos *failed, const char *folder,
                                  struct pomona_error *error) {
    TRY(path_remove(folder, error));
    if (failed->count == 0) return POMONA_OK;
    TRY(folder_make(folder, error));
    char *name = errors_name(job);
    char *path = name ? path_join(folder, name) : NULL;
    struct file_sink file = FILE_SINK_INIT;
    pomona_status status = path ? file_sink_open(&file, path, error) : fail_memory(error, "errors");
    if (status == POMONA_OK) status = write_error_rows(job, failed, file_sink_as_sink(&file), error);
    if (status == POMONA_OK) status = file_sink_commit(&file, NULL, error);
    file_sink_close(&file);
    memory_free(name);
    memory_free(path);
    return status == POMONA_OK ? folder_sync(folder, error) : status;
}

static pomona_status write_text(const char *folder, const char *name, const struct buffer *text,
                                struct pomona_error *error) {
    char *path = path_join(folder, name);
    if (!path) return fail_memory(error, name);
    pomona_status status = file_write(path, text->data, text->size, error);
    memory_free(path);
    return status;
}

static pomona_status write_texts(struct job *job, const struct success *whole, const char *results,
                                 struct pomona_error *error) {
    enum { TEXT_MAX = 512 << 20 };
    struct buffer text = BUFFER_INIT(TEXT_MAX);
    pomona_status status = success_format(whole, &text, error);
    if (status == POMONA_OK) status = write_text(results, "_SUCCESS", &text, error);
    buffer_clear(&text);
    if (status == POMONA_OK) status = run_json_format(job->result, &text, error);
    if (status == POMONA_OK) status = write_text(job->folders.staging, "run.json", &text, error);
    buffer_free(&text);
    return status == POMONA_OK ? folder_sync(results, error) : status;
}

/* The first failures, for run.json and for people. */
static void keep_failures(struct job *job) {
    size_t at = 0;
    for (int i = 0; i < POMONA_FAILURES_KEPT && at < job->errors.size; i++) {
        uint64_t index;
        const char *reason;
        size_t size;
        at += journal_parse(job->errors.data + at, &index, &reason, &size);
        struct pomona_photo_failure *failure = &job->result->failures[i];
        snprintf(failure->path, sizeof failure->path, "%s", job->photos.photos[index].uri);
        snprintf(failure->reason, sizeof failure->reason, "%.*s", (int)size, reason);
    }
}

/* Everything of the result under its last name but one. `results`: the folder that becomes Results. */
static pomona_status stage(struct job *job, const struct failed_photos *failed, const char *results,
                           const char *errors, struct pomona_error *error) {
    struct success whole = SUCCESS_INIT;
    TRY(write_errors(job, failed, errors, error));
    TRY(increment_moments(job, error));
    TRY(job_moments_write(job, error));
    pomona_status status = increment_success(job, failed->count, &whole, error);
    if (status == POMONA_OK) {
        job->result->total_rows = whole.rows;
        job->result->total_errors = whole.errors;
        job->result->total_parts = (int64_t)whole.count;
    }
    if (status == POMONA_OK && job->increment.adds) status = increment_link(job, &whole, results, error);
    if (status == POMONA_OK) status = write_texts(job, &whole, results, error);
    success_free(&whole);
    return status == POMONA_OK ? folder_sync(job->folders.staging, error) : status;
}

pomona_status job_commit(struct job *job, struct pomona_error *error) {
    const char *name = job->increment.adds ? "Grown" : "Results";
    struct failed_photos failed = {.texts = ARENA_INIT(FAILED_TEXTS_MAX)};
    char *results = path_join(job->folders.staging, name);
    char *errors = path_join(job->folders.staging, "Errors");
    keep_failures(job);
    pomona_status status =
        results && errors ? increment_failed(job, &failed, error) : fail_memory(error, "path");
    if (status == POMONA_OK) status = stage(job, &failed, results, errors, error);
    struct commit_log log = {.results = name, .errors = failed.count > 0, .moments = job->moments != NULL};
    memcpy(log.job, job->result->uuid, sizeof log.job);
    memory_free(results);
    memory_free(errors);
    arena_free(&failed.texts);
    memory_free(failed.rows);
    TRY(status);
    TRY(commit_log_write(job->folders.staging, &log, error));
    return commit_log_finish(job->folders.out, job->folders.staging, error);
}
