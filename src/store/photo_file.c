#include "store/photo_file.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static pomona_status ends_early(const struct listed_photo *photo, struct pomona_error *error) {
    return fail(error, POMONA_E_CORRUPT, photo->uri,
                photo->packed ? "the shard ends early" : "became shorter while it was read");
}

pomona_status photo_file_open(struct photo_file *file, const struct listed_photo *photo,
                              struct pomona_error *error) {
    struct stat info;
    *file = (struct photo_file){.descriptor = open(photo->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK),
                                .photo = photo};
    if (file->descriptor < 0) return fail_errno(error, errno, 1, photo->path, "cannot open");
    if (fstat(file->descriptor, &info) != 0) return fail_errno(error, errno, 1, photo->path, "cannot stat");
    if (!S_ISREG(info.st_mode)) return fail(error, POMONA_E_INPUT, photo->path, "is not a regular file");
    file->size = photo->packed ? photo->size : (uint64_t)info.st_size;
    file->modified = photo->packed ? photo->modified : info.st_mtime;
    uint64_t end;
    bool inside = !__builtin_add_overflow(photo->offset, file->size, &end) && end <= (uint64_t)info.st_size;
    return inside ? POMONA_OK : ends_early(photo, error);
}

pomona_status photo_file_read_at(const struct photo_file *file, uint64_t offset, void *data, size_t size,
                                 struct pomona_error *error) {
    const struct listed_photo *photo = file->photo;
    if (offset > file->size || size > file->size - offset) return ends_early(photo, error);
    for (size_t done = 0; done < size;) {
        ssize_t got =
            pread(file->descriptor, (char *)data + done, size - done, (off_t)(photo->offset + offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(error, errno, 1, photo->path, "cannot read");
        if (got == 0) return ends_early(photo, error);
        done += (size_t)got;
    }
    return POMONA_OK;
}

void photo_file_close(struct photo_file *file) {
    if (file->descriptor >= 0) close(file->descriptor);
    file->descriptor = -1;
}

static pomona_status read_packed(const struct photo_file *file, struct buffer *out,
                                 struct pomona_error *error) {
    if (file->size > out->limit)
        return fail(error, POMONA_E_LIMIT, file->photo->uri,
                    "photo of %llu bytes is larger than the limit of %zu", (unsigned long long)file->size,
                    out->limit);
    size_t size = (size_t)file->size;
    TRY(buffer_reserve(out, size ? size : 1, error)); /* an empty photo has an address too */
    TRY(photo_file_read_at(file, 0, out->data, size, error));
    out->size = size;
    return POMONA_OK;
}

pomona_status photo_file_read(const struct listed_photo *photo, struct buffer *out,
                              struct pomona_error *error) {
    if (!photo->packed) return file_read(photo->path, out, error);
    struct photo_file file = PHOTO_FILE_INIT;
    buffer_clear(out);
    pomona_status status = photo_file_open(&file, photo, error);
    if (status == POMONA_OK) status = read_packed(&file, out, error);
    photo_file_close(&file);
    return status;
}
