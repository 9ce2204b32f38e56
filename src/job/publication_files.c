#include "job/publication_files.h"

#include "base/buffer.h"
#include "base/file_sink.h"
#include "base/memory.h"
#include "store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOTE_MAX = 256 << 20 };

pomona_status published_files_add(struct published_files *files, const struct published_file *file,
                                  struct pomona_error *error) {
    if (files->count == files->capacity) {
        size_t capacity = files->capacity ? 2 * files->capacity : 64;
        struct published_file *more = memory_resize(files->files, capacity, sizeof *more);
        if (!more) return fail_memory(error, "files");
        files->files = more;
        files->capacity = capacity;
    }
    struct published_file *copy = &files->files[files->count];
    *copy = *file;
    copy->name = arena_copy_text(&files->texts, file->name, strlen(file->name));
    copy->text = arena_copy_text(&files->texts, file->text, strlen(file->text));
    if (!copy->name || !copy->text) return fail_memory(error, "files");
    files->count++;
    return POMONA_OK;
}

pomona_status published_file_stat(const char *path, struct published_file *file, struct pomona_error *error) {
    struct stat info;
    if (stat(path, &info) != 0) return fail_errno(error, errno, 1, path, "cannot stat");
    file->size = (uint64_t)info.st_size;
    file->changed = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    return POMONA_OK;
}

struct walking {
    struct published_files *files;
    struct place *place;
};

static pomona_status add_item(void *user, const struct place_item *item, struct pomona_error *error) {
    struct walking *walking = user;
    if (strncmp(item->name, "_temporary/", 11) == 0) return POMONA_OK;
    struct published_file file = {.name = item->name, .text = ""};
    char *path = place_uri(walking->place, item->name);
    if (!path) return fail_memory(error, "path");
    pomona_status status = published_file_stat(path, &file, error);
    memory_free(path);
    return status == POMONA_OK ? published_files_add(walking->files, &file, error) : status;
}

pomona_status published_files_walk(struct published_files *files, const char *folder,
                                   struct pomona_error *error) {
    struct walking walking = {files, NULL};
    struct stat info;
    if (stat(folder, &info) != 0 && errno == ENOENT) return POMONA_OK;
    TRY(place_open(NULL, folder, &walking.place, error));
    pomona_status status = place_list(walking.place, "", false, add_item, &walking, error);
    place_free(&walking.place);
    return status;
}

const struct published_file *published_files_find(const struct published_files *files, const char *name) {
    for (size_t i = files->count; i-- > 0;)
        if (strcmp(files->files[i].name, name) == 0) return &files->files[i];
    return NULL;
}

bool published_file_same(const struct published_file *a, const struct published_file *b) {
    return a->size == b->size && a->changed == b->changed;
}

/* "SIZE CHANGED TEXT\tNAME\n"; names with line breaks or tabs are not published (pomona makes none). */
static pomona_status format(const struct published_file *file, struct buffer *out,
                            struct pomona_error *error) {
    if (strpbrk(file->name, "\n\t"))
        return fail(error, POMONA_E_UNSUPPORTED, file->name, "has a line break or a tab");
    return buffer_printf(out, error, "%" PRIu64 " %" PRId64 " %s\t%s\n", file->size, file->changed,
                         file->text, file->name);
}

pomona_status published_files_append(const char *path, const struct published_file *file,
                                     struct pomona_error *error) {
    struct buffer line = BUFFER_INIT(NOTE_MAX);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    pomona_status status =
        descriptor < 0 ? fail_errno(error, errno, 0, path, "cannot open") : format(file, &line, error);
    if (status == POMONA_OK && write(descriptor, line.data, line.size) != (ssize_t)line.size)
        status = fail_errno(error, errno, 0, path, "cannot write");
    if (status == POMONA_OK && fsync(descriptor) != 0)
        status = fail_errno(error, errno, 0, path, "cannot sync");
    if (descriptor >= 0) close(descriptor);
    buffer_free(&line);
    return status;
}

pomona_status published_files_write(const struct published_files *files, const char *path,
                                    struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(NOTE_MAX);
    pomona_status status = POMONA_OK;
    for (size_t i = 0; i < files->count && status == POMONA_OK; i++)
        status = format(&files->files[i], &text, error);
    if (status == POMONA_OK) status = file_write(path, text.data, text.size, error);
    buffer_free(&text);
    return status;
}

pomona_status published_files_read(struct published_files *files, const char *path,
                                   struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(NOTE_MAX);
    const char *at;
    struct stat info;
    if (stat(path, &info) != 0 && errno == ENOENT) return POMONA_OK;
    pomona_status status = file_read(path, &text, error);
    if (status == POMONA_OK) status = buffer_terminate(&text, &at, error);
    while (status == POMONA_OK && *at) {
        char *end = strchr(at, '\n'), *tab = strchr(at, '\t');
        struct published_file file;
        int used = 0;
        if (!end) break; /* half written by a process that died */
        *end = '\0';
        if (!tab || tab > end ||
            sscanf(at, "%" SCNu64 " %" SCNd64 " %n", &file.size, &file.changed, &used) != 2) {
            status = fail(error, POMONA_E_CORRUPT, path, "is damaged: --overwrite starts again");
            break;
        }
        *tab = '\0';
        file.text = at + used;
        file.name = tab + 1;
        status = published_files_add(files, &file, error);
        at = end + 1;
    }
    buffer_free(&text);
    return status;
}

void published_files_free(struct published_files *files) {
    arena_free(&files->texts);
    memory_free(files->files);
    *files = PUBLISHED_FILES_INIT;
}
