/* Principal components. */
#include "pomona/pca.h"

#include "core.h"
#include "pomona/moments.h"

static void free_pca(PyObject *capsule) {
    struct pomona_pca *pca = PyCapsule_GetPointer(capsule, PCA_HANDLE);
    pomona_pca_free(&pca);
    handle_release_parent(capsule);
}

static PyObject *wrap(struct pomona_pca *pca) {
    PyObject *handle = handle_new(pca, PCA_HANDLE, free_pca, NULL);
    if (!handle) pomona_pca_free(&pca);
    return handle;
}

/* pca_fit(moments, k, variance, max_k, standardise) */
static PyObject *pca_fit(PyObject *module, PyObject *arguments) {
    PyObject *handle;
    struct pomona_pca_options options = {0};
    int standardise;
    if (!PyArg_ParseTuple(arguments, "Oidip", &handle, &options.k, &options.variance, &options.max_k,
                          &standardise))
        return NULL;
    struct pomona_moments *moments = handle_get(handle, MOMENTS_HANDLE);
    struct pomona_pca *pca = NULL;
    struct pomona_error error = {0};
    pomona_status status;
    if (!moments) return NULL;
    options.no_standardise = !standardise;
    Py_BEGIN_ALLOW_THREADS;
    status = pomona_pca_fit(moments, &options, &pca, &error);
    Py_END_ALLOW_THREADS;
    return status == POMONA_OK ? wrap(pca) : raise_failure(module, status, &error);
}

/* pca_from_bytes(name, bytes) */
static PyObject *pca_from_bytes(PyObject *module, PyObject *arguments) {
    const char *name, *bytes;
    Py_ssize_t size;
    struct pomona_pca *pca = NULL;
    struct pomona_error error = {0};
    if (!PyArg_ParseTuple(arguments, "sy#", &name, &bytes, &size)) return NULL;
    pomona_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = pomona_pca_from_bytes(name, bytes, (size_t)size, &pca, &error);
    Py_END_ALLOW_THREADS;
    return status == POMONA_OK ? wrap(pca) : raise_failure(module, status, &error);
}

static PyObject *pca_to_bytes(PyObject *module, PyObject *handle) {
    const struct pomona_pca *pca = handle_get(handle, PCA_HANDLE);
    uint8_t *bytes;
    size_t size;
    struct pomona_error error = {0};
    if (!pca) return NULL;
    pomona_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = pomona_pca_to_bytes(pca, &bytes, &size, &error);
    Py_END_ALLOW_THREADS;
    return status == POMONA_OK ? bytes_taken(bytes, size) : raise_failure(module, status, &error);
}

/* pca_info(pca): a dict; arrays as bytes of doubles */
static PyObject *pca_info(PyObject *module, PyObject *handle) {
    (void)module;
    const struct pomona_pca *pca = handle_get(handle, PCA_HANDLE);
    struct pomona_pca_info info;
    if (!pca) return NULL;
    pomona_pca_get_info(pca, &info);
    size_t features = (size_t)info.features;
    PyObject *dict = PyDict_New();
    if (dict && dict_put(dict, "features", PyLong_FromLong(info.features)) &&
        dict_put(dict, "k", PyLong_FromLong(info.k)) && dict_put(dict, "rank", PyLong_FromLong(info.rank)) &&
        dict_put(dict, "rows", PyLong_FromLongLong(info.rows)) &&
        dict_put(dict, "standardised", PyBool_FromLong(info.standardised)) &&
        dict_put(dict, "feature_space", text_of(info.feature_space)) &&
        dict_put(dict, "hash", text_of(info.hash)) &&
        dict_put(dict, "total_variance", PyFloat_FromDouble(info.total_variance)) &&
        dict_put(dict, "eigenvalues", doubles_of(info.eigenvalues, features)) &&
        dict_put(dict, "mean", doubles_of(info.mean, features)) &&
        dict_put(dict, "scale", doubles_of(info.scale, features)) &&
        dict_put(dict, "components", doubles_of(info.components, features * (size_t)info.k)))
        return dict;
    Py_XDECREF(dict);
    return NULL;
}

/* pca_project(pca, rows, address of float [rows][features], spark, address of double [rows][k]) */
static PyObject *pca_project(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *handle, *in_number, *out_number;
    Py_ssize_t rows;
    int spark;
    void *in, *out;
    if (!PyArg_ParseTuple(arguments, "OnOpO", &handle, &rows, &in_number, &spark, &out_number)) return NULL;
    const struct pomona_pca *pca = handle_get(handle, PCA_HANDLE);
    if (!pca || !address_of(in_number, &in) || !address_of(out_number, &out)) return NULL;
    Py_BEGIN_ALLOW_THREADS;
    pomona_pca_project(pca, (size_t)rows, in, spark, out);
    Py_END_ALLOW_THREADS;
    Py_RETURN_NONE;
}

PyMethodDef pca_functions[] = {
    {"pca_fit", pca_fit, METH_VARARGS, NULL},         {"pca_from_bytes", pca_from_bytes, METH_VARARGS, NULL},
    {"pca_to_bytes", pca_to_bytes, METH_O, NULL},     {"pca_info", pca_info, METH_O, NULL},
    {"pca_project", pca_project, METH_VARARGS, NULL}, {0}};
