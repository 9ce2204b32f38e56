/* Exact sums of features. */
#include "pomona/moments.h"

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

/* The label of a row as a new reference to terminated bytes, None as NULL. False with an exception set. */
static bool label_at(PyObject *labels, Py_ssize_t row, PyObject **bytes, const char **text) {
    PyObject *label = labels == Py_None ? Py_None : PyList_GetItem(labels, row);
    char *data;
    *bytes = NULL;
    *text = NULL;
    if (!label) return false;
    if (label == Py_None) return true;
    *bytes = PyUnicode_AsUTF8String(label);
    if (!*bytes || PyBytes_AsStringAndSize(*bytes, &data, NULL) < 0) return false; /* also: a NUL inside */
    *text = data;
    return true;
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
        bool there = label_at(labels, i, &bytes, &label);
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

/* A text of a batch, terminated, in *buffer that grows. NULL for null; *failed when out of memory. */
static const char *terminated(const struct pomona_arrow_column *column, int64_t row, char **buffer,
                              size_t *capacity, bool *failed) {
    const void *data;
    size_t size;
    if (!column->array || !pomona_arrow_bytes(column, row, &data, &size)) return NULL;
    if (size + 1 > *capacity) {
        char *larger = realloc(*buffer, size + 1);
        if (!larger) {
            *failed = true;
            return NULL;
        }
        *buffer = larger;
        *capacity = size + 1;
    }
    memcpy(*buffer, data, size);
    (*buffer)[size] = '\0';
    return *buffer;
}

/* What one batch brings: buffers for its texts, and floats of its doubles. */
struct adding {
    struct pomona_arrow_column path, label, features;
    char *path_text, *label_text;
    size_t path_capacity, label_capacity;
    float *rounded; /* [width] */
};

static pomona_status add_row(struct pomona_moments *moments, struct adding *a, int64_t row, size_t width,
                             bool *added, struct pomona_error *error) {
    const float *floats;
    const double *doubles;
    size_t count;
    bool failed = false;
    *added = pomona_arrow_floats(&a->features, row, &floats, &doubles, &count);
    if (!*added) return POMONA_OK;
    const char *path = terminated(&a->path, row, &a->path_text, &a->path_capacity, &failed);
    const char *label = terminated(&a->label, row, &a->label_text, &a->label_capacity, &failed);
    if (failed) {
        strcpy(error->message, "out of memory: labels of a batch");
        return POMONA_E_MEMORY;
    }
    if (count != width) {
        snprintf(error->message, sizeof error->message, "%.300s: a row of %zu features among rows of %zu",
                 path ? path : "features", count, width);
        return POMONA_E_INPUT;
    }
    for (size_t i = 0; doubles && i < width; i++) a->rounded[i] = (float)doubles[i];
    return pomona_moments_add(moments, path ? path : "a row", label, doubles ? a->rounded : floats, error);
}

static pomona_status add_batch(struct pomona_moments *moments, size_t width, const struct ArrowSchema *schema,
                               const struct ArrowArray *batch, int64_t *added, struct pomona_error *error) {
    struct adding a = {.rounded = malloc((width + 1) * sizeof *a.rounded)};
    pomona_status status = a.rounded ? POMONA_OK : POMONA_E_MEMORY;
    if (status == POMONA_OK)
        status = pomona_arrow_find(schema, batch, "path", POMONA_ARROW_TEXT, true, &a.path, error);
    if (status == POMONA_OK)
        status = pomona_arrow_find(schema, batch, "label", POMONA_ARROW_TEXT, true, &a.label, error);
    if (status == POMONA_OK)
        status = pomona_arrow_find(schema, batch, "features", POMONA_ARROW_FLOATS, false, &a.features, error);
    for (int64_t i = 0; status == POMONA_OK && i < batch->length; i++) {
        bool counted;
        status = add_row(moments, &a, i, width, &counted, error);
        *added += counted;
    }
    free(a.rounded);
    free(a.path_text);
    free(a.label_text);
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
