#include "core.h"
#include "pomona/bytes.h"
#include "pomona/version.h"

#include <string.h>

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

static int add_exceptions(PyObject *module) {
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
    PyObject *base =
        make_exception("pomona.PomonaError",
                       "What pomona raises. `code` is a short name of the kind (\"corrupt input\"), "
                       "`where` the file, node or column at fault (may be empty).",
                       pomona_status_name(POMONA_E_INTERNAL), PyExc_Exception, NULL);
    if (!publish(module, "PomonaError", base)) return -1; /* the module keeps it */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        PyObject *type =
            make_exception(kinds[i].name, kinds[i].doc, pomona_status_name(kinds[i].status), base, second[i]);
        if (!publish(module, strchr(kinds[i].name, '.') + 1, type)) return -1;
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
    return add_exceptions(module);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)start}, {0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "pomona._core",
                                        .m_doc = "The C engine; see the package pomona.", .m_size = 0,
                                        .m_slots = slots};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
