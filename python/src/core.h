/* The C side of the Python package: thin, no policy. Functions take and give plain Python objects, handles (capsules) and, for
 * arrays, addresses: the package makes the arrays, checks dtype and shape, and keeps them alive during the call.
 * Written against CPython's stable ABI (Python 3.9), so one build serves every later version. The GIL is released around all
 * that takes time. */
#ifndef PYTHON_CORE_H
#define PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#include "pomona/context.h"
#include "pomona/status.h"

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

/* Raises the Python exception of a status, which is an attribute of the module, with `code` and `where` as attributes. Returns NULL. */
PyObject *raise_failure(PyObject *module, pomona_status status, const struct pomona_error *error);

/* Handles: capsules that own a C object and keep the Python object that it needs (`parent`, may be NULL) alive. */
#define CONTEXT_HANDLE    "pomona.context"
#define MODEL_HANDLE      "pomona.model"
#define EXTRACTOR_HANDLE  "pomona.extractor"
#define MOMENTS_HANDLE    "pomona.moments"
#define PCA_HANDLE        "pomona.pca"
#define CLASSIFIER_HANDLE "pomona.classifier"

PyObject *handle_new(void *object, const char *name, PyCapsule_Destructor free_object, PyObject *parent);

/* Drops the parent; every destructor ends with it. */
void handle_release_parent(PyObject *capsule);

/* The object of a handle; NULL with TypeError for anything else. */
static inline void *handle_get(PyObject *capsule, const char *name) {
    return PyCapsule_GetPointer(capsule, name);
}

/* Puts `object` (a new reference, NULL after a failure) into the module. False with an exception set. */
bool publish(PyObject *module, const char *name, PyObject *object);

/* An address that the package passes as an int; false with an exception set. */
bool address_of(PyObject *number, void **address);

/* Puts `value` (a new reference, NULL after a failure) into a dict and drops it. False with an exception set. */
bool dict_put(PyObject *dict, const char *key, PyObject *value);

/* A str of UTF-8, whatever the locale; bytes that are none become surrogates, as Python has them in file names. */
PyObject *text_of(const char *text);

/* The other way: a str as terminated UTF-8 that *bytes (a new reference) keeps alive, None as NULL. False with an exception set,
 * also for a NUL inside. */
bool text_from(PyObject *object, PyObject **bytes, const char **text);

/* A block of doubles as bytes, for numpy.frombuffer. */
PyObject *doubles_of(const double *values, size_t count);

/* Bytes that the library made, as a Python object; frees them. */
PyObject *bytes_taken(uint8_t *bytes, size_t size);

/* The functions of each file, ended by an entry of zeros. */
extern PyMethodDef model_functions[], arrow_functions[], moments_functions[], pca_functions[],
    classifier_functions[], table_functions[], sample_functions[];

#endif
