/* The distinct texts of a column chunk, in the order in which they came. */
#ifndef TABLE_DICTIONARY_H
#define TABLE_DICTIONARY_H

#include "base/buffer.h"

#include <stdbool.h>

struct dictionary {
    struct buffer entries;    /* each text with its length in four bytes in front: a PLAIN dictionary page */
    uint32_t *offsets;        /* [capacity] of each entry in `entries`, owned */
    uint32_t *slots;          /* [2 * capacity] open-addressed hash table of index + 1, 0 is free; owned */
    uint32_t count, capacity; /* capacity is a power of two */
};

/* `limit`: bytes that the entries may take. */
#define DICTIONARY_INIT(limit) ((struct dictionary){.entries = BUFFER_INIT(limit)})

/* Finds or adds text[size). *full is true, and nothing was added, when the text does not fit in the limit or its
 * hash collides too often (texts chosen to collide must not make this slow). POMONA_E_MEMORY. */
pomona_status dictionary_find(struct dictionary *dictionary, const char *text, size_t size, uint32_t *index,
                              bool *full, struct pomona_error *error);

/* The entry as a PLAIN value: four bytes of length and the text; *size counts both. */
const uint8_t *dictionary_entry(const struct dictionary *dictionary, uint32_t index, size_t *size);

/* Forgets the entries and keeps the memory. */
void dictionary_clear(struct dictionary *dictionary);

void dictionary_free(struct dictionary *dictionary);

#endif
