#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "job/commit_log.h"
#include "job/journal.h"
#include "job/json_value.h"
#include "job/leftovers.h"
#include "job/success_file.h"
#include "pomona/maintenance.h"
#include "store/folder.h"
#include "table/file_source.h"
#include "table/parquet_reader.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct recovering {
    const struct pomona_recover_options *options;
    struct pomona_recover_result *result;
    const char *dst;
    struct pomona_error *error;
};

static void tell(struct recovering *r, const char *action, const char *path, const char *reason) {
    if (r->options->item) r->options->item(r->options->user, action, path, reason);
}

static void keep(struct recovering *r, const char *path, const char *reason) {
    r->result->kept++;
    tell(r, "keep", path, reason);
}

/* Removes one file. Without `reason` it is part of something that was told already. */
static pomona_status remove_file(struct recovering *r, const char *path, const char *reason) {
    struct stat info;
    if (lstat(path, &info) != 0) return POMONA_OK;
    if (reason) tell(r, "remove", path, reason);
    r->result->removed++;
    /* A further name of a part that stays frees nothing. */
    if (info.st_nlink == 1) r->result->bytes += (uint64_t)info.st_size;
    if (r->options->dry_run || unlink(path) == 0 || errno == ENOENT) return POMONA_OK;
    return fail_errno(r->error, errno, 0, path, "cannot remove");
}

/* Calls visit for every entry of a folder; a missing one has none. */
static pomona_status each_entry(struct recovering *r, const char *folder,
                                pomona_status (*visit)(struct recovering *r, const char *path,
                                                       const char *name, void *user),
                                void *user) {
    DIR *stream = opendir(folder);
    if (!stream) return errno == ENOENT ? POMONA_OK : fail_errno(r->error, errno, 1, folder, "cannot list");
    pomona_status status = POMONA_OK;
    for (struct dirent *entry; status == POMONA_OK && (entry = readdir(stream));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *path = path_join(folder, entry->d_name);
        status = path ? visit(r, path, entry->d_name, user) : fail_memory(r->error, "path");
        memory_free(path);
    }
    closedir(stream);
    return status;
}

static bool is_folder(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* --- a staging folder ------------------------------------------------------------------------------------------- */

static const char not_ours[] = "pomona did not make it";

static pomona_status remove_inner(struct recovering *r, const char *path, const char *name, void *user) {
    (void)user;
    if (leftover_is_staged_file(name) && !is_folder(path)) return remove_file(r, path, NULL);
    keep(r, path, not_ours);
    return POMONA_OK;
}

/* Removes the folder itself when nothing is left in it. */
static pomona_status remove_empty(struct recovering *r, const char *path) {
    if (r->options->dry_run || rmdir(path) == 0 || errno == ENOTEMPTY || errno == EEXIST || errno == ENOENT)
        return POMONA_OK;
    return fail_errno(r->error, errno, 0, path, "cannot remove");
}

static pomona_status remove_outer(struct recovering *r, const char *path, const char *name, void *user) {
    (void)user;
    if (strcmp(name, "lock") == 0) return POMONA_OK; /* last */
    if (leftover_is_staged_folder(name) && is_folder(path)) {
        TRY(each_entry(r, path, remove_inner, NULL));
        return remove_empty(r, path);
    }
    if (leftover_is_staged(name) && !is_folder(path)) return remove_file(r, path, NULL);
    keep(r, path, not_ours);
    return POMONA_OK;
}

static pomona_status remove_staging(struct recovering *r, const char *staging, const char *reason) {
    char *job = path_join(staging, "job"), *lock = path_join(staging, "lock");
    pomona_status status = job && lock ? POMONA_OK : fail_memory(r->error, "path");
    tell(r, "remove", staging, reason);
    if (status == POMONA_OK) status = remove_file(r, job, NULL); /* first: see staging_remove */
    if (status == POMONA_OK) status = each_entry(r, staging, remove_outer, NULL);
    if (status == POMONA_OK) status = remove_file(r, lock, NULL);
    if (status == POMONA_OK) status = remove_empty(r, staging);
    memory_free(job);
    memory_free(lock);
    return status;
}

/* --- how far the interrupted job was ---------------------------------------------------------------------------- */

struct progress {
    bool summary;
    int64_t photos;
};

static pomona_status count_record(void *user, enum journal_kind kind, uint64_t index, const uint8_t *payload,
                                  size_t size, struct pomona_error *error) {
    struct progress *progress = user;
    (void)index, (void)error;
    if (kind == JOURNAL_SUMMARY && size == sizeof(struct journal_summary)) {
        struct journal_summary summary;
        memcpy(&summary, payload, sizeof summary);
        progress->summary = true;
        progress->photos += (int64_t)summary.rows;
    } else {
        progress->photos++;
    }
    return POMONA_OK;
}

/* A part that is done has its summary; its journal may still be there, and counts no more. */
static pomona_status count_file(struct recovering *r, const char *path, const char *name, void *user) {
    const char *staging = user;
    struct progress progress = {.summary = false};
    uint64_t valid;
    bool done = strncmp(name, "done-", 5) == 0, journal = strncmp(name, "journal-", 8) == 0;
    if ((!done && !journal) || strchr(name, '.')) return POMONA_OK;
    if (journal) {
        char summary[64];
        snprintf(summary, sizeof summary, "done-%.32s", name + 8);
        char *other = path_join(staging, summary);
        bool counted = other && path_exists(other);
        memory_free(other);
        if (counted) return POMONA_OK;
    }
    TRY(journal_read(path, count_record, &progress, &valid, r->error));
    if (done && !progress.summary) return POMONA_OK;
    r->result->parts_done += done;
    r->result->photos_done += progress.photos;
    return POMONA_OK;
}

static bool read_text(const char *staging, const char *name, struct buffer *text) {
    char *path = path_join(staging, name);
    bool got = path && file_read(path, text, NULL) == POMONA_OK;
    memory_free(path);
    return got;
}

static pomona_status describe(struct recovering *r, const char *staging) {
    struct pomona_recover_result *result = r->result;
    struct buffer text = BUFFER_INIT(4096);
    struct json_value *plan = NULL;
    result->parts = result->photos = -1;
    result->interrupted = read_text(staging, "job", &text);
    if (result->interrupted && text.size == sizeof result->job - 1) memcpy(result->job, text.data, text.size);
    if (read_text(staging, "plan", &text) &&
        json_value_parse("plan", text.data, text.size, &plan, NULL) == POMONA_OK) {
        json_value_integer(json_value_member(plan, "photos"), &result->photos);
        json_value_integer(json_value_member(plan, "partitions"), &result->parts);
    }
    json_value_free(&plan);
    buffer_free(&text);
    result->committing = commit_log_pending(staging);
    result->interrupted |= result->committing;
    char *folder = memory_copy_string(staging);
    pomona_status status =
        folder ? each_entry(r, staging, count_file, folder) : fail_memory(r->error, "path");
    memory_free(folder);
    result->complete = result->interrupted && result->parts > 0 && result->parts_done == result->parts &&
                       result->photos_done == result->photos;
    return status;
}

static pomona_status settle_features(struct recovering *r, const char *staging) {
    const struct pomona_recover_result *result = r->result;
    TRY(describe(r, staging));
    if (result->committing) {
        tell(r, "finish", staging, "its commit had begun: what is missing is moved into place");
        return r->options->dry_run ? POMONA_OK : commit_log_finish(r->dst, staging, r->error);
    }
    if (result->complete && !r->options->drop) {
        keep(r, staging, "all photos are done: --resume ends the job in a moment, --drop removes it");
        return POMONA_OK;
    }
    return remove_staging(r, staging,
                          result->interrupted ? "an interrupted job" : "what is left of a job that ended");
}

static pomona_status settle_pca(struct recovering *r, const char *staging) {
    return remove_staging(r, staging, "an interrupted fit of principal components");
}

static pomona_status remove_packing(struct recovering *r, const char *path, const char *name, void *user) {
    (void)user;
    if (strcmp(name, "lock") == 0) return POMONA_OK; /* last */
    if (leftover_is_packing(name) && !is_folder(path)) return remove_file(r, path, NULL);
    keep(r, path, not_ours);
    return POMONA_OK;
}

static pomona_status settle_packing(struct recovering *r, const char *staging) {
    char *lock = path_join(staging, "lock");
    pomona_status status = lock ? POMONA_OK : fail_memory(r->error, "path");
    tell(r, "remove", staging, "an interrupted packing");
    if (status == POMONA_OK) status = each_entry(r, staging, remove_packing, NULL);
    if (status == POMONA_OK) status = remove_file(r, lock, NULL);
    if (status == POMONA_OK) status = remove_empty(r, staging);
    memory_free(lock);
    return status;
}

/* Holds the lock of a staging while it is dealt with. A folder without one is not pomona's. */
static pomona_status with_lock(struct recovering *r, const char *name, bool try_only,
                               pomona_status (*settle)(struct recovering *r, const char *staging)) {
    char *staging = path_join(r->dst, name), *file = staging ? path_join(staging, "lock") : NULL;
    int lock = -1;
    pomona_status status = file ? POMONA_OK : fail_memory(r->error, "path");
    if (status == POMONA_OK && path_exists(file)) {
        status = folder_lock(file, &lock, r->error);
        if (status == POMONA_OK && !try_only) status = settle(r, staging);
    } else if (status == POMONA_OK && !try_only && path_exists(staging) &&
               (r->options->dry_run || rmdir(staging) != 0)) {
        keep(r, staging, not_ours);
    }
    folder_unlock(&lock);
    memory_free(file);
    memory_free(staging);
    return status;
}

/* --- DST and Results -------------------------------------------------------------------------------------------- */

static pomona_status visit_dst(struct recovering *r, const char *path, const char *name, void *user) {
    (void)user;
    if (!leftover_is_temporary_of_dst(name) || is_folder(path)) return POMONA_OK;
    return remove_file(r, path, "a file that was never finished");
}

/* Whether the footer says that pomona wrote it: Spark gives its parts the same names. */
static bool is_of_pomona(const char *path) {
    struct file_source file = FILE_SOURCE_INIT;
    struct source source;
    struct parquet_reader *reader = NULL;
    bool ours = file_source_open(&file, path, &source, NULL) == POMONA_OK &&
                parquet_reader_open(source, &reader, NULL) == POMONA_OK &&
                parquet_reader_property(reader, "pomona.feature_space");
    parquet_reader_free(&reader);
    file_source_close(&file);
    return ours;
}

static int compare_part_name(const void *name, const void *part) {
    return strcmp(name, ((const struct success_part *)part)->name);
}

static int compare_parts(const void *a, const void *b) {
    return strcmp(((const struct success_part *)a)->name, ((const struct success_part *)b)->name);
}

static pomona_status visit_result(struct recovering *r, const char *path, const char *name, void *user) {
    const struct success *success = user;
    if (leftover_is_temporary_of_results(name) && !is_folder(path))
        return remove_file(r, path, "a part that was never finished");
    if (!leftover_is_part(name)) return POMONA_OK;
    if (success->count > 0 &&
        bsearch(name, success->parts, success->count, sizeof *success->parts, compare_part_name))
        return POMONA_OK;
    if (!is_of_pomona(path)) {
        keep(r, path, "_SUCCESS does not name it, and nothing in it says that pomona made it");
        return POMONA_OK;
    }
    return remove_file(r, path, "a part that _SUCCESS does not name");
}

static pomona_status clean_results(struct recovering *r, const char *name) {
    struct success success = SUCCESS_INIT;
    char *folder = path_join(r->dst, name);
    if (!folder) return fail_memory(r->error, "path");
    pomona_status status = POMONA_OK;
    /* Without a _SUCCESS that can be read nobody knows what belongs there. */
    if (is_folder(folder)) {
        if (success_read(folder, &success, NULL) != POMONA_OK) {
            keep(r, folder, "has no _SUCCESS that can be read");
        } else {
            if (success.count > 1) qsort(success.parts, success.count, sizeof *success.parts, compare_parts);
            status = each_entry(r, folder, visit_result, &success);
        }
        success_free(&success);
    }
    memory_free(folder);
    return status;
}

static pomona_status recover(struct recovering *r) {
    if (!is_folder(r->dst)) {
        struct stat info;
        if (stat(r->dst, &info) != 0) return fail_errno(r->error, errno, 1, r->dst, "cannot open");
        if (!S_ISDIR(info.st_mode)) return fail(r->error, POMONA_E_INPUT, r->dst, "is no folder");
    }
    /* Nothing at all is touched while a job is at work. */
    TRY(with_lock(r, "_temporary", true, NULL));
    TRY(with_lock(r, "_temporary_pca", true, NULL));
    TRY(with_lock(r, "_temporary_pack", true, NULL));
    TRY(with_lock(r, "_temporary", false, settle_features));
    TRY(with_lock(r, "_temporary_pca", false, settle_pca));
    TRY(with_lock(r, "_temporary_pack", false, settle_packing));
    TRY(each_entry(r, r->dst, visit_dst, NULL));
    TRY(clean_results(r, "Results"));
    return r->options->dry_run ? POMONA_OK : folder_sync(r->dst, r->error);
}

pomona_status pomona_recover(const char *dst, const struct pomona_recover_options *options,
                             struct pomona_recover_result *result, struct pomona_error *error) {
    static const struct pomona_recover_options none = {.dry_run = false};
    struct pomona_recover_result own;
    if (!result) result = &own;
    memset(result, 0, sizeof *result);
    struct recovering r = {
        .options = options ? options : &none, .result = result, .dst = dst, .error = error};
    return recover(&r);
}
