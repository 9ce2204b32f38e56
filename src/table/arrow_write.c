#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "pomona/arrow.h"

#include <limits.h>
#include <string.h>

enum { TEXT_COLUMNS = 3, PATH = 0, LABEL = 1, REASON = 2, COLUMNS = 4 };

struct column {
    uint8_t *valid; /* one bit a row */
    int64_t nulls;
    int32_t *offsets; /* [rows + 1] */
    struct buffer text;
};

struct pomona_arrow_features {
    int64_t capacity, rows;
    int width;
    struct column text[TEXT_COLUMNS], lists; /* the lists' values are `features` */
    float *features;                         /* [capacity][width] */
};

static size_t bit_bytes(int64_t rows) { return (size_t)rows / 8 + 1; }

static bool column_new(struct column *column, int64_t rows) {
    column->text = BUFFER_INIT(INT32_MAX);
    column->valid = memory_new(bit_bytes(rows), 1);
    column->offsets = memory_new((size_t)rows + 1, sizeof *column->offsets);
    return column->valid && column->offsets;
}

static void column_free(struct column *column) {
    memory_free(column->valid);
    memory_free(column->offsets);
    buffer_free(&column->text);
}

pomona_status pomona_arrow_features_new(int64_t rows, int features, struct pomona_arrow_features **table,
                                        struct pomona_error *error) {
    *table = NULL;
    if (rows < 0 || features < 1 || rows > INT32_MAX / features)
        return fail(error, POMONA_E_LIMIT, NULL,
                    "%lld rows of %d features do not fit one Arrow batch: take fewer at a time",
                    (long long)rows, features);
    struct pomona_arrow_features *made = memory_new(1, sizeof *made);
    if (!made) return fail_memory(error, "Arrow table");
    made->capacity = rows;
    made->width = features;
    made->features = memory_new((size_t)rows * (size_t)features, sizeof *made->features);
    bool enough = made->features && column_new(&made->lists, rows);
    for (int i = 0; i < TEXT_COLUMNS && enough; i++) enough = column_new(&made->text[i], rows);
    if (!enough) {
        pomona_arrow_features_free(&made);
        return fail_memory(error, "Arrow table");
    }
    *table = made;
    return POMONA_OK;
}

void pomona_arrow_features_free(struct pomona_arrow_features **table) {
    if (!table || !*table) return;
    for (int i = 0; i < TEXT_COLUMNS; i++) column_free(&(*table)->text[i]);
    column_free(&(*table)->lists);
    memory_free((*table)->features);
    memory_free(*table);
    *table = NULL;
}

float *pomona_arrow_features_row(struct pomona_arrow_features *table, int64_t row) {
    return table->features + row * table->width;
}

static void mark(struct column *column, int64_t row, bool valid) {
    if (valid)
        column->valid[row / 8] |= (uint8_t)(1U << (row % 8));
    else
        column->nulls++;
}

static pomona_status set_text(struct column *column, int64_t row, struct pomona_arrow_text text,
                              struct pomona_error *error) {
    if (text.text) TRY(buffer_append(&column->text, text.text, text.size, error));
    mark(column, row, text.text != NULL);
    column->offsets[row + 1] = (int32_t)column->text.size;
    return POMONA_OK;
}

pomona_status pomona_arrow_features_add(struct pomona_arrow_features *table, struct pomona_arrow_text path,
                                        struct pomona_arrow_text label, struct pomona_arrow_text reason,
                                        struct pomona_error *error) {
    int64_t row = table->rows;
    if (row == table->capacity)
        return fail(error, POMONA_E_LIMIT, NULL, "more rows than the table has room for");
    TRY(set_text(&table->text[PATH], row, path, error));
    TRY(set_text(&table->text[LABEL], row, label, error));
    TRY(set_text(&table->text[REASON], row, reason, error));
    mark(&table->lists, row, reason.text == NULL);
    table->lists.offsets[row + 1] = (int32_t)((row + 1) * table->width); /* a null keeps its place */
    table->rows = row + 1;
    return POMONA_OK;
}

/* What an array that was handed over owns; its children are arrays of their own, since a consumer may take them apart. */
struct owned_array {
    const void *buffers[3];
    void *blocks[3];
    struct ArrowArray child[COLUMNS];
    struct ArrowArray *children[COLUMNS];
};

static void release_array(struct ArrowArray *array) {
    struct owned_array *owned = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release) array->children[i]->release(array->children[i]);
    for (int i = 0; i < 3; i++) memory_free(owned->blocks[i]);
    memory_free(owned);
    array->release = NULL;
}

static bool array_new(struct ArrowArray *array, int64_t length) {
    struct owned_array *owned = memory_new(1, sizeof *owned);
    if (!owned) return false;
    for (int i = 0; i < COLUMNS; i++) owned->children[i] = &owned->child[i];
    *array = (struct ArrowArray){.length = length,
                                 .buffers = owned->buffers,
                                 .children = owned->children,
                                 .release = release_array,
                                 .private_data = owned};
    return true;
}

/* Gives `block` to the array as its next buffer; NULL is one that is left out. */
static void give(struct ArrowArray *array, void *block) {
    struct owned_array *owned = array->private_data;
    owned->blocks[array->n_buffers] = block;
    owned->buffers[array->n_buffers++] = block;
}

static void give_column(struct ArrowArray *array, struct column *column) {
    array->null_count = column->nulls;
    give(array, column->valid);
    give(array, column->offsets);
    column->valid = NULL;
    column->offsets = NULL;
}

static void release_schema(struct ArrowSchema *schema) {
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release) schema->children[i]->release(schema->children[i]);
    memory_free(schema->private_data);
    schema->release = NULL;
}

struct owned_schema {
    struct ArrowSchema child[COLUMNS];
    struct ArrowSchema *children[COLUMNS];
};

static bool schema_new(struct ArrowSchema *schema, const char *format, const char *name) {
    struct owned_schema *owned = memory_new(1, sizeof *owned);
    if (!owned) return false;
    for (int i = 0; i < COLUMNS; i++) owned->children[i] = &owned->child[i];
    *schema = (struct ArrowSchema){.format = format,
                                   .name = name,
                                   .flags = ARROW_FLAG_NULLABLE,
                                   .children = owned->children,
                                   .release = release_schema,
                                   .private_data = owned};
    return true;
}

/* A column more, and one level down its elements. False: out of memory; what is there can be released. */
static bool schema_add(struct ArrowSchema *schema, const char *format, const char *name) {
    bool made = schema_new(schema->children[schema->n_children], format, name);
    schema->n_children += made;
    return made;
}

static bool make_schema(struct ArrowSchema *schema) {
    if (!schema_new(schema, "+s", "")) return false;
    schema->flags = 0;
    return schema_add(schema, "u", "path") && schema_add(schema, "u", "label") &&
           schema_add(schema, "+l", "features") && schema_add(schema->children[2], "f", "element") &&
           schema_add(schema, "u", "error");
}

/* Empty arrays of the right shape, so that nothing can fail once buffers change hands. */
static bool make_arrays(const struct pomona_arrow_features *table, struct ArrowArray *array) {
    if (!array_new(array, table->rows)) return false;
    for (int i = 0; i < COLUMNS; i++) {
        if (!array_new(array->children[i], table->rows)) return false;
        array->n_children++;
    }
    struct ArrowArray *lists = array->children[2];
    if (!array_new(lists->children[0], table->rows * table->width)) return false;
    lists->n_children = 1;
    return true;
}

static void give_text(struct ArrowArray *array, struct column *column) {
    give_column(array, column);
    give(array, column->text.data);
    column->text = BUFFER_INIT(0);
}

pomona_status pomona_arrow_features_finish(struct pomona_arrow_features **table, struct ArrowSchema *schema,
                                           struct ArrowArray *array, struct pomona_error *error) {
    *schema = (struct ArrowSchema){0};
    *array = (struct ArrowArray){0};
    if (!make_schema(schema) || !make_arrays(*table, array)) {
        if (schema->release) schema->release(schema);
        if (array->release) array->release(array);
        return fail_memory(error, "Arrow table");
    }
    give(array, NULL);
    give_text(array->children[0], &(*table)->text[PATH]);
    give_text(array->children[1], &(*table)->text[LABEL]);
    give_column(array->children[2], &(*table)->lists);
    struct ArrowArray *values = array->children[2]->children[0];
    give(values, NULL);
    give(values, (*table)->features);
    (*table)->features = NULL;
    give_text(array->children[3], &(*table)->text[REASON]);
    pomona_arrow_features_free(table);
    return POMONA_OK;
}
