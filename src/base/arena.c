#include "base/arena.h"

#include "base/memory.h"

#include <string.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t size, used; /* bytes of payload, which starts CHUNK_HEADER after the chunk */
};

enum { CHUNK_HEADER = 32, CHUNK_SIZE = 64 * 1024, ARENA_ALIGN = 16 };
_Static_assert(sizeof(struct arena_chunk) <= CHUNK_HEADER, "payload is aligned behind the header");

void *arena_new(struct arena *arena, size_t count, size_t size) {
    size_t bytes = size_multiply(count, size);
    if (bytes > arena->limit - arena->used) return NULL;
    bytes = size_add(bytes, ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    if (bytes == 0) bytes = ARENA_ALIGN;
    if (bytes > arena->limit - arena->used) return NULL;
    struct arena_chunk *chunk = arena->chunks;
    if (!chunk || chunk->size - chunk->used < bytes) {
        size_t payload = bytes > CHUNK_SIZE ? bytes : CHUNK_SIZE;
        chunk = memory_new(size_add(CHUNK_HEADER, payload), 1);
        if (!chunk) return NULL;
        chunk->next = arena->chunks;
        chunk->size = payload;
        arena->chunks = chunk;
    }
    char *block = (char *)chunk + CHUNK_HEADER + chunk->used;
    chunk->used += bytes;
    arena->used += bytes;
    return block;
}

char *arena_copy_text(struct arena *arena, const char *text, size_t size) {
    char *copy = arena_new(arena, size_add(size, 1), 1);
    if (copy && size) memcpy(copy, text, size);
    return copy;
}

void arena_free(struct arena *arena) {
    while (arena->chunks) {
        struct arena_chunk *next = arena->chunks->next;
        memory_free(arena->chunks);
        arena->chunks = next;
    }
    arena->used = 0;
}
