#include "base/file_sink.h"
#include "base/json.h"
#include "base/memory.h"
#include "job/task.h"
#include "store/folder.h"

#include <stdio.h>
#include <string.h>

/* Reads the errors back from their records and writes them as one Parquet file. */
static pomona_status write_error_rows(struct job *job, struct sink sink, struct pomona_error *error) {
    static const struct table_column columns[] = {{"path", TABLE_TEXT}, {"reason", TABLE_TEXT}};
    struct parquet_options options = {.codec = job->codec,
                                      .lists = job->lists,
                                      .properties = job->properties,
                                      .property_count = JOB_PROPERTIES};
    struct parquet_writer *writer = NULL;
    TRY(parquet_writer_new(sink, columns, 2, &options, &writer, error));
    pomona_status status = POMONA_OK;
    for (size_t at = 0; at < job->errors.size && status == POMONA_OK;) {
        uint64_t index;
        const char *reason;
        size_t size;
        at += journal_parse(job->errors.data + at, &index, &reason, &size);
        struct table_cell cells[] = {cell_text(job->photos.photos[index].uri), cell_text_of(reason, size)};
        status = parquet_writer_add(writer, cells, error);
    }
    if (status == POMONA_OK) status = parquet_writer_finish(writer, error);
    parquet_writer_free(&writer);
    return status;
}

static pomona_status write_errors(struct job *job, const char *folder, struct pomona_error *error) {
    TRY(path_remove(folder, error));
    TRY(folder_make(folder, error));
    char *name = part_name(job, 0);
    char *path = name ? path_join(folder, name) : NULL;
    struct file_sink file = FILE_SINK_INIT;
    pomona_status status = path ? file_sink_open(&file, path, error) : fail_memory(error, "errors");
    if (status == POMONA_OK) status = write_error_rows(job, file_sink_as_sink(&file), error);
    if (status == POMONA_OK) status = file_sink_commit(&file, NULL, error);
    file_sink_close(&file);
    memory_free(name);
    memory_free(path);
    return status == POMONA_OK ? folder_sync(folder, error) : status;
}

/* _SUCCESS: which parts belong to the result, and their hashes. */
static pomona_status format_success(struct job *job, struct buffer *out, struct pomona_error *error) {
    struct json json = json_start(out, error);
    json_object(&json, NULL);
    json_text(&json, "job", job->result->uuid);
    json_text(&json, "feature_space", job->result->feature_space);
    json_integer(&json, "rows", job->result->rows);
    json_integer(&json, "errors", job->result->errors);
    json_array(&json, "parts");
    for (int part = 0; part < job->result->partitions; part++) {
        char *name = part_name(job, part), hex[SHA256_HEX_SIZE];
        if (!name) return fail_memory(error, "_SUCCESS");
        sha256_hex(job->parts[part].digest, hex);
        json_object(&json, NULL);
        json_text(&json, "name", name);
        json_integer(&json, "rows", (int64_t)job->parts[part].rows);
        json_integer(&json, "bytes", (int64_t)job->parts[part].size);
        json_text(&json, "sha256", hex);
        json_object_end(&json);
        memory_free(name);
    }
    json_array_end(&json);
    json_object_end(&json);
    return json_finish(&json);
}

static pomona_status write_text(const char *folder, const char *name, const struct buffer *text,
                                struct pomona_error *error) {
    char *path = path_join(folder, name);
    if (!path) return fail_memory(error, name);
    pomona_status status = file_write(path, text->data, text->size, error);
    memory_free(path);
    return status;
}

static pomona_status write_texts(struct job *job, struct pomona_error *error) {
    enum { TEXT_MAX = 64 << 20 };
    struct buffer text = BUFFER_INIT(TEXT_MAX);
    pomona_status status = format_success(job, &text, error);
    if (status == POMONA_OK) status = write_text(job->folders.results, "_SUCCESS", &text, error);
    buffer_clear(&text);
    if (status == POMONA_OK) status = run_json_format(job->result, &text, error);
    if (status == POMONA_OK) status = write_text(job->folders.staging, "run.json", &text, error);
    buffer_free(&text);
    return status == POMONA_OK ? folder_sync(job->folders.results, error) : status;
}

/* Moves STAGING/name to OUT/name, or removes OUT/name when there is no new one. */
static pomona_status move_out(struct job *job, const char *name, bool present, struct pomona_error *error) {
    char *from = path_join(job->folders.staging, name), *to = path_join(job->folders.out, name);
    pomona_status status = from && to ? POMONA_OK : fail_memory(error, name);
    if (status == POMONA_OK) status = present ? path_replace(from, to, error) : path_remove(to, error);
    memory_free(from);
    memory_free(to);
    return status;
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

pomona_status job_commit(struct job *job, struct pomona_error *error) {
    bool failed = job->errors.size > 0;
    keep_failures(job);
    if (failed) {
        char *folder = path_join(job->folders.staging, "Errors");
        pomona_status status = folder ? write_errors(job, folder, error) : fail_memory(error, "errors");
        memory_free(folder);
        TRY(status);
    }
    TRY(job_moments_write(job, error));
    TRY(write_texts(job, error));
    TRY(folder_sync(job->folders.staging, error));
    /* Results last: whoever sees its _SUCCESS sees all the rest. */
    TRY(move_out(job, "Errors", failed, error));
    TRY(move_out(job, "moments.pom", job->moments, error));
    TRY(move_out(job, "run.json", true, error));
    TRY(move_out(job, "Results", true, error));
    TRY(folder_sync(job->folders.out, error));
    TRY(path_remove(job->folders.staging, error));
    return folder_sync(job->folders.out, error);
}
