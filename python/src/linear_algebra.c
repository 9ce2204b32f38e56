/* stats/fit/eigen.h and stats/fit/cholesky.h for the Python package: NumPy's LAPACK, which is there anyway, in place of one in the
 * wheel (docs/decisions/0010-the-wheel-borrows-numpy-s-lapack.md). Called without the GIL, from any thread. */
#include "core.h"
#include "stats/fit/cholesky.h"
#include "stats/fit/eigen.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { WRITABLE = 0x200 /* PyBUF_WRITE, which the headers of the stable ABI leave out before 3.11 */ };

struct eigen {
    int n;
    double *vectors; /* [n][n] in columns, ascending, as numpy.linalg.eigh gives them */
};

/* A double array [rows][columns] over memory that outlives the call: numpy.frombuffer(memoryview).reshape. New reference. */
static PyObject *array_over(PyObject *numpy, double *data, Py_ssize_t rows, Py_ssize_t columns) {
    PyObject *view =
        PyMemoryView_FromMemory((char *)data, rows * columns * (Py_ssize_t)sizeof *data, WRITABLE);
    PyObject *flat = view ? PyObject_CallMethod(numpy, "frombuffer", "Os", view, "d") : NULL;
    PyObject *array = flat ? PyObject_CallMethod(flat, "reshape", "nn", rows, columns) : NULL;
    Py_XDECREF(view);
    Py_XDECREF(flat);
    return array;
}

/* Copies array-like `from` into the array `to`. */
static bool copy_into(PyObject *numpy, PyObject *to, PyObject *from) {
    PyObject *none = to && from ? PyObject_CallMethod(numpy, "copyto", "OO", to, from) : NULL;
    Py_XDECREF(none);
    return none != NULL;
}

/* What Python raised, as a value: out of memory, or an internal error with its own text. */
static pomona_status python_failed(const char *what, struct pomona_error *error) {
    PyObject *type, *value, *trace;
    bool memory = PyErr_ExceptionMatches(PyExc_MemoryError);
    PyErr_Fetch(&type, &value, &trace);
    PyObject *text = value ? PyObject_Str(value) : NULL;
    PyObject *bytes = text ? PyUnicode_AsUTF8String(text) : NULL;
    char *reason = NULL;
    if (bytes) (void)PyBytes_AsStringAndSize(bytes, &reason, NULL);
    pomona_status status = memory ? fail_memory(error, what)
                                  : fail(error, POMONA_E_INTERNAL, NULL, "%s: not found: %s", what,
                                         reason ? reason : "no reason given");
    Py_XDECREF(bytes);
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    PyErr_Clear();
    return status;
}

/* numpy and numpy.linalg, new references; NULLs with an exception set. */
static void import_both(PyObject **numpy, PyObject **linalg) {
    *numpy = PyImport_ImportModule("numpy");
    *linalg = *numpy ? PyImport_ImportModule("numpy.linalg") : NULL;
}

static bool find_eigen(int n, double *matrix, double *values, double *vectors) {
    PyObject *numpy, *linalg;
    import_both(&numpy, &linalg);
    PyObject *array = numpy ? array_over(numpy, matrix, n, n) : NULL;
    PyObject *pair = linalg && array ? PyObject_CallMethod(linalg, "eigh", "O", array) : NULL;
    PyObject *found = pair ? PySequence_GetItem(pair, 0) : NULL,
             *columns = pair ? PySequence_GetItem(pair, 1) : NULL;
    PyObject *to_values = found ? array_over(numpy, values, 1, n) : NULL;
    PyObject *to_vectors = columns ? array_over(numpy, vectors, n, n) : NULL;
    bool done = copy_into(numpy, to_values, found) && copy_into(numpy, to_vectors, columns);
    PyObject *const used[] = {numpy, linalg, array, pair, found, columns, to_values, to_vectors};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) Py_XDECREF(used[i]);
    return done;
}

pomona_status eigen_new(int n, double *matrix, double *values, struct eigen **eigen,
                        struct pomona_error *error) {
    size_t size = (size_t)n;
    *eigen = calloc(1, sizeof **eigen);
    if (!*eigen) return fail_memory(error, "eigenvalues");
    (*eigen)->n = n;
    (*eigen)->vectors = calloc(size * size, sizeof(double));
    pomona_status status = (*eigen)->vectors ? POMONA_OK : fail_memory(error, "eigenvectors");
    if (status == POMONA_OK) {
        PyGILState_STATE gil = PyGILState_Ensure();
        if (!find_eigen(n, matrix, values, (*eigen)->vectors)) status = python_failed("eigenvalues", error);
        PyGILState_Release(gil);
    }
    if (status != POMONA_OK) {
        eigen_free(eigen);
        return status;
    }
    for (size_t i = 0; i < size / 2; i++) { /* ascending to descending */
        double swap = values[i];
        values[i] = values[size - 1 - i];
        values[size - 1 - i] = swap;
    }
    return POMONA_OK;
}

pomona_status eigen_vectors(struct eigen *eigen, int k, double *vectors, struct pomona_error *error) {
    (void)error;
    size_t n = (size_t)eigen->n;
    for (size_t c = 0; c < (size_t)k; c++)
        for (size_t i = 0; i < n; i++) vectors[c * n + i] = eigen->vectors[i * n + (n - 1 - c)];
    return POMONA_OK;
}

void eigen_free(struct eigen **eigen) {
    if (!eigen || !*eigen) return;
    free((*eigen)->vectors);
    free(*eigen);
    *eigen = NULL;
}

/* The lower Cholesky factor of a matrix in `factor` [n][n] (which may be the matrix itself), or its inverse there. False with an
 * exception set: LinAlgError where there is no factor. */
static bool decompose(int n, double *matrix, double *factor, const char *function) {
    PyObject *numpy, *linalg;
    import_both(&numpy, &linalg);
    PyObject *array = linalg ? array_over(numpy, matrix, n, n) : NULL;
    PyObject *found = array ? PyObject_CallMethod(linalg, function, "O", array) : NULL;
    PyObject *to = found ? array_over(numpy, factor, n, n) : NULL;
    bool done = to && copy_into(numpy, to, found);
    PyObject *const used[] = {numpy, linalg, array, found, to};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) Py_XDECREF(used[i]);
    return done;
}

static pomona_status too_little(struct pomona_error *error) {
    return fail(error, POMONA_E_INPUT, NULL,
                "the covariance of the features is not positive definite: more regularisation is needed");
}

/* With the GIL, after decompose: what it means that there is no factor. */
static pomona_status no_factor(struct pomona_error *error) {
    if (PyErr_ExceptionMatches(PyExc_MemoryError) || PyErr_ExceptionMatches(PyExc_ImportError))
        return python_failed("Cholesky factor", error);
    PyErr_Clear(); /* LinAlgError */
    return too_little(error);
}

pomona_status cholesky_invert(int n, double *matrix, struct pomona_error *error) {
    size_t size = (size_t)n;
    double *factor = calloc(size * size, sizeof *factor);
    if (!factor) return fail_memory(error, "Cholesky factor");
    PyGILState_STATE gil = PyGILState_Ensure();
    pomona_status status = POMONA_OK;
    if (!decompose(n, matrix, factor, "cholesky"))
        status = no_factor(error);
    else if (!decompose(n, matrix, matrix, "inv"))
        status = python_failed("inverse", error);
    PyGILState_Release(gil);
    free(factor);
    return status;
}

/* L L^T x = b, L row by row, x in place of b [n]. */
static void substitute(size_t n, const double *factor, double *b) {
    for (size_t i = 0; i < n; i++) {
        double sum = b[i];
        for (size_t j = 0; j < i; j++) sum -= factor[i * n + j] * b[j];
        b[i] = sum / factor[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        b[i] /= factor[i * n + i];
        for (size_t j = 0; j < i; j++) b[j] -= factor[i * n + j] * b[i];
    }
}

pomona_status cholesky_solve(int n, double *matrix, int count, double *b, struct pomona_error *error) {
    size_t size = (size_t)n;
    double largest = 0;
    for (size_t i = 0; i < size; i++)
        largest = matrix[i * (size + 1)] > largest ? matrix[i * (size + 1)] : largest;
    PyGILState_STATE gil = PyGILState_Ensure();
    pomona_status status = decompose(n, matrix, matrix, "cholesky") ? POMONA_OK : no_factor(error);
    PyGILState_Release(gil);
    if (status != POMONA_OK) return status;
    for (size_t i = 0; i < size; i++) { /* as in src/stats/fit/cholesky.c */
        double diagonal = matrix[i * (size + 1)];
        if (!(diagonal * diagonal > n * DBL_EPSILON * largest)) return too_little(error);
    }
    for (int row = 0; row < count; row++) substitute(size, matrix, b + (size_t)row * size);
    return POMONA_OK;
}
