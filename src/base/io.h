/* Sources and sinks: where bytes come from and go to, as small structs of callbacks, so that a table can be
 * written to a file, to memory or to an object store alike. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include "base/buffer.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Takes bytes in order. `write` either takes them all or fails. The maker of a sink closes or aborts it; users
 * only write. */
struct sink {
    void *self;
    pomona_status (*write)(void *self, const void *data, size_t size, struct pomona_error *error);
};

/* Gives bytes at any offset. `read` fills exactly `size` bytes or fails; `name` is for error messages. One thread
 * at a time. */
struct source {
    void *self;
    const char *name;
    uint64_t size; /* total bytes */
    pomona_status (*read)(void *self, uint64_t offset, void *data, size_t size, struct pomona_error *error);
};

static inline pomona_status sink_write(struct sink *sink, const void *data, size_t size,
                                       struct pomona_error *error) {
    return sink->write(sink->self, data, size, error);
}

/* Refuses ranges outside the source before they reach the callback. */
pomona_status source_read(const struct source *source, uint64_t offset, void *data, size_t size,
                          struct pomona_error *error);

/* A sink that appends to a buffer (which outlives it). */
struct sink sink_to_buffer(struct buffer *buffer);

struct source_memory;

/* A source over memory that outlives it. */
struct source source_from_memory(const char *name, const void *data, size_t size,
                                 struct source_memory *state);

/* State of source_from_memory, kept by the caller. */
struct source_memory {
    const uint8_t *data;
};

/* Reads a whole regular file into `out` (cleared first). A file larger than out->limit is POMONA_E_LIMIT; folders,
 * devices and pipes are POMONA_E_INPUT (a pipe would block for ever). */
pomona_status file_read(const char *path, struct buffer *out, struct pomona_error *error);

#endif
