/* Contexts, models and extractors. */
#include "core.h"
#include "pomona/extractor.h"
#include "pomona/model.h"

#include <stdlib.h>
#include <string.h>

static void free_context(PyObject *capsule) {
    struct pomona_context *context = PyCapsule_GetPointer(capsule, CONTEXT_HANDLE);
    pomona_context_free(&context);
    handle_release_parent(capsule);
}

static void free_model(PyObject *capsule) {
    struct pomona_model *model = PyCapsule_GetPointer(capsule, MODEL_HANDLE);
    pomona_model_free(&model);
    handle_release_parent(capsule);
}

static void free_extractor(PyObject *capsule) {
    struct pomona_extractor *extractor = PyCapsule_GetPointer(capsule, EXTRACTOR_HANDLE);
    pomona_extractor_free(&extractor);
    handle_release_parent(capsule);
}

/* context_new(tier or None) */
static PyObject *context_new(PyObject *module, PyObject *arguments) {
    const char *name;
    pomona_tier tier = POMONA_TIER_AUTO;
    struct pomona_context *context;
    struct pomona_error error = {0};
    if (!PyArg_ParseTuple(arguments, "z", &name)) return NULL;
    pomona_status status = name ? pomona_tier_parse(name, &tier, &error) : POMONA_OK;
    if (status == POMONA_OK) status = pomona_context_new(tier, &context, &error);
    if (status != POMONA_OK) return raise_failure(module, status, &error);
    PyObject *handle = handle_new(context, CONTEXT_HANDLE, free_context, NULL);
    if (!handle) pomona_context_free(&context);
    return handle;
}

static PyObject *context_tier(PyObject *module, PyObject *handle) {
    (void)module;
    const struct pomona_context *context = handle_get(handle, CONTEXT_HANDLE);
    return context ? text_of(pomona_tier_name(pomona_context_tier(context))) : NULL;
}

static PyObject *cpu_threads(PyObject *module, PyObject *nothing) {
    (void)module, (void)nothing;
    return PyLong_FromLong(pomona_cpu_threads());
}

/* model_open(context, name, bytes or None, layer, profile, views, decode, size, precision); None: the embedded network. */
static PyObject *model_open(PyObject *module, PyObject *arguments) {
    PyObject *parent, *data;
    const char *name;
    struct pomona_model_options options = {0};
    if (!PyArg_ParseTuple(arguments, "OzOzzzziz", &parent, &name, &data, &options.layer, &options.profile,
                          &options.views, &options.decode, &options.size, &options.precision))
        return NULL;
    const struct pomona_context *context = handle_get(parent, CONTEXT_HANDLE);
    char *bytes = NULL;
    Py_ssize_t size = 0;
    if (!context || (data != Py_None && PyBytes_AsStringAndSize(data, &bytes, &size) < 0)) return NULL;
    struct pomona_model *model = NULL;
    struct pomona_error error = {0};
    pomona_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = bytes ? pomona_model_open_memory(context, name, bytes, (size_t)size, &options, &model, &error)
                   : pomona_model_open_embedded(context, &options, &model, &error);
    Py_END_ALLOW_THREADS;
    if (status != POMONA_OK) return raise_failure(module, status, &error);
    PyObject *handle = handle_new(model, MODEL_HANDLE, free_model, parent);
    if (!handle) pomona_model_free(&model);
    return handle;
}

/* model_info(model): a dict of pomona_model_info. */
static PyObject *model_info(PyObject *module, PyObject *handle) {
    (void)module;
    const struct pomona_model *model = handle_get(handle, MODEL_HANDLE);
    struct pomona_model_info info;
    char profile[POMONA_PROFILE_TEXT_MAX], profile_hash[POMONA_HASH_TEXT_SIZE];
    if (!model) return NULL;
    pomona_model_get_info(model, &info);
    pomona_profile_format(&info.profile, profile);
    pomona_profile_hash(&info.profile, profile_hash);
    PyObject *dict = PyDict_New();
    if (dict && dict_put(dict, "name", text_of(info.name)) && dict_put(dict, "layer", text_of(info.layer)) &&
        dict_put(dict, "hash", text_of(info.hash)) &&
        dict_put(dict, "feature_space", text_of(info.feature_space)) &&
        dict_put(dict, "precision", text_of(pomona_precision_name(info.precision))) &&
        dict_put(dict, "quantised", PyBool_FromLong(info.quantised)) &&
        dict_put(dict, "profile", text_of(profile)) &&
        dict_put(dict, "profile_hash", text_of(profile_hash)) &&
        dict_put(dict, "profile_assumed", PyBool_FromLong(info.profile_assumed)) &&
        dict_put(dict, "has_head", PyBool_FromLong(info.has_head)) &&
        dict_put(dict, "untrained", PyBool_FromLong(info.untrained)) &&
        dict_put(dict, "width", PyLong_FromLong(info.input_width)) &&
        dict_put(dict, "height", PyLong_FromLong(info.input_height)) &&
        dict_put(dict, "views", PyLong_FromLong(info.views)) &&
        dict_put(dict, "features", PyLong_FromLong(info.features)) &&
        dict_put(dict, "macs", PyLong_FromUnsignedLongLong(info.macs)) &&
        dict_put(dict, "weight_bytes", PyLong_FromUnsignedLongLong(info.weight_bytes)))
        return dict;
    Py_XDECREF(dict);
    return NULL;
}

/* extractor_new(context, model, batch) */
static PyObject *extractor_new(PyObject *module, PyObject *arguments) {
    PyObject *context_handle, *model_handle;
    int batch;
    if (!PyArg_ParseTuple(arguments, "OOi", &context_handle, &model_handle, &batch)) return NULL;
    const struct pomona_context *context = handle_get(context_handle, CONTEXT_HANDLE);
    const struct pomona_model *model = context ? handle_get(model_handle, MODEL_HANDLE) : NULL;
    struct pomona_extractor *extractor;
    struct pomona_error error = {0};
    if (!model) return NULL;
    pomona_status status = pomona_extractor_new(context, model, batch, &extractor, &error);
    if (status != POMONA_OK) return raise_failure(module, status, &error);
    PyObject *parents = PyTuple_Pack(2, context_handle, model_handle);
    PyObject *handle = parents ? handle_new(extractor, EXTRACTOR_HANDLE, free_extractor, parents) : NULL;
    Py_XDECREF(parents);
    if (!handle) pomona_extractor_free(&extractor);
    return handle;
}

/* Fills photos from the lists of bytes and of names (bytes, terminated). False with an exception set. */
static bool gather(PyObject *contents, PyObject *names, float *features, size_t width, Py_ssize_t count,
                   struct pomona_photo *photos, struct pomona_error *causes) {
    for (Py_ssize_t i = 0; i < count; i++) {
        char *bytes, *name;
        Py_ssize_t size;
        if (PyBytes_AsStringAndSize(PyList_GetItem(contents, i), &bytes, &size) < 0 ||
            PyBytes_AsStringAndSize(PyList_GetItem(names, i), &name, NULL) < 0)
            return false;
        photos[i] = (struct pomona_photo){.name = name,
                                          .bytes = bytes,
                                          .size = (size_t)size,
                                          .features = features + (size_t)i * width,
                                          .cause = &causes[i]};
    }
    return true;
}

/* [None or why it failed, ...] */
static PyObject *reasons_of(const struct pomona_photo *photos, Py_ssize_t count) {
    PyObject *reasons = PyList_New(count);
    for (Py_ssize_t i = 0; reasons && i < count; i++) {
        PyObject *reason = Py_None;
        if (photos[i].status == POMONA_OK)
            Py_INCREF(reason);
        else
            reason = text_of(photos[i].cause->message);
        if (!reason || PyList_SetItem(reasons, i, reason) < 0) Py_CLEAR(reasons);
    }
    return reasons;
}

/* extractor_run(extractor, width, [bytes], [name as bytes], address of float [photos][width]): [None or reason] */
static PyObject *extractor_run(PyObject *module, PyObject *arguments) {
    PyObject *handle, *contents, *names, *number;
    Py_ssize_t width;
    void *features;
    if (!PyArg_ParseTuple(arguments, "OnOOO", &handle, &width, &contents, &names, &number)) return NULL;
    struct pomona_extractor *extractor = handle_get(handle, EXTRACTOR_HANDLE);
    Py_ssize_t count = PyList_Size(contents);
    if (!extractor || count < 0 || !address_of(number, &features)) return NULL;
    if (PyList_Size(names) != count) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "as many names as photos are needed");
        return NULL;
    }
    struct pomona_photo *photos = calloc((size_t)count + 1, sizeof *photos);
    struct pomona_error *causes = calloc((size_t)count + 1, sizeof *causes), error = {0};
    PyObject *reasons = NULL;
    if (!photos || !causes) {
        PyErr_NoMemory();
    } else if (gather(contents, names, features, (size_t)width, count, photos, causes)) {
        pomona_status status;
        Py_BEGIN_ALLOW_THREADS;
        status = pomona_extractor_run(extractor, photos, (size_t)count, &error);
        Py_END_ALLOW_THREADS;
        reasons = status == POMONA_OK ? reasons_of(photos, count) : raise_failure(module, status, &error);
    }
    free(photos);
    free(causes);
    return reasons;
}

/* extractor_seconds(extractor): (decode, resize, net) */
static PyObject *extractor_seconds(PyObject *module, PyObject *handle) {
    (void)module;
    const struct pomona_extractor *extractor = handle_get(handle, EXTRACTOR_HANDLE);
    double decode, resize, net;
    if (!extractor) return NULL;
    pomona_extractor_seconds(extractor, &decode, &resize, &net);
    return Py_BuildValue("ddd", decode, resize, net);
}

PyMethodDef model_functions[] = {{"context_new", context_new, METH_VARARGS, NULL},
                                 {"context_tier", context_tier, METH_O, NULL},
                                 {"cpu_threads", cpu_threads, METH_NOARGS, NULL},
                                 {"model_open", model_open, METH_VARARGS, NULL},
                                 {"model_info", model_info, METH_O, NULL},
                                 {"extractor_new", extractor_new, METH_VARARGS, NULL},
                                 {"extractor_run", extractor_run, METH_VARARGS, NULL},
                                 {"extractor_seconds", extractor_seconds, METH_O, NULL},
                                 {0}};
