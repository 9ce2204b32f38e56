#include "sample/files.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

pomona_status sample_folder(const char *path, struct pomona_error *error) {
    char *part = memory_copy_string(path);
    if (!part) return fail_memory(error, "path");
    pomona_status status = POMONA_OK;
    for (char *at = part;; at++) {
        char kept = *at;
        if (kept != '/' && kept != '\0') continue;
        *at = '\0';
        if (at > part && mkdir(part, 0777) != 0 && errno != EEXIST) {
            status = fail_errno(error, errno, 0, path, "making the folder");
            break;
        }
        *at = kept;
        if (kept == '\0') break;
    }
    memory_free(part);
    return status;
}

static int write_all(int file, const char *data, size_t size) {
    while (size > 0) {
        ssize_t written = write(file, data, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

pomona_status sample_write(const char *path, const void *data, size_t size, bool overwrite,
                           struct pomona_error *error) {
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (overwrite ? O_TRUNC : O_EXCL), 0666);
    if (file < 0 && errno == EEXIST)
        return fail(error, POMONA_E_EXISTS, path, "exists (--overwrite replaces it)");
    if (file < 0) return fail_errno(error, errno, 0, path, "writing");
    int cause = write_all(file, data, size);
    if (close(file) != 0 && cause == 0) cause = errno;
    if (cause == 0) return POMONA_OK;
    unlink(path);
    return fail_errno(error, cause, 0, path, "writing");
}
