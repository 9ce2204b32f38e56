#include "base/file_sink.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_SIZE = 256 * 1024 };

static pomona_status write_fully(int descriptor, const char *path, const uint8_t *data, size_t size,
                                 struct pomona_error *error) {
    while (size > 0) {
        ssize_t written = write(descriptor, data, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_errno(error, errno, 0, path, "cannot write");
        if (written == 0)
            return fail(error, POMONA_E_IO, path, "cannot write: the device takes no more bytes");
        data += written;
        size -= (size_t)written;
    }
    return POMONA_OK;
}

static pomona_status flush_block(struct file_sink *file, struct pomona_error *error) {
    size_t filled = file->filled;
    file->filled = 0;
    return write_fully(file->descriptor, file->path, file->block, filled, error);
}

static pomona_status sink_file(void *self, const void *data, size_t size, struct pomona_error *error) {
    struct file_sink *file = self;
    if (size == 0) return POMONA_OK; /* also of an empty buffer, which has no memory */
    sha256_add(&file->hash, data, size);
    file->size += size;
    if (file->filled + size > BLOCK_SIZE) TRY(flush_block(file, error));
    if (size >= BLOCK_SIZE) return write_fully(file->descriptor, file->path, data, size, error);
    memcpy(file->block + file->filled, data, size);
    file->filled += size;
    return POMONA_OK;
}

pomona_status file_sink_open(struct file_sink *file, const char *path, struct pomona_error *error) {
    *file = FILE_SINK_INIT;
    sha256_start(&file->hash);
    size_t size = strlen(path);
    file->path = memory_copy_string(path);
    file->temporary = memory_new(size_add(size, 5), 1);
    file->block = memory_new(BLOCK_SIZE, 1);
    if (!file->path || !file->temporary || !file->block) {
        file_sink_close(file);
        return fail_memory(error, "file buffer");
    }
    memcpy(file->temporary, path, size);
    memcpy(file->temporary + size, ".tmp", 4);
    file->descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file->descriptor < 0) {
        pomona_status status = fail_errno(error, errno, 0, path, "cannot create");
        file_sink_close(file);
        return status;
    }
    return POMONA_OK;
}

struct sink file_sink_as_sink(struct file_sink *file) {
    return (struct sink){file, sink_file};
}

static pomona_status commit(struct file_sink *file, struct pomona_error *error) {
    TRY(flush_block(file, error));
    if (fsync(file->descriptor) != 0) return fail_errno(error, errno, 0, file->path, "cannot sync to disk");
    int closed = close(file->descriptor);
    file->descriptor = -1;
    if (closed != 0 && errno != EINTR) return fail_errno(error, errno, 0, file->path, "cannot close");
    if (rename(file->temporary, file->path) != 0)
        return fail_errno(error, errno, 0, file->path, "cannot rename");
    memory_free(file->temporary);
    file->temporary = NULL;
    return POMONA_OK;
}

pomona_status file_sink_commit(struct file_sink *file, uint8_t digest[SHA256_SIZE],
                               struct pomona_error *error) {
    pomona_status status = commit(file, error);
    if (status == POMONA_OK && digest) sha256_finish(&file->hash, digest);
    if (status != POMONA_OK) file_sink_close(file);
    return status;
}

void file_sink_close(struct file_sink *file) {
    if (file->descriptor >= 0) close(file->descriptor);
    if (file->temporary) unlink(file->temporary); /* gone already after a commit */
    memory_free(file->path);
    memory_free(file->temporary);
    memory_free(file->block);
    *file = FILE_SINK_INIT;
}

pomona_status file_write(const char *path, const void *data, size_t size, struct pomona_error *error) {
    struct file_sink file;
    TRY(file_sink_open(&file, path, error));
    pomona_status status = sink_file(&file, data, size, error);
    if (status == POMONA_OK) status = file_sink_commit(&file, NULL, error);
    file_sink_close(&file);
    return status;
}
