#include "core.h"
#include "pomona/bytes.h"
#include "pomona/version.h"

#include <string.h>

enum { USAGE, INPUT, STORAGE, INTERRUPTED, BASE, EXCEPTIONS };

struct state {
    PyObject *exceptions[EXCEPTIONS];
};

static int which_exception(pomona_status status) {
    switch (status) {
    case POMONA_E_USAGE:
    case POMONA_E_EXISTS: return USAGE;
    case POMONA_E_INPUT:
    case POMONA_E_CORRUPT:
    case POMONA_E_LIMIT:
    case POMONA_E_UNSUPPORTED: return INPUT;
    case POMONA_E_IO: return STORAGE;
    case POMONA_E_INTERRUPTED: return INTERRUPTED;
    default: return BASE;
    }
}

PyObject *raise_failure(PyObject *module, pomona_status status, const struct pomona_error *error) {
    if (PyErr_Occurred()) return NULL; /* a callback failed with an exception of its own */
    if (status == POMONA_E_MEMORY) {
        PyErr_SetString(PyExc_MemoryError, error->message);
        return NULL;
    }
    struct state *state = PyModule_GetState(module);
    PyObject *type = state->exceptions[which_exception(status)];
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
    return NULL;
}

PyObject *handle_new(void *object, const char *name, PyCapsule_Destructor destructor, PyObject *parent) {
    PyObject *capsule = PyCapsule_New(object, name, destructor);
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

PyObject *doubles_of(const double *values, size_t count) {
    return PyBytes_FromStringAndSize((const char *)values, (Py_ssize_t)(count * sizeof *values));
}

PyObject *bytes_taken(uint8_t *bytes, size_t size) {
    PyObject *object = PyBytes_FromStringAndSize((const char *)bytes, (Py_ssize_t)size);
    pomona_bytes_free(&bytes);
    return object;
}

/* `code` and `where` as they are where the package itself raises, without the C library. */
static PyObject *make_exception(const char *name, const char *doc, const char *code, PyObject *base,
                                PyObject *second) {
    PyObject *bases = second ? PyTuple_Pack(2, base, second) : PyTuple_Pack(1, base);
    PyObject *attributes = Py_BuildValue("{s:s,s:s}", "code", code, "where", "");
    PyObject *type = bases && attributes ? PyErr_NewExceptionWithDoc(name, doc, bases, attributes) : NULL;
    Py_XDECREF(bases);
    Py_XDECREF(attributes);
    return type;
}

/* Puts `object` into the module, which takes a reference of its own. */
static bool publish(PyObject *module, const char *name, PyObject *object) {
    if (!object) return false;
    Py_INCREF(object); /* PyModule_AddObject keeps it, but not when it fails */
    if (PyModule_AddObject(module, name, object) == 0) return true;
    Py_DECREF(object);
    return false;
}

static int add_exceptions(PyObject *module, struct state *state) {
    static const struct {
        const char *name, *doc;
        pomona_status status;
    } kinds[] = {
        {"pomona.UsageError", "Arguments that contradict each other or are out of range.", POMONA_E_USAGE},
        {"pomona.InputError",
         "Input that is missing, of the wrong kind, damaged, beyond a bound or not supported.",
         POMONA_E_INPUT},
        {"pomona.StorageError", "The operating system or the network refused a read or a write.",
         POMONA_E_IO},
        {"pomona.InterruptedError", "Stopped on request.", POMONA_E_INTERRUPTED}};
    PyObject *const second[] = {PyExc_ValueError, PyExc_ValueError, PyExc_OSError, NULL};
    PyObject **types = state->exceptions;
    types[BASE] =
        make_exception("pomona.PomonaError",
                       "What pomona raises. `code` is a short name of the kind (\"corrupt input\"), "
                       "`where` the file, node or column at fault (may be empty).",
                       pomona_status_name(POMONA_E_INTERNAL), PyExc_Exception, NULL);
    if (!publish(module, "PomonaError", types[BASE])) return -1;
    for (int i = 0; i < BASE; i++) {
        types[i] = make_exception(kinds[i].name, kinds[i].doc, pomona_status_name(kinds[i].status),
                                  types[BASE], second[i]);
        if (!publish(module, strchr(kinds[i].name, '.') + 1, types[i])) return -1;
    }
    return 0;
}

static int start(PyObject *module) {
    static PyMethodDef *const functions[] = {model_functions, arrow_functions,      moments_functions,
                                             pca_functions,   classifier_functions, table_functions,
                                             sample_functions};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (PyModule_AddFunctions(module, functions[i]) < 0) return -1;
    if (PyModule_AddStringConstant(module, "version", POMONA_VERSION) < 0) return -1;
    return add_exceptions(module, PyModule_GetState(module));
}

static int clear(PyObject *module) {
    struct state *state = PyModule_GetState(module);
    for (int i = 0; state && i < EXCEPTIONS; i++) Py_CLEAR(state->exceptions[i]);
    return 0;
}

static int traverse(PyObject *module, visitproc visit, void *arg) {
    struct state *state = PyModule_GetState(module);
    for (int i = 0; state && i < EXCEPTIONS; i++) Py_VISIT(state->exceptions[i]);
    return 0;
}

static void release(void *module) { (void)clear(module); }

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)start}, {0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                                        .m_name = "pomona._core",
                                        .m_doc = "The C engine; see the package pomona.",
                                        .m_size = sizeof(struct state),
                                        .m_slots = slots,
                                        .m_traverse = traverse,
                                        .m_clear = clear,
                                        .m_free = release};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
