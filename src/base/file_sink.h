/* A file written so that nothing half done is ever seen: temporary name, fsync, rename. (The folder's own fsync is the
 * caller's, once for all its files.) */
#ifndef BASE_FILE_SINK_H
#define BASE_FILE_SINK_H

#include "base/io.h"
#include "base/sha256.h"

/* A file being written under a temporary name ("PATH.tmp"). Zero-initialise with FILE_SINK_INIT. */
struct file_sink {
    int descriptor;
    char *path, *temporary;
    uint64_t size;
    struct sha256 hash; /* of all that was written */
    uint8_t *block;     /* bytes gathered before a write */
    size_t filled;
};

#define FILE_SINK_INIT ((struct file_sink){.descriptor = -1})

pomona_status file_sink_open(struct file_sink *file, const char *path, struct pomona_error *error);
struct sink file_sink_as_sink(struct file_sink *file);

/* Writes what is left, fsyncs and gives the file its name; `digest` may be NULL. On failure the temporary file is
 * removed. A failed fsync is final: the data may be lost and the call is never repeated. */
pomona_status file_sink_commit(struct file_sink *file, uint8_t digest[SHA256_SIZE],
                               struct pomona_error *error);

/* Removes the temporary file, if any, and frees the sink. Also after commit. */
void file_sink_close(struct file_sink *file);

/* Writes a whole small file by the same protocol. */
pomona_status file_write(const char *path, const void *data, size_t size, struct pomona_error *error);

#endif
