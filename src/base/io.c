#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

pomona_status source_read(const struct source *source, uint64_t offset, void *data, size_t size,
                          struct pomona_error *error) {
    if (offset > source->size || size > source->size - offset)
        return fail(error, POMONA_E_CORRUPT, source->name, "needs bytes %llu to %llu of a file of %llu",
                    (unsigned long long)offset, (unsigned long long)(offset + size),
                    (unsigned long long)source->size);
    return source->read(source->self, offset, data, size, error);
}

static pomona_status write_to_buffer(void *self, const void *data, size_t size, struct pomona_error *error) {
    return buffer_append(self, data, size, error);
}

struct sink sink_to_buffer(struct buffer *buffer) {
    return (struct sink){buffer, write_to_buffer};
}

static pomona_status read_from_memory(void *self, uint64_t offset, void *data, size_t size,
                                      struct pomona_error *error) {
    (void)error;
    const struct source_memory *state = self;
    if (size) memcpy(data, state->data + offset, size);
    return POMONA_OK;
}

struct source source_from_memory(const char *name, const void *data, size_t size,
                                 struct source_memory *state) {
    state->data = data;
    return (struct source){state, name, size, read_from_memory};
}

static pomona_status read_all(int descriptor, const char *path, struct buffer *out,
                              struct pomona_error *error) {
    struct stat info;
    if (fstat(descriptor, &info) != 0) return fail_errno(error, errno, 1, path, "cannot stat");
    if (S_ISDIR(info.st_mode)) return fail(error, POMONA_E_INPUT, path, "is a folder, not a file");
    if (!S_ISREG(info.st_mode)) return fail(error, POMONA_E_INPUT, path, "is not a regular file");
    if ((uint64_t)info.st_size > out->limit)
        return fail(error, POMONA_E_LIMIT, path, "file of %lld bytes is larger than the limit of %zu",
                    (long long)info.st_size, out->limit);
    buffer_clear(out);
    /* One byte more than the size, so that the end of the file is seen without growing the buffer again. */
    size_t room = (size_t)info.st_size < out->limit ? (size_t)info.st_size + 1 : (size_t)info.st_size;
    for (;;) {
        TRY(buffer_reserve(out, room ? room : 1, error));
        ssize_t got = read(descriptor, out->data + out->size, out->capacity - out->size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(error, errno, 1, path, "cannot read");
        if (got == 0) return POMONA_OK;
        out->size += (size_t)got;
        room = out->size < out->capacity ? 0 : 1;
        if (out->size == out->limit) return POMONA_OK;
    }
}

pomona_status file_read(const char *path, struct buffer *out, struct pomona_error *error) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return fail_errno(error, errno, 1, path, "cannot open");
    pomona_status status = read_all(descriptor, path, out, error);
    close(descriptor);
    return status;
}
