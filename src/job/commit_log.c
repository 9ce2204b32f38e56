#include "job/commit_log.h"

#include "base/file_sink.h"
#include "base/json.h"
#include "base/memory.h"
#include "job/json_value.h"
#include "job/success_file.h"
#include "store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LOG_MAX = 1 << 16 };

/* Folders change places when they are moved: their numbers tell which is which. */
static uint64_t inode_of(const char *folder, const char *name) {
    struct stat info;
    char *path = path_join(folder, name);
    uint64_t inode = path && lstat(path, &info) == 0 ? (uint64_t)info.st_ino : 0;
    memory_free(path);
    return inode;
}

static void json_inode(struct json *json, const char *key, uint64_t inode) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)inode);
    json_text(json, key, text);
}

pomona_status commit_log_write(const char *staging, const struct commit_log *log,
                               struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(LOG_MAX);
    struct json json = json_start(&text, error);
    json_object(&json, NULL);
    json_text(&json, "job", log->job);
    json_text(&json, "results", log->results);
    json_inode(&json, "results_inode", inode_of(staging, log->results));
    json_boolean(&json, "errors", log->errors);
    json_inode(&json, "errors_inode", log->errors ? inode_of(staging, "Errors") : 0);
    json_boolean(&json, "moments", log->moments);
    json_object_end(&json);
    pomona_status status = json_finish(&json);
    char *path = path_join(staging, "commit");
    if (status == POMONA_OK)
        status = path ? file_write(path, text.data, text.size, error) : fail_memory(error, "path");
    memory_free(path);
    buffer_free(&text);
    return status == POMONA_OK ? folder_sync(staging, error) : status;
}

bool commit_log_pending(const char *staging) {
    char *path = path_join(staging, "commit");
    bool pending = path && path_exists(path);
    memory_free(path);
    return pending;
}

/* Whether FOLDER/Errors is that of the job: its part carries the job's name. */
static bool errors_are_of(const char *out, const char *job) {
    char prefix[64];
    int length = snprintf(prefix, sizeof prefix, "part-00000-%s-", job);
    char *folder = path_join(out, "Errors");
    DIR *stream = folder ? opendir(folder) : NULL;
    bool found = false;
    for (struct dirent *entry; stream && !found && (entry = readdir(stream));)
        found = strncmp(entry->d_name, prefix, (size_t)length) == 0;
    if (stream) closedir(stream);
    memory_free(folder);
    return found;
}

static bool results_are_of(const char *out, const char *job) {
    char *folder = path_join(out, "Results");
    bool same = folder && success_is_of(folder, job);
    memory_free(folder);
    return same;
}

/* Moves the folder STAGING/from to OUT/to, unless that is done: then STAGING/from is gone, or it is the old one. */
static pomona_status move_folder(const char *staging, const char *from, const char *out, const char *to,
                                 const char *inode, bool is_there, struct pomona_error *error) {
    uint64_t present = inode_of(staging, from);
    if (!present && !is_there)
        return fail(error, POMONA_E_CORRUPT, staging,
                    "what was to become %s is gone: --overwrite starts again", to);
    if (!present || (is_there && inode && present != strtoull(inode, NULL, 10))) return POMONA_OK;
    char *source = path_join(staging, from), *target = path_join(out, to);
    pomona_status status =
        source && target ? path_replace(source, target, error) : fail_memory(error, "path");
    memory_free(source);
    memory_free(target);
    return status;
}

/* A file takes the place of the old one in one rename; a second time there is nothing to rename. */
static pomona_status move_file(const char *staging, const char *out, const char *name,
                               struct pomona_error *error) {
    char *from = path_join(staging, name), *to = path_join(out, name);
    pomona_status status = from && to ? POMONA_OK : fail_memory(error, "path");
    if (status == POMONA_OK && rename(from, to) != 0 && errno != ENOENT)
        status = fail_errno(error, errno, 0, to, "cannot move the result into place");
    memory_free(from);
    memory_free(to);
    return status;
}

static pomona_status remove_child(const char *folder, const char *name, struct pomona_error *error) {
    char *path = path_join(folder, name);
    pomona_status status = path ? path_remove(path, error) : fail_memory(error, "path");
    memory_free(path);
    return status;
}

static pomona_status finish(const struct json_value *log, const char *out, const char *staging,
                            struct pomona_error *error) {
    const char *job = json_value_text(json_value_member(log, "job"));
    const char *results = json_value_text(json_value_member(log, "results"));
    if (!job || !results || strchr(results, '/'))
        return fail(error, POMONA_E_CORRUPT, staging,
                    "its commit file says nothing: --overwrite starts again");
    if (json_value_is_true(json_value_member(log, "errors")))
        TRY(move_folder(staging, "Errors", out, "Errors",
                        json_value_text(json_value_member(log, "errors_inode")), errors_are_of(out, job),
                        error));
    else
        TRY(remove_child(out, "Errors", error));
    TRY(json_value_is_true(json_value_member(log, "moments")) ? move_file(staging, out, "moments.pom", error)
                                                              : remove_child(out, "moments.pom", error));
    TRY(move_file(staging, out, "run.json", error));
    /* Results last: whoever sees its _SUCCESS sees all the rest. */
    TRY(move_folder(staging, results, out, "Results",
                    json_value_text(json_value_member(log, "results_inode")), results_are_of(out, job),
                    error));
    return folder_sync(out, error);
}

pomona_status staging_remove(const char *staging, struct pomona_error *error) {
    TRY(remove_child(staging, "job", error));
    TRY(folder_clear(staging, "lock", error)); /* with the lock the rest would be nobody's */
    return path_remove(staging, error);
}

pomona_status commit_log_finish(const char *out, const char *staging, struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(LOG_MAX);
    struct json_value *log = NULL;
    char *path = path_join(staging, "commit");
    pomona_status status = path ? file_read(path, &text, error) : fail_memory(error, "path");
    if (status == POMONA_OK) status = json_value_parse(path, text.data, text.size, &log, error);
    if (status == POMONA_OK) status = finish(log, out, staging, error);
    json_value_free(&log);
    buffer_free(&text);
    memory_free(path);
    TRY(status);
    TRY(staging_remove(staging, error));
    return folder_sync(out, error);
}
