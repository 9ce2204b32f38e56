/* The synthetic corpus. */
#include "core.h"
#include "pomona/sample.h"

/* sample(out, count, size, classes, seed, threads, overwrite) */
static PyObject *sample(PyObject *module, PyObject *arguments) {
    struct pomona_sample_options options = {0};
    long long count;
    unsigned long long seed;
    int overwrite;
    if (!PyArg_ParseTuple(arguments, "sLiiKip", &options.out, &count, &options.size, &options.classes, &seed,
                          &options.threads, &overwrite))
        return NULL;
    options.count = count;
    options.seed = seed;
    options.overwrite = overwrite;
    struct pomona_error error = {0};
    pomona_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = pomona_sample_make(&options, &error);
    Py_END_ALLOW_THREADS;
    if (status != POMONA_OK) return raise_failure(module, status, &error);
    Py_RETURN_NONE;
}

PyMethodDef sample_functions[] = {{"sample", sample, METH_VARARGS, NULL}, {0}};
