#include "base/memory.h"

#include "pomona/bytes.h"

#include <stdlib.h>
#include <string.h>

void *memory_new(size_t count, size_t size) {
    size_t bytes = size_multiply(count, size);
    if (bytes == SIZE_MAX) return NULL;
    return calloc(bytes ? bytes : 1, 1);
}

void *memory_resize(void *block, size_t count, size_t size) {
    size_t bytes = size_multiply(count, size);
    if (bytes == SIZE_MAX) return NULL;
    return realloc(block, bytes ? bytes : 1);
}

void *memory_new_aligned(size_t count, size_t size) {
    size_t used = size_multiply(count, size);
    size_t bytes = size_add(used, 2 * MEMORY_ALIGN - 1);
    if (used == SIZE_MAX || bytes == SIZE_MAX) return NULL;
    bytes &= ~(size_t)(MEMORY_ALIGN - 1);
    char *block = aligned_alloc(MEMORY_ALIGN, bytes);
    if (block) memset(block + used, 0, bytes - used);
    return block;
}

char *memory_copy_string(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = memory_new(size, 1);
    if (copy) memcpy(copy, text, size);
    return copy;
}

void memory_free(void *block) { free(block); }

void pomona_bytes_free(uint8_t **bytes) {
    if (!bytes) return;
    memory_free(*bytes);
    *bytes = NULL;
}
