/* Record batches of photos in, record batches of features out, without a copy of the photos. */
#include "pomona/arrow.h"

#include "base/error.h"
#include "core.h"
#include "pomona/extractor.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 4095 };

/* The columns of a batch of photos. */
struct photo_columns {
    struct pomona_arrow_column path, content, label,
        error; /* array NULL where there is none; content there is */
};

static struct pomona_arrow_text text_at(const struct pomona_arrow_column *column, int64_t row) {
    const void *data;
    size_t size;
    if (!column->array || !pomona_arrow_bytes(column, row, &data, &size))
        return (struct pomona_arrow_text){0};
    return (struct pomona_arrow_text){data, size};
}

/* The name of the photo's folder, as Spark's element_at(split(path, '/'), -2) gives it; null where there is none. */
static struct pomona_arrow_text folder_of(struct pomona_arrow_text path) {
    const char *end = path.text ? memrchr(path.text, '/', path.size) : NULL;
    if (!end) return (struct pomona_arrow_text){0};
    const char *before = memrchr(path.text, '/', (size_t)(end - path.text));
    const char *start = before ? before + 1 : path.text;
    return (struct pomona_arrow_text){start, (size_t)(end - start)};
}

/* The paths of all rows as terminated names for messages, cut where they are very long: one block, freed by the caller. NULL when
 * out of memory. */
static char *names_of(const struct pomona_arrow_column *path, int64_t rows) {
    size_t total = 1;
    for (int64_t i = 0; i < rows; i++) {
        size_t size = text_at(path, i).size;
        total += (size < NAME_BYTES ? size : NAME_BYTES) + 1;
    }
    char *names = malloc(total), *end = names;
    for (int64_t i = 0; names && i < rows; i++) {
        struct pomona_arrow_text text = text_at(path, i);
        size_t size = text.size < NAME_BYTES ? text.size : NAME_BYTES;
        if (text.text) memcpy(end, text.text, size);
        end[size] = '\0';
        end += size + 1;
    }
    return names;
}

/* One row at a time through the extractor would lose its batches: all photos are laid out first. Names and causes are the
 * only copies. A NUL inside a path ends its name early and shifts nothing: names are walked by the sizes they were laid out with. */
static pomona_status run_photos(struct pomona_extractor *extractor, const struct photo_columns *columns,
                                int64_t rows, struct pomona_arrow_features *table,
                                struct pomona_photo *photos, struct pomona_error *causes, const char *names,
                                struct pomona_error *error) {
    for (int64_t i = 0; i < rows; i++) {
        const void *bytes = NULL;
        size_t size = 0, name_size = text_at(&columns->path, i).size;
        bool there = pomona_arrow_bytes(&columns->content, i, &bytes, &size);
        photos[i] = (struct pomona_photo){.name = names,
                                          .bytes = bytes,
                                          .size = size,
                                          .features = pomona_arrow_features_row(table, i),
                                          .cause = &causes[i]};
        struct pomona_arrow_text reason = text_at(&columns->error, i); /* of who read the photo */
        if (reason.text)
            photos[i].status = fail(&causes[i], POMONA_E_INPUT, NULL, "%.*s",
                                    (int)(reason.size < NAME_BYTES ? reason.size : NAME_BYTES), reason.text);
        else if (!there)
            photos[i].status = fail(&causes[i], POMONA_E_INPUT, names, "the content is null");
        names += (name_size < NAME_BYTES ? name_size : NAME_BYTES) + 1;
    }
    return pomona_extractor_run(extractor, photos, (size_t)rows, error);
}

static pomona_status fill_table(const struct photo_columns *columns, int64_t rows,
                                const struct pomona_photo *photos, struct pomona_arrow_features *table,
                                struct pomona_error *error) {
    for (int64_t i = 0; i < rows; i++) {
        struct pomona_arrow_text path = text_at(&columns->path, i), reason = {0};
        if (photos[i].status != POMONA_OK)
            reason = (struct pomona_arrow_text){photos[i].cause->message, strlen(photos[i].cause->message)};
        struct pomona_arrow_text label = columns->label.array ? text_at(&columns->label, i) : folder_of(path);
        pomona_status status = pomona_arrow_features_add(table, path, label, reason, error);
        if (status != POMONA_OK) return status;
    }
    return POMONA_OK;
}

/* Everything without the GIL. */
static pomona_status extract(struct pomona_extractor *extractor, int width, const struct ArrowSchema *schema,
                             const struct ArrowArray *batch, struct ArrowSchema *out_schema,
                             struct ArrowArray *out, struct pomona_error *error) {
    struct photo_columns columns;
    struct pomona_arrow_features *table = NULL;
    pomona_status status =
        pomona_arrow_find(schema, batch, "path", POMONA_ARROW_TEXT, true, &columns.path, error);
    if (status == POMONA_OK)
        status =
            pomona_arrow_find(schema, batch, "content", POMONA_ARROW_BYTES, false, &columns.content, error);
    if (status == POMONA_OK)
        status = pomona_arrow_find(schema, batch, "label", POMONA_ARROW_TEXT, true, &columns.label, error);
    if (status == POMONA_OK)
        status = pomona_arrow_find(schema, batch, "error", POMONA_ARROW_TEXT, true, &columns.error, error);
    if (status != POMONA_OK) return status;
    size_t rows = (size_t)batch->length;
    struct pomona_photo *photos = calloc(rows + 1, sizeof *photos);
    struct pomona_error *causes = calloc(rows + 1, sizeof *causes);
    char *names = names_of(&columns.path, batch->length);
    status = photos && causes && names ? pomona_arrow_features_new(batch->length, width, &table, error)
                                       : fail_memory(error, "photos of a batch");
    if (status == POMONA_OK)
        status = run_photos(extractor, &columns, batch->length, table, photos, causes, names, error);
    if (status == POMONA_OK) status = fill_table(&columns, batch->length, photos, table, error);
    if (status == POMONA_OK) status = pomona_arrow_features_finish(&table, out_schema, out, error);
    pomona_arrow_features_free(&table);
    free(photos);
    free(causes);
    free(names);
    return status;
}

/* Capsules as the PyCapsule interface has them: the consumer moves the struct out, or the destructor releases it. */
static void free_schema(PyObject *capsule) {
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (schema && schema->release) schema->release(schema);
    free(schema);
}

static void free_array(PyObject *capsule) {
    struct ArrowArray *array = PyCapsule_GetPointer(capsule, "arrow_array");
    if (array && array->release) array->release(array);
    free(array);
}

/* arrow_extract(extractor, width, schema capsule, array capsule): (schema capsule, array capsule) */
static PyObject *arrow_extract(PyObject *module, PyObject *arguments) {
    PyObject *handle, *schema_capsule, *array_capsule;
    int width;
    if (!PyArg_ParseTuple(arguments, "OiOO", &handle, &width, &schema_capsule, &array_capsule)) return NULL;
    struct pomona_extractor *extractor = handle_get(handle, EXTRACTOR_HANDLE);
    const struct ArrowSchema *schema = PyCapsule_GetPointer(schema_capsule, "arrow_schema");
    const struct ArrowArray *batch = PyCapsule_GetPointer(array_capsule, "arrow_array");
    if (!extractor || !schema || !batch) return NULL;
    struct ArrowSchema *out_schema = calloc(1, sizeof *out_schema);
    struct ArrowArray *out = calloc(1, sizeof *out);
    PyObject *made_schema = out_schema ? PyCapsule_New(out_schema, "arrow_schema", free_schema) : NULL;
    PyObject *made = out ? PyCapsule_New(out, "arrow_array", free_array) : NULL;
    PyObject *pair = NULL;
    if (made_schema && made) {
        struct pomona_error error = {0};
        pomona_status status;
        Py_BEGIN_ALLOW_THREADS;
        status = extract(extractor, width, schema, batch, out_schema, out, &error);
        Py_END_ALLOW_THREADS;
        pair =
            status == POMONA_OK ? PyTuple_Pack(2, made_schema, made) : raise_failure(module, status, &error);
    } else {
        if (!made_schema) free(out_schema);
        if (!made) free(out);
        PyErr_NoMemory();
    }
    Py_XDECREF(made_schema);
    Py_XDECREF(made);
    return pair;
}

PyMethodDef arrow_functions[] = {{"arrow_extract", arrow_extract, METH_VARARGS, NULL}, {0}};
