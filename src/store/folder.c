#include "store/folder.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

char *path_join(const char *folder, const char *name) {
    size_t prefix = strlen(folder), size = strlen(name);
    char *path = memory_new(size_add(prefix, size_add(size, 2)), 1);
    if (!path) return NULL;
    memcpy(path, folder, prefix);
    if (prefix > 0 && path[prefix - 1] != '/') path[prefix++] = '/';
    memcpy(path + prefix, name, size);
    return path;
}

pomona_status folder_make(const char *path, struct pomona_error *error) {
    char *copy = memory_copy_string(path);
    if (!copy) return fail_memory(error, "path");
    pomona_status status = POMONA_OK;
    for (char *at = copy + 1; status == POMONA_OK; at++) {
        char end = *at;
        if (end != '/' && end != '\0') continue;
        *at = '\0';
        struct stat info;
        if (mkdir(copy, 0777) != 0) {
            int cause = errno;
            if (cause != EEXIST || stat(copy, &info) != 0)
                status = fail_errno(error, cause, 0, copy, "cannot make folder");
            else if (!S_ISDIR(info.st_mode))
                status = fail(error, POMONA_E_EXISTS, copy, "exists and is not a folder");
        }
        if (end == '\0') break;
        *at = '/';
    }
    memory_free(copy);
    return status;
}

bool path_exists(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

pomona_status folder_sync(const char *path, struct pomona_error *error) {
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return fail_errno(error, errno, 0, path, "cannot open folder");
    pomona_status status = POMONA_OK;
    /* EINVAL: a file system without folder fsync has nothing to flush. */
    if (fsync(descriptor) != 0 && errno != EINVAL)
        status = fail_errno(error, errno, 0, path, "cannot sync folder");
    close(descriptor);
    return status;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info, (void)type, (void)walk;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

pomona_status path_remove(const char *path, struct pomona_error *error) {
    enum { OPEN_FOLDERS = 16 };
    if (nftw(path, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return fail_errno(error, errno, 0, path, "cannot remove");
    return POMONA_OK;
}

pomona_status folder_clear(const char *path, const char *keep, struct pomona_error *error) {
    DIR *stream = opendir(path);
    if (!stream) return fail_errno(error, errno, 0, path, "cannot open folder");
    pomona_status status = POMONA_OK;
    for (struct dirent *entry; status == POMONA_OK && (entry = readdir(stream));) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, keep) == 0) continue;
        char *inner = path_join(path, name);
        status = inner ? path_remove(inner, error) : fail_memory(error, "path");
        memory_free(inner);
    }
    closedir(stream);
    return status;
}

pomona_status path_replace(const char *from, const char *to, struct pomona_error *error) {
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) == 0) return path_remove(from, error);
    if (errno == ENOENT) {
        if (rename(from, to) == 0) return POMONA_OK;
        return fail_errno(error, errno, 0, to, "cannot move the result into place");
    }
    if (errno != EINVAL && errno != ENOSYS)
        return fail_errno(error, errno, 0, to, "cannot move the result into place");
    /* A file system that can't exchange: the old one goes first. */
    TRY(path_remove(to, error));
    if (rename(from, to) != 0) return fail_errno(error, errno, 0, to, "cannot move the result into place");
    return POMONA_OK;
}

pomona_status folder_lock(const char *path, int *lock, struct pomona_error *error) {
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) return fail_errno(error, errno, 0, path, "cannot open lock file");
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        int cause = errno;
        close(descriptor);
        if (cause == EWOULDBLOCK) return fail(error, POMONA_E_EXISTS, path, "another job is writing here");
        return fail_errno(error, cause, 0, path, "cannot lock");
    }
    *lock = descriptor;
    return POMONA_OK;
}

void folder_unlock(int *lock) {
    if (*lock >= 0) close(*lock);
    *lock = -1;
}
