/* Exact sums of features. */
#include "pomona/moments.h"

#include "base/buffer.h"
#include "core.h"
#include "pomona/arrow.h"

#include <stdlib.h>
#include <string.h>

static void free_moments(PyObject *capsule) {
    struct pomona_moments *moments = PyCapsule_GetPointer(capsule, MOMENTS_HANDLE);
    pomona_moments_free(&moments);
    handle_release_parent(capsule);
}

static PyObject *wrap(struct pomona_moments *moments, PyObject *parent) {
    PyObject *handle = handle_new(moments, MOMENTS_HANDLE, free_moments, parent);
    if (!handle) pomona_moments_free(&moments);
    return handle;
}

/* moments_new(context, features, feature space or None) */
static PyObject *moments_new(PyObject *module, PyObject *arguments) {
    PyObject *parent;
    int features;
    const char *space;
    if (!PyArg_ParseTuple(arguments, "Oiz", &parent, &features, &space)) return NULL;
    const struct pomona_context *context = handle_get(parent, CONTEXT_HANDLE);
    struct pomona_moments *moments;
    struct pomona_error error = {0};
    if (!context) return NULL;
    pomona_status status = pomona_moments_new(context, features, space, &moments, &error);
    return status == POMONA_OK ? wrap(moments, parent) : raise_failure(module, status, &error);
}

/* moments_from_bytes(context, name, bytes) */
static PyObject *moments_from_bytes(PyObject *module, PyObject *arguments) {
    PyObject *parent;
    const char *name, *bytes;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(arguments, "Osy#", &parent, &name, &bytes, &size)) return NULL;
    const struct pomona_context *context = handle_get(parent, CONTEXT_HANDLE);
    struct pomona_moments *moments = NULL;
    struct pomona_error error = {0};
    pomona_status status;
    if (!context) return NULL;
    Py_BEGIN_ALLOW_THREADS;
    status = pomona_moments_from_bytes(context, name, bytes, (size_t)size, &moments, &error);
    Py_END_ALLOW_THREADS;
    return status == POMONA_OK ? wrap(moments, parent) : raise_failure(module, status, &error);
}

static PyObject *moments_to_bytes(PyObject *module, PyObject *handle) {
    struct pomona_moments *moments = handle_get(handle, MOMENTS_HANDLE);
    uint8_t *bytes = NULL;
    size_t size = 0;
    struct pomona_error error = {0};
    pomona_status status;
    if (!moments) return NULL;
    Py_BEGIN_ALLOW_THREADS;
    status = pomona_moments_to_bytes(moments, &bytes, &size, &error);
    Py_END_ALLOW_THREADS;
    return status == POMONA_OK ? bytes_taken(bytes, size) : raise_failure(module, status, &error);
}

static PyObject *combine(PyObject *module, PyObject *arguments, bool subtract) {
    PyObject *handle, *other_handle;
    if (!PyArg_ParseTuple(arguments, "OO", &handle, &other_handle)) return NULL;
    struct pomona_moments *moments = handle_get(handle, MOMENTS_HANDLE);
    struct pomona_moments *other = moments ? handle_get(other_handle, MOMENTS_HANDLE) : NULL;
    struct pomona_error error = {0};
    pomona_status status;
    if (!other) return NULL;
    Py_BEGIN_ALLOW_THREADS;
    status = subtract ? pomona_moments_subtract(moments, other, &error)
                      : pomona_moments_merge(moments, other, &error);
    Py_END_ALLOW_THREADS;
    if (status != POMONA_OK) return raise_failure(module, status, &error);
    Py_RETURN_NONE;
}

static PyObject *moments_merge(PyObject *module, PyObject *arguments) {
    return combine(module, arguments, false);
}
static PyObject *moments_subtract(PyObject *module, PyObject *arguments) {
    return combine(module, arguments, true);
}

/* moments_add(moments, rows, width, address of float [rows][width], [label or None] or None) */
static PyObject *moments_add(PyObject *module, PyObject *arguments) {
    PyObject *handle, *number, *labels;
    Py_ssize_t rows, width;
    void *features;
    if (!PyArg_ParseTuple(arguments, "OnnOO", &handle, &rows, &width, &number, &labels)) return NULL;
    struct pomona_moments *moments = handle_get(handle, MOMENTS_HANDLE);
    if (!moments || !address_of(number, &features)) return NULL;
    for (Py_ssize_t i = 0; i < rows; i++) {
        PyObject *bytes;
        const char *label;
        char name[32];
        struct pomona_error error = {0};
        pomona_status status = POMONA_OK;
        snprintf(name, sizeof name, "row %lld", (long long)i);
        bool there = text_from(labels == Py_None ? Py_None : PyList_GetItem(labels, i), &bytes, &label);
        if (there) {
            Py_BEGIN_ALLOW_THREADS;
            status = pomona_moments_add(moments, name, label, (const float *)features + i * width, &error);
            Py_END_ALLOW_THREADS;
        }
        Py_XDECREF(bytes);
        if (!there) return NULL;
        if (status != POMONA_OK) return raise_failure(module, status, &error);
    }
    Py_RETURN_NONE;
}

/* A text of a batch, terminated, in `buffer`; NULL for null and where there is no such column. */
static pomona_status terminated(const struct pomona_arrow_column *column, int64_t row, struct buffer *buffer,
                                const char *what, const char **text, struct pomona_error *error) {
    const void *data;
    size_t size;
    *text = NULL;
    if (!column->array || !pomona_arrow_bytes(column, row, &data, &size)) return POMONA_OK;
    if (memchr(data, '\0', size)) return fail(error, POMONA_E_INPUT, NULL, "a NUL inside a %s", what);
    buffer_clear(buffer);
    TRY(buffer_append(buffer, data, size, error));
    return buffer_terminate(buffer, text, error);
}

/* What one batch brings: its columns, room for a row's texts, and for doubles as floats. */
struct adding {
    struct pomona_arrow_column path, label, features;
    struct buffer path_text, label_text;
    float *rounded; /* [width] */
};

static pomona_status add_row(struct pomona_moments *moments, struct adding *a, int64_t row, size_t width,
                             struct pomona_error *error) {
    const float *floats;
    const double *doubles;
    const char *path, *label;
    size_t count;
    TRY(terminated(&a->path, row, &a->path_text, "path", &path, error));
    if (!path) path = "a row without a path";
    TRY(terminated(&a->label, row, &a->label_text, "label", &label, error));
    if (!pomona_arrow_floats(&a->features, row, &floats, &doubles, &count))
        return fail(error, POMONA_E_INPUT, path, "a null among its features");
    if (count != width)
        return fail(error, POMONA_E_INPUT, path, "%zu features among rows of %zu", count, width);
    for (size_t i = 0; doubles && i < width; i++) a->rounded[i] = (float)doubles[i];
    return pomona_moments_add(moments, path, label, doubles ? a->rounded : floats, error);
}

static pomona_status add_batch(struct pomona_moments *moments, size_t width, const struct ArrowSchema *schema,
                               const struct ArrowArray *batch, int64_t *added, struct pomona_error *error) {
    struct adding a = {.path_text = BUFFER_INIT(SIZE_MAX),
                       .label_text = BUFFER_INIT(SIZE_MAX),
                       .rounded = malloc((width + 1) * sizeof *a.rounded)};
    pomona_status status = a.rounded ? POMONA_OK : fail_memory(error, "features of a batch");
    if (status == POMONA_OK)
        status = pomona_arrow_find(schema, batch, "path", POMONA_ARROW_TEXT, true, &a.path, error);
    if (status == POMONA_OK)
        status = pomona_arrow_find(schema, batch, "label", POMONA_ARROW_TEXT, true, &a.label, error);
    if (status == POMONA_OK)
        status = pomona_arrow_find(schema, batch, "features", POMONA_ARROW_FLOATS, false, &a.features, error);
    for (int64_t i = 0; status == POMONA_OK && i < batch->length; i++) {
        if (pomona_arrow_is_null(&a.features, i)) continue;
        status = add_row(moments, &a, i, width, error);
        *added += status == POMONA_OK;
    }
    free(a.rounded);
    buffer_free(&a.path_text);
    buffer_free(&a.label_text);
    return status;
}

/* moments_add_arrow(moments, schema capsule, array capsule): rows added; those without features are left out. */
static PyObject *moments_add_arrow(PyObject *module, PyObject *arguments) {
    PyObject *handle, *schema_capsule, *array_capsule;
    if (!PyArg_ParseTuple(arguments, "OOO", &handle, &schema_capsule, &array_capsule)) return NULL;
    struct pomona_moments *moments = handle_get(handle, MOMENTS_HANDLE);
    const struct ArrowSchema *schema = PyCapsule_GetPointer(schema_capsule, "arrow_schema");
    const struct ArrowArray *batch = PyCapsule_GetPointer(array_capsule, "arrow_array");
    struct pomona_moments_info info;
    struct pomona_error error = {0};
    pomona_status status;
    int64_t added = 0;
    if (!moments || !schema || !batch) return NULL;
    pomona_moments_get_info(moments, &info);
    Py_BEGIN_ALLOW_THREADS;
    status = add_batch(moments, (size_t)info.features, schema, batch, &added, &error);
    Py_END_ALLOW_THREADS;
    return status == POMONA_OK ? PyLong_FromLongLong(added) : raise_failure(module, status, &error);
}

/* {label or None: rows} in the order of their bytes */
static PyObject *labels_of(const struct pomona_moments *moments) {
    PyObject *labels = PyDict_New();
    const char *name;
    int64_t rows;
    for (int i = 0; labels && pomona_moments_label(moments, i, &name, &rows); i++) {
        PyObject *key = Py_None, *value = PyLong_FromLongLong(rows);
        if (name)
            key = text_of(name);
        else
            Py_INCREF(key);
        if (!key || !value || PyDict_SetItem(labels, key, value) < 0) Py_CLEAR(labels);
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    return labels;
}

/* moments_info(moments): a dict with rows, features, labels, feature_space */
static PyObject *moments_info(PyObject *module, PyObject *handle) {
    (void)module;
    const struct pomona_moments *moments = handle_get(handle, MOMENTS_HANDLE);
    struct pomona_moments_info info;
    if (!moments) return NULL;
    pomona_moments_get_info(moments, &info);
    PyObject *dict = PyDict_New();
    if (dict && dict_put(dict, "rows", PyLong_FromLongLong(info.rows)) &&
        dict_put(dict, "features", PyLong_FromLong(info.features)) &&
        dict_put(dict, "feature_space", text_of(info.feature_space)) &&
        dict_put(dict, "labels", labels_of(moments)))
        return dict;
    Py_XDECREF(dict);
    return NULL;
}

/* moments_statistics(moments, address of double [features], address of double [features]) */
static PyObject *moments_statistics(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *handle, *mean_number, *deviation_number;
    void *mean, *deviation;
    if (!PyArg_ParseTuple(arguments, "OOO", &handle, &mean_number, &deviation_number)) return NULL;
    struct pomona_moments *moments = handle_get(handle, MOMENTS_HANDLE);
    if (!moments || !address_of(mean_number, &mean) || !address_of(deviation_number, &deviation)) return NULL;
    Py_BEGIN_ALLOW_THREADS;
    pomona_moments_statistics(moments, mean, deviation);
    Py_END_ALLOW_THREADS;
    Py_RETURN_NONE;
}

PyMethodDef moments_functions[] = {{"moments_new", moments_new, METH_VARARGS, NULL},
                                   {"moments_from_bytes", moments_from_bytes, METH_VARARGS, NULL},
                                   {"moments_to_bytes", moments_to_bytes, METH_O, NULL},
                                   {"moments_merge", moments_merge, METH_VARARGS, NULL},
                                   {"moments_subtract", moments_subtract, METH_VARARGS, NULL},
                                   {"moments_add", moments_add, METH_VARARGS, NULL},
                                   {"moments_add_arrow", moments_add_arrow, METH_VARARGS, NULL},
                                   {"moments_info", moments_info, METH_O, NULL},
                                   {"moments_statistics", moments_statistics, METH_VARARGS, NULL},
                                   {0}};
