/* Input of the tools: records of four texts that end with a NUL, a kind and three values. Texts may hold anything but NUL,
 * which is what the tests need. */
#ifndef TESTS_REPORT_RECORDS_H
#define TESTS_REPORT_RECORDS_H

#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS_LIMIT = 1 << 28 };

static inline void *records_grown(void *array, size_t count, size_t size) {
    void *block = (count & (count - 1)) == 0 ? memory_resize(array, count ? 2 * count : 1, size) : array;
    if (!block) exit(5);
    return block;
}

/* Makes room for one more. */
#define ADD(array, count) (array) = records_grown((array), (count), sizeof *(array))

static inline const char *or_null(const char *text) { return text[0] ? text : NULL; }

/* Fills numbers [count] from a text with spaces between them; those that are missing are 0. */
static inline void records_numbers(const char *text, double *numbers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char *end;
        numbers[i] = strtod(text, &end);
        text = end;
    }
}

/* Gives each record to `take`. */
static inline void records_parse(const struct buffer *records,
                                 void (*take)(void *self, const char *const fields[4]), void *self) {
    const char *text = (const char *)records->data, *end = text + records->size;
    while (text < end) {
        const char *fields[4];
        for (int i = 0; i < 4; i++) {
            fields[i] = text;
            text += strlen(text) + 1;
            if (text > end) exit(1);
        }
        take(self, fields);
    }
}

/* Photos that records name, by number. */
struct record_photos {
    const char **files;
    size_t count;
    struct buffer bytes;
};

static inline size_t record_photo(struct record_photos *photos, const char *file) {
    ADD(photos->files, photos->count);
    photos->files[photos->count] = file;
    return photos->count++;
}

/* A read_photo of reports. */
static inline pomona_status record_photo_read(void *user, size_t id, const void **bytes, size_t *size,
                                              struct pomona_error *error) {
    struct record_photos *photos = user;
    pomona_status status = file_read(photos->files[id], &photos->bytes, error);
    *bytes = photos->bytes.data;
    *size = photos->bytes.size;
    return status;
}

#endif
