#include "base/file_sink.h"
#include "base/memory.h"
#include "job/increment.h"
#include "job/task.h"
#include "store/folder.h"
#include "table/file_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int compare_key(const void *key, const void *photo) {
    return strcmp(key, ((const struct listed_photo *)photo)->uri);
}

static int compare_failed(const void *a, const void *b) {
    return strcmp(((const struct failed_photo *)a)->path, ((const struct failed_photo *)b)->path);
}

/* Old rows of photos that this run tried are gone: it has an answer of its own. */
static pomona_status keep_old(struct job *job, struct failed_photos *failed, struct pomona_error *error) {
    const struct failed_photos *old = &job->increment.failed;
    for (size_t i = 0; i < old->count; i++) {
        const struct failed_photo *row = &old->rows[i];
        if (bsearch(row->path, job->photos.photos, job->photos.count, sizeof *job->photos.photos,
                    compare_key))
            continue;
        TRY(failed_photos_add(failed, row->path, strlen(row->path), row->reason, strlen(row->reason), error));
    }
    return POMONA_OK;
}

pomona_status increment_failed(struct job *job, struct failed_photos *failed, struct pomona_error *error) {
    TRY(keep_old(job, failed, error));
    for (size_t at = 0; at < job->errors.size;) {
        uint64_t index;
        const char *reason;
        size_t size;
        at += journal_parse(job->errors.data + at, &index, &reason, &size);
        const char *uri = job->photos.photos[index].uri;
        TRY(failed_photos_add(failed, uri, strlen(uri), reason, size, error));
    }
    if (failed->count > 1) qsort(failed->rows, failed->count, sizeof *failed->rows, compare_failed);
    return POMONA_OK;
}

/* A part without rows says nothing; when it is added to others it is left out, or a photo that fails every night would leave one
 * every night. */
static bool is_kept(const struct job *job, int part) {
    return !job->increment.adds || job->parts[part].rows > 0;
}

pomona_status increment_success(struct job *job, size_t failed, struct success *whole,
                                struct pomona_error *error) {
    const struct success *old = &job->increment.old;
    const struct pomona_features_result *result = job->result;
    memcpy(whole->job, result->uuid, sizeof whole->job);
    memcpy(whole->feature_space, result->feature_space, sizeof whole->feature_space);
    memcpy(whole->moments, result->moments_hash, sizeof whole->moments);
    whole->rows = old->rows + result->rows;
    whole->errors = (int64_t)failed;
    TRY(success_reserve(whole, old->count + (size_t)result->partitions, error));
    if (old->count > 0) memcpy(whole->parts, old->parts, old->count * sizeof *old->parts);
    whole->count = old->count;
    for (int part = 0; part < result->partitions; part++) {
        if (!is_kept(job, part)) continue;
        char *name = part_name(job, part);
        struct success_part *entry = &whole->parts[whole->count++];
        entry->name = name ? arena_copy_text(&whole->arena, name, strlen(name)) : NULL;
        memory_free(name);
        if (!entry->name) return fail_memory(error, "_SUCCESS");
        entry->rows = (int64_t)job->parts[part].rows;
        entry->bytes = (int64_t)job->parts[part].size;
        sha256_hex(job->parts[part].digest, entry->sha256);
    }
    return POMONA_OK;
}

static pomona_status merge_file(struct job *job, const char *path, struct pomona_error *error) {
    struct pomona_moments *old = NULL;
    struct pomona_moments_info info;
    TRY(pomona_moments_read(job->context, path, &old, error));
    pomona_moments_get_info(old, &info);
    pomona_status status = POMONA_OK;
    if (info.rows != job->increment.old.rows)
        status =
            fail(error, POMONA_E_INPUT, path,
                 "is of %lld rows, Results has %lld (pomona verify says more); without this file it is made "
                 "again from Results",
                 (long long)info.rows, (long long)job->increment.old.rows);
    struct pomona_error cause = {0};
    if (status == POMONA_OK && (status = pomona_moments_merge(job->moments, old, &cause)) != POMONA_OK)
        status = fail(error, status, path, "%s", cause.message);
    pomona_moments_free(&old);
    return status;
}

/* Without a file the rows are read; sums are exact, so the result is the same. */
pomona_status increment_moments(struct job *job, struct pomona_error *error) {
    const struct success *old = &job->increment.old;
    if (!job->increment.adds || !job->moments) return POMONA_OK;
    char *path = path_join(job->folders.out, "moments.pom"), *folder = path_join(job->folders.out, "Results");
    pomona_status status = path && folder ? POMONA_OK : fail_memory(error, "path");
    if (status == POMONA_OK && path_exists(path)) {
        status = merge_file(job, path, error);
    } else {
        for (size_t i = 0; i < old->count && status == POMONA_OK && job->moments; i++) {
            char *part = path_join(folder, old->parts[i].name);
            status = part ? job_moments_add_part(job, part, error) : fail_memory(error, "path");
            memory_free(part);
        }
    }
    memory_free(path);
    memory_free(folder);
    return status;
}

static pomona_status copy_bytes(const char *from, struct file_sink *out, struct pomona_error *error) {
    enum { PIECE = 1 << 20 };
    struct file_source file = FILE_SOURCE_INIT;
    struct source source;
    TRY(file_source_open(&file, from, &source, error));
    uint8_t *piece = memory_new(PIECE, 1);
    struct sink sink = file_sink_as_sink(out);
    pomona_status status = piece ? POMONA_OK : fail_memory(error, "copy");
    for (uint64_t at = 0; at < source.size && status == POMONA_OK; at += PIECE) {
        size_t size = source.size - at < PIECE ? (size_t)(source.size - at) : PIECE;
        status = source_read(&source, at, piece, size, error);
        if (status == POMONA_OK) status = sink_write(&sink, piece, size, error);
    }
    memory_free(piece);
    file_source_close(&file);
    return status;
}

static pomona_status copy_part(const char *from, const char *to, const struct success_part *part,
                               struct pomona_error *error) {
    struct file_sink file = FILE_SINK_INIT;
    uint8_t digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE] = "";
    TRY(file_sink_open(&file, to, error));
    pomona_status status = copy_bytes(from, &file, error);
    if (status == POMONA_OK) status = file_sink_commit(&file, digest, error);
    file_sink_close(&file);
    TRY(status);
    sha256_hex(digest, hex);
    return strcmp(hex, part->sha256) == 0
               ? POMONA_OK
               : fail(error, POMONA_E_CORRUPT, from, "is not what _SUCCESS says (pomona verify says more)");
}

/* One more name for the same file: nothing is read or written. Where a file system has no such thing, a copy. */
static pomona_status link_part(const char *from, const char *to, const struct success_part *part,
                               struct pomona_error *error) {
    struct stat info;
    if (stat(from, &info) != 0) return fail_errno(error, errno, 1, from, "is missing");
    if (info.st_size != part->bytes)
        return fail(error, POMONA_E_CORRUPT, from,
                    "has %lld bytes, _SUCCESS says %lld (pomona verify says more)", (long long)info.st_size,
                    (long long)part->bytes);
    if (link(from, to) == 0) return POMONA_OK;
    int cause = errno;
    if (cause != EPERM && cause != EACCES && cause != EOPNOTSUPP && cause != ENOSYS && cause != EMLINK &&
        cause != EXDEV && cause != EINVAL)
        return fail_errno(error, cause, 0, to, "cannot link");
    return copy_part(from, to, part, error);
}

pomona_status increment_link(struct job *job, const struct success *whole, const char *grown,
                             struct pomona_error *error) {
    char *old = path_join(job->folders.out, "Results");
    pomona_status status = old ? path_remove(grown, error) : fail_memory(error, "path");
    if (status == POMONA_OK) status = folder_make(grown, error);
    for (size_t i = 0; i < whole->count && status == POMONA_OK; i++) {
        const char *folder = i < job->increment.old.count ? old : job->folders.results;
        char *from = path_join(folder, whole->parts[i].name), *to = path_join(grown, whole->parts[i].name);
        status = from && to ? link_part(from, to, &whole->parts[i], error) : fail_memory(error, "path");
        memory_free(from);
        memory_free(to);
    }
    memory_free(old);
    return status;
}
