#include "job/increment.h"

#include "base/memory.h"
#include "job/photo_uri.h"
#include "job/task.h"
#include "store/folder.h"
#include "store/pack_finder.h"
#include "store/place.h"
#include "table/feature_parts.h"

#include <stdlib.h>
#include <string.h>

pomona_status failed_photos_add(struct failed_photos *failed, const char *path, size_t path_size,
                                const char *reason, size_t reason_size, struct pomona_error *error) {
    if (failed->count == failed->capacity) {
        size_t capacity = failed->capacity ? 2 * failed->capacity : 64;
        struct failed_photo *grown = memory_resize(failed->rows, capacity, sizeof *grown);
        if (!grown) return fail_memory(error, "error rows");
        failed->rows = grown;
        failed->capacity = capacity;
    }
    struct failed_photo row = {arena_copy_text(&failed->texts, path, path_size),
                               arena_copy_text(&failed->texts, reason, reason_size)};
    if (!row.path || !row.reason) return fail_memory(error, "error rows");
    failed->rows[failed->count++] = row;
    return POMONA_OK;
}

/* Rows of texts of one Parquet file: `second` NULL: only the first column. */
static pomona_status visit_rows(const char *path, const char *first, const char *second,
                                pomona_status (*visit)(void *user, const struct table_cell *cells,
                                                       struct pomona_error *error),
                                void *user, struct pomona_error *error) {
    struct file_source file = FILE_SOURCE_INIT;
    struct source source;
    struct parquet_reader *reader = NULL;
    TRY(file_source_open(&file, path, &source, error));
    pomona_status status = parquet_reader_open(source, &reader, error);
    const int columns[] = {reader ? parquet_reader_find(reader, first) : -1,
                           reader && second ? parquet_reader_find(reader, second) : -1};
    if (status == POMONA_OK && (columns[0] < 0 || (second && columns[1] < 0)))
        status = fail(error, POMONA_E_INPUT, path, "has no column \"%s\"", columns[0] < 0 ? first : second);
    if (status == POMONA_OK) status = parquet_reader_select(reader, columns, second ? 2 : 1, error);
    while (status == POMONA_OK) {
        struct table_cell cells[2];
        bool has_row;
        status = parquet_reader_next(reader, cells, &has_row, error);
        if (status != POMONA_OK || !has_row) break;
        if (cells[0].null || (second && cells[1].null))
            status =
                fail(error, POMONA_E_CORRUPT, path, "a row without \"%s\"", cells[0].null ? first : second);
        if (status == POMONA_OK) status = visit(user, cells, error);
    }
    parquet_reader_free(&reader);
    file_source_close(&file);
    return status;
}

static pomona_status take_failed(void *user, const struct table_cell *cells, struct pomona_error *error) {
    return failed_photos_add(user, cells[0].text, cells[0].count, cells[1].text, cells[1].count, error);
}

static pomona_status read_failed(struct job *job, struct pomona_error *error) {
    char *folder = path_join(job->folders.out, "Errors");
    struct feature_parts files = {.count = 0};
    if (!folder) return fail_memory(error, "path");
    pomona_status status = POMONA_OK;
    if (path_exists(folder)) status = feature_parts_list(&files, folder, error);
    for (size_t i = 0; i < files.count && status == POMONA_OK; i++)
        status = visit_rows(files.paths[i], "path", "reason", take_failed, &job->increment.failed, error);
    feature_parts_free(&files);
    memory_free(folder);
    return status;
}

/* "part-00019-...": 19; others count as none. */
static int number_of(const char *name) {
    if (strncmp(name, "part-", 5) != 0) return -1;
    long number = strtol(name + 5, NULL, 10);
    return number >= 0 && number < 1000000000 ? (int)number : -1;
}

static pomona_status check_old(struct job *job, const char *results, struct pomona_error *error) {
    struct increment *increment = &job->increment;
    TRY(success_read(results, &increment->old, error));
    if (strcmp(increment->old.feature_space, job->result->feature_space) != 0)
        return fail(
            error, POMONA_E_INPUT, job->options->out,
            "its features are of another space (model, layer, profile or precision) than these would be: "
            "%.16s and %.16s; add with what made them, or choose another DST",
            increment->old.feature_space, job->result->feature_space);
    for (size_t i = 0; i < increment->old.count; i++) {
        int number = number_of(increment->old.parts[i].name);
        if (number >= increment->first_number) increment->first_number = number + 1;
    }
    increment->adds = true;
    return read_failed(job, error);
}

pomona_status increment_open(struct job *job, struct pomona_error *error) {
    const struct pomona_features_options *options = job->options;
    char *results = path_join(job->folders.out, "Results");
    if (!results) return fail_memory(error, "path");
    pomona_status status = POMONA_OK;
    if (path_exists(results))
        status = check_old(job, results, error);
    else if (!options->only_new)
        status =
            fail(error, POMONA_E_INPUT, options->out, "has no results yet, so no photo of it has failed");
    memory_free(results);
    return status;
}

void increment_free(struct increment *increment) {
    success_free(&increment->old);
    arena_free(&increment->failed.texts);
    memory_free(increment->failed.rows);
    *increment = INCREMENT_INIT;
}

static int compare_uri(const void *a, const void *b) {
    return strcmp(((const struct listed_photo *)a)->uri, ((const struct listed_photo *)b)->uri);
}

static pomona_status add_failed(struct job *job, const char *row, struct pack_finder *finder,
                                struct pomona_error *error) {
    struct listing *listing = &job->photos;
    struct listed_photo photo;
    TRY(photo_from_text(&listing->arena, job->options->source, row, &photo, error));
    /* The row is found again by this name, whatever text would be made of the path today. */
    photo.uri = arena_copy_text(&listing->arena, row, strlen(row));
    if (!photo.uri) return fail_memory(error, "listing");
    bool packed = false;
    if (place_is_remote(photo.path) || !photo_look_up(&photo))
        TRY(pack_finder_find(finder, photo.path, NULL, listing, &packed, error));
    if (!packed) return listing_append(listing, &photo, error);
    listing->photos[listing->count - 1].uri = photo.uri;
    return POMONA_OK;
}

pomona_status increment_list_failed(struct job *job, struct pomona_error *error) {
    struct listing *listing = &job->photos;
    const struct failed_photos *failed = &job->increment.failed;
    const struct pack_finder_options options = {
        .places = job->options->places, .should_stop = job->options->should_stop, .user = job->options->user};
    struct pack_finder *finder;
    TRY(pack_finder_new(&options, &finder, error));
    pomona_status status = POMONA_OK;
    for (size_t i = 0; i < failed->count && status == POMONA_OK; i++)
        status = add_failed(job, failed->rows[i].path, finder, error);
    pack_finder_free(&finder);
    TRY(status);
    if (listing->count > 1) qsort(listing->photos, listing->count, sizeof *listing->photos, compare_uri);
    return POMONA_OK;
}

/* The photos that rows of DST name, marked. */
struct marking {
    const struct listing *listing;
    uint8_t *marks; /* [count] */
    uint8_t mark;
    struct buffer path;
};

static int compare_key(const void *key, const void *photo) {
    return strcmp(key, ((const struct listed_photo *)photo)->uri);
}

static void mark_path(struct marking *marking, const char *path) {
    const struct listing *listing = marking->listing;
    if (listing->count == 0) return;
    const struct listed_photo *photo =
        bsearch(path, listing->photos, listing->count, sizeof *photo, compare_key);
    if (photo) marking->marks[photo - listing->photos] = marking->mark;
}

static pomona_status mark_row(void *user, const struct table_cell *cells, struct pomona_error *error) {
    struct marking *marking = user;
    const char *path;
    buffer_clear(&marking->path);
    TRY(buffer_append(&marking->path, cells[0].text, cells[0].count, error));
    TRY(buffer_terminate(&marking->path, &path, error));
    mark_path(marking, path);
    return POMONA_OK;
}

enum { MARK_NEW, MARK_FAILED, MARK_DONE };

static pomona_status mark_done(struct job *job, struct marking *marking, struct pomona_error *error) {
    const struct success *old = &job->increment.old;
    char *folder = path_join(job->folders.out, "Results");
    if (!folder) return fail_memory(error, "path");
    pomona_status status = POMONA_OK;
    marking->mark = MARK_DONE;
    for (size_t i = 0; i < old->count && status == POMONA_OK; i++) {
        char *path = path_join(folder, old->parts[i].name);
        status = path ? visit_rows(path, "path", NULL, mark_row, marking, error) : fail_memory(error, "path");
        memory_free(path);
    }
    memory_free(folder);
    return status;
}

pomona_status increment_select(struct job *job, struct pomona_error *error) {
    enum { PATH_MAX_BYTES = 1 << 24 };
    struct increment *increment = &job->increment;
    struct listing *listing = &job->photos;
    const struct pomona_features_options *options = job->options;
    if (!increment->adds) return POMONA_OK;
    struct marking marking = {.listing = listing,
                              .marks = memory_new(listing->count + 1, 1),
                              .mark = MARK_FAILED,
                              .path = BUFFER_INIT(PATH_MAX_BYTES)};
    if (!marking.marks) return fail_memory(error, "listing");
    for (size_t i = 0; i < increment->failed.count; i++) mark_path(&marking, increment->failed.rows[i].path);
    pomona_status status = mark_done(job, &marking, error);
    size_t kept = 0;
    for (size_t i = 0; i < listing->count && status == POMONA_OK; i++) {
        bool wanted = marking.marks[i] == MARK_FAILED ? options->retry_failed
                                                      : marking.marks[i] == MARK_NEW && options->only_new;
        if (wanted) listing->photos[kept++] = listing->photos[i];
    }
    if (status == POMONA_OK) {
        job->result->known = (int64_t)(listing->count - kept);
        listing->count = kept;
    }
    memory_free(marking.marks);
    buffer_free(&marking.path);
    return status;
}
