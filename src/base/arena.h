/* An arena: many small allocations with one lifetime (a parsed model, a listing), freed at once.
 *
 * Zero-initialise with ARENA_INIT(limit). Blocks are aligned to 16 bytes and zeroed. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks;
    size_t used;  /* bytes handed out, alignment included */
    size_t limit; /* used never exceeds it */
};

#define ARENA_INIT(limit_bytes) ((struct arena){NULL, 0, (limit_bytes)})

/* `count` zeroed elements of `size` bytes; NULL beyond the limit or when out of memory. */
void *arena_new(struct arena *arena, size_t count, size_t size);

/* A copy of text[0..size) with a NUL behind it; NULL as above. */
char *arena_copy_text(struct arena *arena, const char *text, size_t size);

void arena_free(struct arena *arena);

#endif
