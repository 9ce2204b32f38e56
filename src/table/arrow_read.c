#include "base/error.h"
#include "pomona/arrow.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool bit(const void *bits, int64_t index) {
    return (((const uint8_t *)bits)[index / 8] >> (index % 8)) & 1;
}

static bool is_null(const struct ArrowArray *array, int64_t index) {
    return array->null_count != 0 && array->n_buffers > 0 && array->buffers[0] &&
           !bit(array->buffers[0], index);
}

static bool has_null_rows(const struct ArrowArray *batch) {
    for (int64_t i = 0; batch->null_count != 0 && i < batch->length; i++)
        if (is_null(batch, batch->offset + i)) return true;
    return false;
}

/* "path, content, length", for a message. */
static void list_names(const struct ArrowSchema *schema, char *text, size_t capacity) {
    size_t used = 0;
    text[0] = '\0';
    for (int64_t i = 0; i < schema->n_children && used < capacity; i++) {
        const char *name = schema->children[i]->name;
        int wrote = snprintf(text + used, capacity - used, "%s%s", i ? ", " : "", name ? name : "");
        if (wrote < 0) return;
        used += (size_t)wrote;
    }
}

/* The elements of a fixed_size_list ("+w:1280"), or 0 for another format. */
static int64_t fixed_size(const char *format) {
    char *end;
    if (strncmp(format, "+w:", 3) != 0) return 0;
    long size = strtol(format + 3, &end, 10);
    return *end == '\0' && size > 0 && size <= INT_MAX ? size : 0;
}

static bool is_one_of(const char *format, const char *letters) {
    return format[0] && format[1] == '\0' && strchr(letters, format[0]);
}

/* Whether the column's type is one of `type`; fills what depends on it. */
static bool match_type(const struct ArrowSchema *schema, const struct ArrowArray *array,
                       enum pomona_arrow_type type, struct pomona_arrow_column *column) {
    const char *format = schema->format;
    if (schema->dictionary || array->dictionary) return false;
    if (type != POMONA_ARROW_FLOATS) {
        column->wide = is_one_of(format, "UZ");
        return is_one_of(format, type == POMONA_ARROW_TEXT ? "uU" : "uUzZ") && array->n_buffers == 3;
    }
    column->fixed = fixed_size(format);
    column->wide = strcmp(format, "+L") == 0;
    bool list = column->wide || strcmp(format, "+l") == 0;
    if ((!list && column->fixed == 0) || schema->n_children != 1 || array->n_children != 1) return false;
    if (list && array->n_buffers != 2) return false;
    column->values = array->children[0];
    column->doubles = is_one_of(schema->children[0]->format, "g");
    return is_one_of(schema->children[0]->format, "fg") && column->values->n_buffers == 2;
}

pomona_status pomona_arrow_find(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                                const char *name, enum pomona_arrow_type type, bool optional,
                                struct pomona_arrow_column *column, struct pomona_error *error) {
    static const char *const types[] = {"a string", "binary", "a list of float or double"};
    *column = (struct pomona_arrow_column){0};
    if (!schema->format || strcmp(schema->format, "+s") != 0 || schema->n_children != batch->n_children ||
        has_null_rows(batch))
        return fail(error, POMONA_E_INPUT, NULL, "an Arrow array that is not a record batch");
    int64_t place = 0;
    while (place < schema->n_children &&
           (!schema->children[place]->name || strcmp(schema->children[place]->name, name) != 0))
        place++;
    if (place == schema->n_children) {
        char names[256];
        if (optional) return POMONA_OK;
        list_names(schema, names, sizeof names);
        return fail(error, POMONA_E_INPUT, name, "there is no such column; the table has: %s", names);
    }
    const struct ArrowArray *array = batch->children[place];
    column->rows = batch->length;
    column->offset = batch->offset + array->offset;
    if (array->length < batch->offset + batch->length)
        return fail(error, POMONA_E_INPUT, name, "a column shorter than its table");
    if (!match_type(schema->children[place], array, type, column))
        return fail(error, POMONA_E_INPUT, name, "the column is not %s (its Arrow format is \"%s\")",
                    types[type], schema->children[place]->format);
    column->array = array;
    return POMONA_OK;
}

bool pomona_arrow_is_null(const struct pomona_arrow_column *column, int64_t row) {
    return is_null(column->array, column->offset + row);
}

/* Where element `index` of a column with offsets begins and ends. */
static void bounds(const struct pomona_arrow_column *column, int64_t index, int64_t *start, int64_t *end) {
    const void *offsets = column->array->buffers[1];
    *start = column->wide ? ((const int64_t *)offsets)[index] : ((const int32_t *)offsets)[index];
    *end = column->wide ? ((const int64_t *)offsets)[index + 1] : ((const int32_t *)offsets)[index + 1];
}

bool pomona_arrow_bytes(const struct pomona_arrow_column *column, int64_t row, const void **data,
                        size_t *size) {
    int64_t index = column->offset + row, start, end;
    if (is_null(column->array, index)) return false;
    bounds(column, index, &start, &end);
    *size = (size_t)(end - start);
    *data = *size ? (const char *)column->array->buffers[2] + start : "";
    return true;
}

bool pomona_arrow_floats(const struct pomona_arrow_column *column, int64_t row, const float **floats,
                         const double **doubles, size_t *count) {
    int64_t index = column->offset + row, start, end;
    if (is_null(column->array, index)) return false;
    if (column->fixed)
        start = index * column->fixed, end = start + column->fixed;
    else
        bounds(column, index, &start, &end);
    const struct ArrowArray *values = column->values;
    start += values->offset;
    end += values->offset;
    for (int64_t i = start; i < end && values->null_count != 0; i++)
        if (is_null(values, i)) return false;
    *count = (size_t)(end - start);
    *floats = column->doubles ? NULL : (const float *)values->buffers[1] + start;
    *doubles = column->doubles ? (const double *)values->buffers[1] + start : NULL;
    return true;
}
