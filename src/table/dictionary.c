#include "table/dictionary.h"

#include "base/memory.h"

#include <string.h>

enum { FIRST_CAPACITY = 64, PROBES_MAX = 64 };

/* FNV-1a, folded, because only the low bits choose the slot. */
static uint32_t hash_text(const uint8_t *text, size_t size) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ text[i]) * 0x100000001b3u;
    return (uint32_t)(hash ^ hash >> 32);
}

const uint8_t *dictionary_entry(const struct dictionary *dictionary, uint32_t index, size_t *size) {
    const uint8_t *entry = dictionary->entries.data + dictionary->offsets[index];
    uint32_t length;
    memcpy(&length, entry, sizeof length);
    *size = sizeof length + length;
    return entry;
}

/* The slot that holds the text, or the free one where it belongs; NULL after too many collisions. */
static uint32_t *find_slot(const struct dictionary *dictionary, const uint8_t *text, size_t size) {
    uint32_t mask = dictionary->capacity * 2 - 1;
    uint32_t at = hash_text(text, size);
    for (int probe = 0; probe < PROBES_MAX; probe++, at++) {
        uint32_t *slot = &dictionary->slots[at & mask];
        if (*slot == 0) return slot;
        size_t length;
        const uint8_t *entry = dictionary_entry(dictionary, *slot - 1, &length);
        if (length - 4 == size && memcmp(entry + 4, text, size) == 0) return slot;
    }
    return NULL;
}

/* Doubles the room. *full: some text no longer finds a slot; the dictionary is then fit only to be cleared or read
 * by index. */
static pomona_status grow(struct dictionary *dictionary, bool *full, struct pomona_error *error) {
    uint32_t capacity = dictionary->capacity ? dictionary->capacity * 2 : FIRST_CAPACITY;
    uint32_t *slots = memory_new((size_t)capacity * 2, sizeof *slots);
    if (!slots) return fail_memory(error, "dictionary");
    uint32_t *offsets = memory_resize(dictionary->offsets, capacity, sizeof *offsets);
    if (!offsets) {
        memory_free(slots);
        return fail_memory(error, "dictionary");
    }
    memory_free(dictionary->slots);
    dictionary->slots = slots;
    dictionary->offsets = offsets;
    dictionary->capacity = capacity;
    for (uint32_t i = 0; i < dictionary->count; i++) {
        size_t length;
        const uint8_t *entry = dictionary_entry(dictionary, i, &length);
        uint32_t *slot = find_slot(dictionary, entry + 4, length - 4);
        if (!slot) {
            *full = true;
            return POMONA_OK;
        }
        *slot = i + 1;
    }
    return POMONA_OK;
}

pomona_status dictionary_find(struct dictionary *dictionary, const char *text, size_t size, uint32_t *index,
                              bool *full, struct pomona_error *error) {
    *full = false;
    if (dictionary->count == dictionary->capacity) TRY(grow(dictionary, full, error));
    uint32_t *slot = *full ? NULL : find_slot(dictionary, (const uint8_t *)text, size);
    if (slot && *slot) {
        *index = *slot - 1;
        return POMONA_OK;
    }
    if (!slot || size + 4 > dictionary->entries.limit - dictionary->entries.size) {
        *full = true;
        return POMONA_OK;
    }
    uint32_t length = (uint32_t)size, offset = (uint32_t)dictionary->entries.size;
    TRY(buffer_reserve(&dictionary->entries, size + 4, error));
    TRY(buffer_append(&dictionary->entries, &length, sizeof length, error));
    TRY(buffer_append(&dictionary->entries, text, size, error));
    dictionary->offsets[dictionary->count] = offset;
    *index = dictionary->count++;
    *slot = dictionary->count;
    return POMONA_OK;
}

void dictionary_clear(struct dictionary *dictionary) {
    buffer_clear(&dictionary->entries);
    dictionary->count = 0;
    if (dictionary->slots)
        memset(dictionary->slots, 0, (size_t)dictionary->capacity * 2 * sizeof *dictionary->slots);
}

void dictionary_free(struct dictionary *dictionary) {
    buffer_free(&dictionary->entries);
    memory_free(dictionary->offsets);
    memory_free(dictionary->slots);
    dictionary->offsets = dictionary->slots = NULL;
    dictionary->count = dictionary->capacity = 0;
}
