/* A file as a source. */
#ifndef TABLE_FILE_SOURCE_H
#define TABLE_FILE_SOURCE_H

#include "base/io.h"

/* Initialise with FILE_SOURCE_INIT. */
struct file_source {
    int descriptor;
    const char *path; /* borrowed */
};

#define FILE_SOURCE_INIT ((struct file_source){-1, NULL})

/* Opens a regular file. `path` and `file` must outlive *source. POMONA_E_INPUT: missing, unreadable, a folder or a
 * device; POMONA_E_IO. */
pomona_status file_source_open(struct file_source *file, const char *path, struct source *source,
                               struct pomona_error *error);

/* Also for one that was never opened. */
void file_source_close(struct file_source *file);

#endif
