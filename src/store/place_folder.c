/* A folder as a place. Staged things lie beside their final names as "NAME.staged", fsynced; a commit is a rename. */
#include "base/file_sink.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/folder.h"
#include "store/place_kind.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH_MAX = 256 };

static const char staged_suffix[] = ".staged";

static pomona_status full_path(const struct place *place, const char *name, char **path,
                               struct pomona_error *error) {
    *path = place_uri(place, name);
    return *path ? POMONA_OK : fail_memory(error, "path");
}

static bool ends_with(const char *text, const char *end) {
    size_t size = strlen(text), tail = strlen(end);
    return size >= tail && strcmp(text + size - tail, end) == 0;
}

struct walk {
    place_visit visit;
    void *user;
    bool shallow, staged;
};

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, size_t count) {
    for (size_t i = 0; i < count; i++) memory_free(names[i]);
    memory_free(names);
}

static pomona_status read_names(const char *path, char ***names, size_t *count, struct pomona_error *error) {
    DIR *stream = opendir(path);
    if (!stream) return fail_errno(error, errno, 1, path, "cannot list");
    size_t capacity = 0;
    pomona_status status = POMONA_OK;
    *names = NULL, *count = 0;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(stream);
        if (!entry) {
            if (errno) status = fail_errno(error, errno, 1, path, "cannot list");
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (*count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            char **more = memory_resize(*names, capacity, sizeof **names);
            if (!more) status = fail_memory(error, "listing");
            if (!more) break;
            *names = more;
        }
        (*names)[*count] = memory_copy_string(entry->d_name);
        if (!(*names)[*count]) status = fail_memory(error, "listing");
        if (status != POMONA_OK) break;
        ++*count;
    }
    closedir(stream);
    if (status == POMONA_OK && *count > 1) qsort(*names, *count, sizeof **names, compare_names);
    if (status != POMONA_OK) free_names(*names, *count);
    return status;
}

static pomona_status walk_folder(const struct walk *walk, const char *path, const char *name, int depth,
                                 struct pomona_error *error);

static pomona_status visit_entry(const struct walk *walk, const char *path, const char *name, int depth,
                                 struct pomona_error *error) {
    struct stat info;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ? POMONA_OK : fail_errno(error, errno, 1, path, "cannot stat");
    if (S_ISDIR(info.st_mode) && !walk->shallow) return walk_folder(walk, path, name, depth + 1, error);
    bool staged = !S_ISDIR(info.st_mode) && ends_with(name, staged_suffix);
    if (staged != walk->staged) return POMONA_OK;
    struct place_item item = {.name = name,
                              .etag = "",
                              .version = "",
                              .staged = staged ? "folder" : "",
                              .size = S_ISDIR(info.st_mode) ? 0 : (uint64_t)info.st_size,
                              .modified = info.st_mtime,
                              .is_folder = S_ISDIR(info.st_mode),
                              .is_latest = true};
    char *other = NULL; /* a folder's name ends in `/`, a staged thing's is the one that it will get */
    if (item.is_folder || staged) {
        item.name = other = path_join(name, "");
        if (!other) return fail_memory(error, "listing");
        if (staged) other[strlen(name) - strlen(staged_suffix)] = '\0';
    }
    pomona_status status = walk->visit(walk->user, &item, error);
    memory_free(other);
    return status;
}

static pomona_status walk_folder(const struct walk *walk, const char *path, const char *name, int depth,
                                 struct pomona_error *error) {
    char **names = NULL;
    size_t count = 0;
    if (depth == DEPTH_MAX)
        return fail(error, POMONA_E_LIMIT, path, "folders nested deeper than %d", DEPTH_MAX);
    TRY(read_names(path, &names, &count, error));
    pomona_status status = POMONA_OK;
    for (size_t i = 0; i < count && status == POMONA_OK; i++) {
        char *inner = path_join(path, names[i]);
        char *inner_name = name[0] ? path_join(name, names[i]) : memory_copy_string(names[i]);
        status = inner && inner_name ? visit_entry(walk, inner, inner_name, depth, error)
                                     : fail_memory(error, "path");
        memory_free(inner);
        memory_free(inner_name);
    }
    free_names(names, count);
    return status;
}

static pomona_status walk_below(struct place *place, const char *prefix, const struct walk *walk,
                                struct pomona_error *error) {
    char *path;
    TRY(full_path(place, prefix, &path, error));
    pomona_status status = walk_folder(walk, path, prefix, 0, error);
    memory_free(path);
    return status;
}

static pomona_status list(struct place *place, const char *prefix, bool shallow, place_visit visit,
                          void *user, struct pomona_error *error) {
    return walk_below(place, prefix, &(struct walk){visit, user, shallow, false}, error);
}

static pomona_status list_staged(struct place *place, const char *prefix, place_visit visit, void *user,
                                 struct pomona_error *error) {
    return walk_below(place, prefix, &(struct walk){visit, user, false, true}, error);
}

static pomona_status stat_folder(struct place *place, const char *name, struct place_item *item,
                                 struct pomona_error *error) {
    struct stat info;
    char *path;
    TRY(full_path(place, name, &path, error));
    pomona_status status =
        stat(path, &info) == 0 ? POMONA_OK : fail_errno(error, errno, 1, path, "cannot stat");
    memory_free(path);
    if (status == POMONA_OK)
        *item = (struct place_item){.name = name,
                                    .etag = "",
                                    .version = "",
                                    .staged = "",
                                    .size = (uint64_t)info.st_size,
                                    .modified = info.st_mtime,
                                    .now = time(NULL),
                                    .is_folder = S_ISDIR(info.st_mode),
                                    .is_latest = true};
    return status;
}

static pomona_status read_whole(struct place *place, const char *name, struct buffer *out, char *etag,
                                struct pomona_error *error) {
    char *path;
    TRY(full_path(place, name, &path, error));
    pomona_status status = file_read(path, out, error);
    if (etag) etag[0] = '\0';
    memory_free(path);
    return status;
}

static pomona_status read_range(struct place *place, const char *name, uint64_t offset, size_t size,
                                const char *etag, void *data, struct pomona_error *error) {
    char *path;
    (void)etag;
    TRY(full_path(place, name, &path, error));
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    pomona_status status = descriptor < 0 ? fail_errno(error, errno, 1, path, "cannot open") : POMONA_OK;
    for (size_t done = 0; status == POMONA_OK && done < size;) {
        ssize_t count = pread(descriptor, (char *)data + done, size - done, (off_t)(offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) status = fail_errno(error, errno, 1, path, "cannot read");
        if (count == 0) status = fail(error, POMONA_E_CORRUPT, path, "ends early");
        if (count > 0) done += (size_t)count;
    }
    if (descriptor >= 0) close(descriptor);
    memory_free(path);
    return status;
}

/* Makes the folders above a file. */
static pomona_status make_parent(const char *path, struct pomona_error *error) {
    char *copy = memory_copy_string(path);
    char *slash = copy ? strrchr(copy, '/') : NULL;
    pomona_status status = copy ? POMONA_OK : fail_memory(error, "path");
    if (slash && slash != copy) {
        *slash = '\0';
        status = folder_make(copy, error);
    }
    memory_free(copy);
    return status;
}

static pomona_status sync_parent(const char *path, struct pomona_error *error) {
    char *copy = memory_copy_string(path);
    if (!copy) return fail_memory(error, "path");
    char *slash = strrchr(copy, '/');
    if (slash) slash[slash == copy] = '\0';
    pomona_status status = folder_sync(slash ? copy : ".", error);
    memory_free(copy);
    return status;
}

/* Copies a file to another name, whole or not at all. */
static pomona_status copy_file(const char *from, const char *to, struct pomona_error *error) {
    enum { BLOCK = 1 << 20 };
    struct file_sink file = FILE_SINK_INIT;
    char *block = memory_new(BLOCK, 1);
    int descriptor = open(from, O_RDONLY | O_CLOEXEC);
    pomona_status status = !block           ? fail_memory(error, "copy")
                           : descriptor < 0 ? fail_errno(error, errno, 1, from, "cannot open")
                                            : make_parent(to, error);
    if (status == POMONA_OK) status = file_sink_open(&file, to, error);
    struct sink sink = file_sink_as_sink(&file);
    while (status == POMONA_OK) {
        ssize_t count = read(descriptor, block, BLOCK);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) status = fail_errno(error, errno, 1, from, "cannot read");
        if (count <= 0) break;
        status = sink_write(&sink, block, (size_t)count, error);
    }
    if (status == POMONA_OK) status = file_sink_commit(&file, NULL, error);
    file_sink_close(&file);
    if (descriptor >= 0) close(descriptor);
    memory_free(block);
    return status == POMONA_OK ? sync_parent(to, error) : status;
}

static pomona_status fetch(struct place *place, const char *name, const char *file,
                           struct pomona_error *error) {
    char *path;
    TRY(full_path(place, name, &path, error));
    pomona_status status = copy_file(path, file, error);
    memory_free(path);
    return status;
}

static pomona_status write_small(struct place *place, const char *name, const void *data, size_t size,
                                 enum place_condition condition, const char *etag, char *new_etag,
                                 struct pomona_error *error) {
    char *path;
    (void)etag;
    TRY(full_path(place, name, &path, error));
    pomona_status status = make_parent(path, error);
    if (new_etag) new_etag[0] = '\0';
    if (status == POMONA_OK && condition == PLACE_IF_NEW) {
        /* The name is taken in one step; the content follows by rename. */
        int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor < 0 && errno == EEXIST)
            status = fail(error, POMONA_E_EXISTS, path, "exists already");
        else if (descriptor < 0)
            status = fail_errno(error, errno, 0, path, "cannot make");
        else
            close(descriptor);
    }
    if (status == POMONA_OK) status = file_write(path, data, size, error);
    if (status == POMONA_OK) status = sync_parent(path, error);
    memory_free(path);
    return status;
}

/* "NAME.staged" of a path. */
static pomona_status staged_path(const struct place *place, const char *name, char **path, char **staged,
                                 struct pomona_error *error) {
    *staged = NULL;
    TRY(full_path(place, name, path, error));
    size_t size = strlen(*path);
    *staged = memory_new(size + sizeof staged_suffix, 1);
    if (!*staged) return fail_memory(error, "path");
    memcpy(*staged, *path, size);
    memcpy(*staged + size, staged_suffix, sizeof staged_suffix);
    return POMONA_OK;
}

static pomona_status stage(struct place *place, const char *name, const char *file, struct buffer *receipt,
                           struct pomona_error *error) {
    char *path = NULL, *staged = NULL;
    pomona_status status = staged_path(place, name, &path, &staged, error);
    if (status == POMONA_OK) status = copy_file(file, staged, error);
    buffer_clear(receipt);
    if (status == POMONA_OK) status = buffer_append_text(receipt, "folder", error);
    memory_free(path);
    memory_free(staged);
    return status;
}

static pomona_status commit(struct place *place, const char *name, const char *receipt,
                            struct pomona_error *error) {
    char *path = NULL, *staged = NULL;
    (void)receipt;
    pomona_status status = staged_path(place, name, &path, &staged, error);
    if (status == POMONA_OK && rename(staged, path) != 0 && !(errno == ENOENT && path_exists(path)))
        status = fail_errno(error, errno, 0, path, "cannot rename to");
    if (status == POMONA_OK) status = sync_parent(path, error);
    memory_free(path);
    memory_free(staged);
    return status;
}

static pomona_status unstage(struct place *place, const char *name, const char *receipt,
                             struct pomona_error *error) {
    char *path = NULL, *staged = NULL;
    (void)receipt;
    pomona_status status = staged_path(place, name, &path, &staged, error);
    if (status == POMONA_OK) status = path_remove(staged, error);
    memory_free(path);
    memory_free(staged);
    return status;
}

static pomona_status delete_names(struct place *place, const char *const *names, size_t count,
                                  struct pomona_error *error) {
    for (size_t i = 0; i < count; i++) {
        char *path;
        TRY(full_path(place, names[i], &path, error));
        pomona_status status = unlink(path) == 0 || errno == ENOENT
                                   ? POMONA_OK
                                   : fail_errno(error, errno, 0, path, "cannot delete");
        memory_free(path);
        TRY(status);
    }
    return POMONA_OK;
}

static pomona_status versions(struct place *place, const char *prefix, place_visit visit, void *user,
                              struct pomona_error *error) {
    return list(place, prefix, false, visit, user, error);
}

static pomona_status delete_version(struct place *place, const char *name, const char *version,
                                    struct pomona_error *error) {
    (void)version;
    return delete_names(place, &name, 1, error);
}

static void free_folder(struct place *place) { memory_free(place); }

static const struct place_kind folder_kind = {.name = "a folder",
                                              .free = free_folder,
                                              .list = list,
                                              .stat = stat_folder,
                                              .read = read_whole,
                                              .read_range = read_range,
                                              .fetch = fetch,
                                              .write = write_small,
                                              .stage = stage,
                                              .commit = commit,
                                              .unstage = unstage,
                                              .list_staged = list_staged,
                                              .delete = delete_names,
                                              .versions = versions,
                                              .delete_version = delete_version};

pomona_status place_folder_open(const char *root, struct place **place, struct pomona_error *error) {
    struct place *folder = memory_new(1, sizeof *folder);
    char *copy = memory_copy_string(root);
    if (!folder || !copy) {
        memory_free(folder);
        memory_free(copy);
        return fail_memory(error, "place");
    }
    size_t length = strlen(copy);
    while (length > 1 && copy[length - 1] == '/') copy[--length] = '\0';
    folder->kind = &folder_kind;
    folder->root = copy;
    *place = folder;
    return POMONA_OK;
}
