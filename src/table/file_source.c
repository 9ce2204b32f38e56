#include "table/file_source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* source_read() has checked the range; a file that shrinks meanwhile ends early. */
static pomona_status read_file(void *self, uint64_t offset, void *data, size_t size,
                               struct pomona_error *error) {
    const struct file_source *file = self;
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(file->descriptor, (char *)data + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(error, errno, 1, file->path, "cannot read");
        if (got == 0) return fail(error, POMONA_E_CORRUPT, file->path, "became shorter while it was read");
        done += (size_t)got;
    }
    return POMONA_OK;
}

pomona_status file_source_open(struct file_source *file, const char *path, struct source *source,
                               struct pomona_error *error) {
    struct stat info;
    *file = (struct file_source){open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), path};
    if (file->descriptor < 0) return fail_errno(error, errno, 1, path, "cannot open");
    pomona_status status = POMONA_OK;
    if (fstat(file->descriptor, &info) != 0)
        status = fail_errno(error, errno, 1, path, "cannot stat");
    else if (!S_ISREG(info.st_mode))
        status = fail(error, POMONA_E_INPUT, path, "is not a regular file");
    if (status != POMONA_OK) {
        file_source_close(file);
        return status;
    }
    *source = (struct source){file, path, (uint64_t)info.st_size, read_file};
    return POMONA_OK;
}

void file_source_close(struct file_source *file) {
    if (file->descriptor >= 0) close(file->descriptor);
    file->descriptor = -1;
}
