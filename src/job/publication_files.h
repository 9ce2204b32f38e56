/* The files of a publication's folder, and two notes about them that outlive the process: which were there before the command ran, and
 * which are staged. Both are lists of (name, size, time of change) with a text. */
#ifndef JOB_PUBLICATION_FILES_H
#define JOB_PUBLICATION_FILES_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct published_file {
    const char *name; /* relative, with `/` */
    const char *text; /* a receipt; "" */
    uint64_t size;
    int64_t changed; /* nanoseconds of the epoch */
};

/* Strings lie in the arena. Initialise with PUBLISHED_FILES_INIT. */
struct published_files {
    struct arena texts;
    struct published_file *files; /* [count] */
    size_t count, capacity;
};

#define PUBLISHED_FILES_INIT ((struct published_files){.texts = ARENA_INIT(SIZE_MAX)})

pomona_status published_files_add(struct published_files *files, const struct published_file *file,
                                  struct pomona_error *error);
/* Adds the files below `folder`, without `_temporary`, sorted by name. A missing folder has none. */
pomona_status published_files_walk(struct published_files *files, const char *folder,
                                   struct pomona_error *error);
/* Size and time of a file. */
pomona_status published_file_stat(const char *path, struct published_file *file, struct pomona_error *error);

/* The last one of this name; NULL. `same`: also of this size and time. */
const struct published_file *published_files_find(const struct published_files *files, const char *name);
bool published_file_same(const struct published_file *a, const struct published_file *b);

/* A note on disk: one file a line, appended and fsynced. A damaged last line is ignored. */
pomona_status published_files_read(struct published_files *files, const char *path,
                                   struct pomona_error *error);
pomona_status published_files_append(const char *path, const struct published_file *file,
                                     struct pomona_error *error);
pomona_status published_files_write(const struct published_files *files, const char *path,
                                    struct pomona_error *error);

void published_files_free(struct published_files *files);

#endif
