/* A growable byte buffer with a maximum size, for everything whose length comes from outside.
 *
 * Zero-initialise with BUFFER_INIT(limit); buffer_free() accepts zeroed and half-built ones. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *data; /* [capacity], owned */
    size_t size;
    size_t capacity;
    size_t limit; /* size never exceeds it */
};

#define BUFFER_INIT(limit_bytes) ((struct buffer){NULL, 0, 0, (limit_bytes)})

/* Makes room for `extra` more bytes after `size`. POMONA_E_LIMIT beyond the limit, POMONA_E_MEMORY. */
pomona_status buffer_reserve(struct buffer *buffer, size_t extra, struct pomona_error *error);

pomona_status buffer_append(struct buffer *buffer, const void *data, size_t size, struct pomona_error *error);
pomona_status buffer_append_text(struct buffer *buffer, const char *text, struct pomona_error *error);
pomona_status buffer_append_byte(struct buffer *buffer, uint8_t byte, struct pomona_error *error);
pomona_status buffer_printf(struct buffer *buffer, struct pomona_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes a NUL after the last byte without counting it, and returns the text. */
pomona_status buffer_terminate(struct buffer *buffer, const char **text, struct pomona_error *error);

/* Empties the buffer and keeps its memory. */
static inline void buffer_clear(struct buffer *buffer) { buffer->size = 0; }

/* Frees the memory; limit stays, so the buffer can be used again. */
void buffer_free(struct buffer *buffer);

#endif
