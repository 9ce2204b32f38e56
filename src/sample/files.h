/* The few things that a corpus of small files needs from a file system. */
#ifndef SAMPLE_FILES_H
#define SAMPLE_FILES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Makes a folder and those above it, where missing. */
pomona_status sample_folder(const char *path, struct pomona_error *error);

/* Writes a whole file. One that exists is POMONA_E_EXISTS, or replaced if `overwrite`. After a failure the file is gone. Not
 * synced to the disk: what can be drawn again needs no such care. */
pomona_status sample_write(const char *path, const void *data, size_t size, bool overwrite,
                           struct pomona_error *error);

#endif
