/* What both extensions of the package need: failures, handles, texts. */
#include "core.h"

#include <string.h>

/* The name of the exception of a status; every extension has all of them as attributes. */
static const char *which_exception(pomona_status status) {
    switch (status) {
    case POMONA_E_USAGE:
    case POMONA_E_EXISTS: return "UsageError";
    case POMONA_E_INPUT:
    case POMONA_E_CORRUPT:
    case POMONA_E_LIMIT:
    case POMONA_E_UNSUPPORTED: return "InputError";
    case POMONA_E_IO: return "StorageError";
    case POMONA_E_INTERRUPTED: return "InterruptedError";
    default: return "PomonaError";
    }
}

PyObject *raise_failure(PyObject *module, pomona_status status, const struct pomona_error *error) {
    if (PyErr_Occurred()) return NULL; /* a callback failed with an exception of its own */
    if (status == POMONA_E_MEMORY) {
        PyErr_SetString(PyExc_MemoryError, error->message);
        return NULL;
    }
    PyObject *type = PyObject_GetAttrString(module, which_exception(status));
    if (!type) return NULL;
    PyObject *message = text_of(error->message);
    PyObject *raised = message ? PyObject_CallFunctionObjArgs(type, message, NULL) : NULL;
    PyObject *code = text_of(pomona_status_name(status)), *where = text_of(error->where);
    if (raised && code && where && PyObject_SetAttrString(raised, "code", code) == 0 &&
        PyObject_SetAttrString(raised, "where", where) == 0)
        PyErr_SetObject(type, raised);
    Py_XDECREF(message);
    Py_XDECREF(code);
    Py_XDECREF(where);
    Py_XDECREF(raised);
    Py_DECREF(type);
    return NULL;
}

PyObject *handle_new(void *object, const char *name, PyCapsule_Destructor free_object, PyObject *parent) {
    PyObject *capsule = PyCapsule_New(object, name, free_object);
    if (!capsule) return NULL;
    Py_XINCREF(parent);
    PyCapsule_SetContext(capsule, parent);
    return capsule;
}

void handle_release_parent(PyObject *capsule) {
    PyObject *parent = PyCapsule_GetContext(capsule);
    Py_XDECREF(parent);
}

bool address_of(PyObject *number, void **address) {
    *address = PyLong_AsVoidPtr(number);
    return *address || !PyErr_Occurred();
}

bool dict_put(PyObject *dict, const char *key, PyObject *value) {
    bool done = value && PyDict_SetItemString(dict, key, value) == 0;
    Py_XDECREF(value);
    return done;
}

PyObject *text_of(const char *text) {
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
}

bool text_from(PyObject *object, PyObject **bytes, const char **text) {
    char *data = NULL;
    *bytes = NULL;
    *text = NULL;
    if (!object) return false;
    if (object == Py_None) return true;
    *bytes = PyUnicode_AsEncodedString(object, "utf-8", "surrogateescape");
    if (!*bytes || PyBytes_AsStringAndSize(*bytes, &data, NULL) < 0) return false;
    *text = data;
    return true;
}

bool publish(PyObject *module, const char *name, PyObject *object) {
    if (!object) return false;
    if (PyModule_AddObject(module, name, object) == 0) return true;
    Py_DECREF(object); /* it keeps the reference, but not when it fails */
    return false;
}
