#include "base/file_sink.h"
#include "base/memory.h"
#include "job/pipeline.h"
#include "job/task.h"
#include "store/folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The part being made. */
struct open_part {
    struct job *job;
    int part;    /* -1: none */
    int last;    /* the part opened last: where the search for the next one begins */
    size_t next; /* the next photo it takes */
    struct file_sink file;
    struct parquet_writer *writer;
    struct journal journal;
    bool replaying;       /* rows come from the journal and need not go there again */
    struct buffer errors; /* JOURNAL_ERROR records of this part */
    char *parquet_path, *journal_path, *summary_path;
    double started, last_progress;
    int64_t at_start; /* photos that were done when this run began */
};

char *part_name(const struct job *job, int part) {
    enum { NAME_MAX_SIZE = 96 };
    char *name = memory_new(NAME_MAX_SIZE, 1);
    if (name)
        snprintf(name, NAME_MAX_SIZE, "part-%05d-%s-c000%s", job->increment.first_number + part,
                 job->result->uuid, parquet_codec_suffix(job->codec));
    return name;
}

/* "STAGING/PREFIX-00007" */
static char *staging_path(const struct job *job, const char *prefix, int part) {
    char name[64];
    snprintf(name, sizeof name, "%s-%05d", prefix, part);
    return path_join(job->folders.staging, name);
}

static void part_paths_free(struct open_part *open) {
    memory_free(open->parquet_path);
    memory_free(open->journal_path);
    memory_free(open->summary_path);
    open->parquet_path = open->journal_path = open->summary_path = NULL;
}

static pomona_status part_paths(struct open_part *open, int part, struct pomona_error *error) {
    part_paths_free(open);
    char *name = part_name(open->job, part);
    open->parquet_path = name ? path_join(open->job->folders.results, name) : NULL;
    open->journal_path = staging_path(open->job, "journal", part);
    open->summary_path = staging_path(open->job, "done", part);
    memory_free(name);
    if (!open->parquet_path || !open->journal_path || !open->summary_path) return fail_memory(error, "part");
    return POMONA_OK;
}

static pomona_status writer_start(struct open_part *open, struct pomona_error *error) {
    static const struct table_column columns[] = {
        {"path", TABLE_TEXT}, {"label", TABLE_TEXT}, {"features", TABLE_FLOAT_LIST}};
    const struct job *job = open->job;
    struct parquet_options options = {.codec = job->codec,
                                      .lists = job->lists,
                                      .properties = job->properties,
                                      .property_count = JOB_PROPERTIES};
    TRY(file_sink_open(&open->file, open->parquet_path, error));
    return parquet_writer_new(file_sink_as_sink(&open->file), columns, 3, &options, &open->writer, error);
}

/* Adds one photo's result to the open part. */
static pomona_status add_result(struct open_part *open, size_t index, const float *features,
                                const char *reason, struct pomona_error *error) {
    struct job *job = open->job;
    const struct listed_photo *photo = &job->photos.photos[index];
    if (features) {
        size_t count = (size_t)job->result->features;
        struct table_cell cells[] = {cell_text(photo->uri), cell_text(photo->label),
                                     cell_floats(features, count)};
        TRY(parquet_writer_add(open->writer, cells, error));
        TRY(job_moments_add(job, photo->uri, photo->label, features, error));
        job->result->rows++;
        return open->replaying ? POMONA_OK
                               : journal_append(&open->journal, JOURNAL_ROW, index, features,
                                                count * sizeof(float), error);
    }
    size_t size = strlen(reason);
    TRY(journal_format(&open->errors, JOURNAL_ERROR, index, reason, size, error));
    job->result->errors++;
    return open->replaying ? POMONA_OK
                           : journal_append(&open->journal, JOURNAL_ERROR, index, reason, size, error);
}

/* Replays one record of an interrupted part's journal. A record out of order ends the good prefix. */
static pomona_status replay(void *user, enum journal_kind kind, uint64_t index, const uint8_t *payload,
                            size_t size, struct pomona_error *error) {
    struct open_part *open = user;
    struct pomona_features_result *result = open->job->result;
    if (index != open->next || index >= part_start(open->job, open->part + 1) ||
        (kind == JOURNAL_ROW && size != (size_t)result->features * sizeof(float)))
        return fail(error, POMONA_E_CORRUPT, open->journal_path,
                    "the journal does not fit the job: use --overwrite");
    if (kind == JOURNAL_ROW) /* aligned: the buffer of journal_read comes from malloc */
        TRY(add_result(open, index, (const float *)(const void *)payload, NULL, error));
    else
        TRY(add_result(open, index, NULL, (const char *)payload, error));
    open->next++;
    result->resumed++;
    return POMONA_OK;
}

static pomona_status part_open(struct open_part *open, int part, struct pomona_error *error) {
    open->part = open->last = part;
    open->next = part_start(open->job, part);
    buffer_clear(&open->errors);
    TRY(part_paths(open, part, error));
    TRY(writer_start(open, error));
    uint64_t valid;
    open->replaying = true;
    TRY(journal_read(open->journal_path, replay, open, &valid, error));
    open->replaying = false;
    return journal_open(&open->journal, open->journal_path, valid, error);
}

static void part_drop(struct open_part *open) {
    parquet_writer_free(&open->writer);
    file_sink_close(&open->file);
    journal_close(&open->journal);
    open->part = -1;
}

/* A part that is complete can go up while the next one is made. */
static pomona_status stage_part(const struct open_part *open, struct pomona_error *error) {
    if (!open->job->options->publication) return POMONA_OK;
    char *name = part_name(open->job, open->part), *full = name ? path_join("Results", name) : NULL;
    if (full) pomona_publication_stage(open->job->options->publication, open->parquet_path, full);
    memory_free(name);
    memory_free(full);
    return full ? POMONA_OK : fail_memory(error, "part");
}

/* Completes the open part: the Parquet file becomes durable, then its summary; only then the journal goes. */
static pomona_status part_finish(struct open_part *open, struct pomona_error *error) {
    struct job *job = open->job;
    struct journal_summary *summary = &job->parts[open->part];
    TRY(parquet_writer_finish(open->writer, error));
    summary->rows = (uint64_t)parquet_writer_rows(open->writer);
    summary->size = open->file.size;
    TRY(file_sink_commit(&open->file, summary->digest, error));
    TRY(folder_sync(job->folders.results, error));
    TRY(buffer_append(&job->errors, open->errors.data, open->errors.size, error));
    TRY(journal_format(&open->errors, JOURNAL_SUMMARY, (uint64_t)open->part, summary, sizeof *summary,
                       error));
    TRY(file_write(open->summary_path, open->errors.data, open->errors.size, error));
    TRY(folder_sync(job->folders.staging, error));
    TRY(stage_part(open, error));
    part_drop(open);
    return path_remove(open->journal_path, error);
}

/* Opens the part of photo `index` if it is not open yet. */
static pomona_status ensure_open(struct open_part *open, size_t index, struct pomona_error *error) {
    if (open->part >= 0) return POMONA_OK;
    while (part_start(open->job, open->last + 1) <= index) open->last++;
    return part_open(open, open->last, error);
}

static pomona_status take_result(void *user, size_t index, const float *features, const char *reason,
                                 struct pomona_error *error) {
    struct open_part *open = user;
    struct pomona_features_result *result = open->job->result;
    double start = clock_seconds(), moments = result->seconds_moments;
    pomona_status status = ensure_open(open, index, error);
    if (status == POMONA_OK) status = add_result(open, index, features, reason, error);
    open->next = index + 1;
    if (status == POMONA_OK && open->next == part_start(open->job, open->part + 1))
        status = part_finish(open, error);
    /* The moments are summed on the way and have a clock of their own. */
    result->seconds_write += clock_seconds() - start - (result->seconds_moments - moments);
    return status;
}

static bool report_progress(void *user) {
    struct open_part *open = user;
    struct job *job = open->job;
    const struct pomona_features_options *options = job->options;
    double time = clock_seconds();
    int64_t done = job->result->rows + job->result->errors, total = (int64_t)job->photos.count;
    if (options->progress && (time - open->last_progress > 0.2 || done == total)) {
        open->last_progress = time;
        double seconds = time - open->started,
               speed = seconds > 0 ? (double)(done - open->at_start) / seconds : 0;
        struct pomona_features_progress progress = {done, total, job->result->errors, speed,
                                                    speed > 0 ? (double)(total - done) / speed : -1};
        options->progress(options->user, &progress);
    }
    return options->should_stop && options->should_stop(options->user);
}

/* Reads the summary of a finished part. */
struct summary_reading {
    struct job *job;
    int part;
    size_t errors;
    bool complete;
};

static pomona_status take_summary(void *user, enum journal_kind kind, uint64_t index, const uint8_t *payload,
                                  size_t size, struct pomona_error *error) {
    struct summary_reading *reading = user;
    struct job *job = reading->job;
    if (kind == JOURNAL_SUMMARY && size == sizeof(struct journal_summary)) {
        memcpy(&job->parts[reading->part], payload, size);
        reading->complete = true;
        return POMONA_OK;
    }
    reading->errors++;
    return journal_format(&job->errors, JOURNAL_ERROR, index, payload, size, error);
}

/* Whether part `part` was finished by an earlier run; then its rows and errors are counted. */
static pomona_status part_is_done(struct open_part *open, int part, bool *done, struct pomona_error *error) {
    struct job *job = open->job;
    size_t errors_before = job->errors.size;
    struct summary_reading reading = {.job = job, .part = part};
    uint64_t valid;
    struct stat info;
    TRY(part_paths(open, part, error));
    TRY(journal_read(open->summary_path, take_summary, &reading, &valid, error));
    *done = reading.complete && stat(open->parquet_path, &info) == 0 &&
            (uint64_t)info.st_size == job->parts[part].size;
    if (!*done) {
        job->errors.size = errors_before;
        return POMONA_OK;
    }
    job->result->rows += (int64_t)job->parts[part].rows;
    job->result->errors += (int64_t)reading.errors;
    job->result->resumed += (int64_t)(job->parts[part].rows + reading.errors);
    return job_moments_add_part(job, open->parquet_path, error);
}

enum { BATCH = 4, ERRORS_BYTES_MAX = 1 << 30 };

static pomona_status run_pipeline(struct open_part *open, size_t first, struct pomona_error *error) {
    struct job *job = open->job;
    struct pomona_features_result *result = job->result;
    struct pipeline_options options = {.context = job->context,
                                       .model = job->model,
                                       .places = job->options->places,
                                       .photos = job->photos.photos,
                                       .first = first,
                                       .count = job->photos.count - first,
                                       .threads = result->threads,
                                       .batch = BATCH,
                                       .take = take_result,
                                       .tick = report_progress,
                                       .user = open};
    struct pipeline_stats stats;
    open->started = clock_seconds();
    open->at_start = result->rows + result->errors;
    pomona_status status = pipeline_run(&options, &stats, error);
    double seconds = clock_seconds() - open->started;
    result->seconds_read = stats.read, result->seconds_decode = stats.decode;
    result->seconds_resize = stats.resize, result->seconds_net = stats.net;
    result->bytes_read = stats.bytes;
    if (seconds > 0)
        result->photos_per_second = (double)(result->rows + result->errors - open->at_start) / seconds;
    return status;
}

pomona_status parts_make(struct job *job, struct pomona_error *error) {
    struct open_part open = {.job = job,
                             .part = -1,
                             .file = FILE_SINK_INIT,
                             .journal = JOURNAL_INIT,
                             .errors = BUFFER_INIT(ERRORS_BYTES_MAX)};
    pomona_status status = POMONA_OK;
    int part = 0;
    for (bool done = true; part < job->result->partitions && done; part += done)
        TRY_GOTO(part_is_done(&open, part, &done, error), status, out);
    size_t first = part_start(job, part);
    if (part < job->result->partitions) {
        TRY_GOTO(part_open(&open, part, error), status, out);
        first = open.next;
        if (first == part_start(job, part + 1)) TRY_GOTO(part_finish(&open, error), status, out);
    }
    if (first < job->photos.count) status = run_pipeline(&open, first, error);
out:
    part_drop(&open);
    part_paths_free(&open);
    buffer_free(&open.errors);
    return status;
}
