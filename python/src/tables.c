/* Tables of features as Parquet files, written as the jobs write them. */
#include "core.h"
#include "pomona/table.h"

#include <stdlib.h>

static pomona_status add_rows(struct pomona_feature_writer *writer, PyObject *paths, PyObject *labels,
                              const float *features, Py_ssize_t width, struct pomona_error *error) {
    Py_ssize_t rows = PyList_Size(paths);
    for (Py_ssize_t i = 0; i < rows; i++) {
        PyObject *path_bytes, *label_bytes = NULL;
        const char *path, *label;
        pomona_status status = POMONA_E_USAGE; /* with an exception of Python's */
        if (text_from(PyList_GetItem(paths, i), &path_bytes, &path) &&
            text_from(PyList_GetItem(labels, i), &label_bytes, &label))
            status = pomona_feature_writer_add(writer, path ? path : "", label, features + i * width, error);
        Py_XDECREF(path_bytes);
        Py_XDECREF(label_bytes);
        if (status != POMONA_OK) return status;
    }
    return pomona_feature_writer_finish(writer, error);
}

/* write_features(path, width, address of float [rows][width], [path], [label or None], ["key", "value", ...], overwrite) */
static PyObject *write_features(PyObject *module, PyObject *arguments) {
    const char *path;
    int width, overwrite;
    PyObject *number, *paths, *labels, *properties;
    void *features;
    if (!PyArg_ParseTuple(arguments, "siOOOOp", &path, &width, &number, &paths, &labels, &properties,
                          &overwrite))
        return NULL;
    Py_ssize_t count = PyList_Size(properties), rows = PyList_Size(paths);
    if (count < 0 || rows < 0 || !address_of(number, &features)) return NULL;
    if (PyList_Size(labels) != rows) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "as many labels as paths are needed");
        return NULL;
    }
    const char **texts = calloc((size_t)count + 1, sizeof *texts);
    PyObject **kept = calloc((size_t)count + 1, sizeof(PyObject *));
    bool ready = texts && kept;
    if (!ready) PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < count && ready; i++)
        ready = text_from(PyList_GetItem(properties, i), &kept[i], &texts[i]);
    struct pomona_error error = {0};
    pomona_status status = POMONA_E_USAGE; /* with an exception of Python's */
    struct pomona_feature_writer *writer = NULL;
    if (ready) {
        struct pomona_feature_writer_options options = {.properties = texts, .overwrite = overwrite};
        status = pomona_feature_writer_open(path, width, &options, &writer, &error);
        if (status == POMONA_OK) status = add_rows(writer, paths, labels, features, width, &error);
        pomona_feature_writer_free(&writer);
    }
    for (Py_ssize_t i = 0; kept && i < count; i++) Py_XDECREF(kept[i]);
    free(texts);
    free(kept);
    if (status != POMONA_OK) return raise_failure(module, status, &error);
    Py_RETURN_NONE;
}

PyMethodDef table_functions[] = {{"write_features", write_features, METH_VARARGS, NULL}, {0}};
