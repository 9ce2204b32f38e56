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

/* matrix x = b^T for b [count][n], in place of b; count 0: the inverse, in place of the matrix. */
static bool solve(int n, double *matrix, int count, double *b) {
    PyObject *numpy, *linalg;
    import_both(&numpy, &linalg);
    PyObject *array = numpy ? array_over(numpy, matrix, n, n) : NULL, *right = NULL, *turned = NULL,
             *found = NULL;
    bool done = false;
    if (count > 0) {
        right = array ? array_over(numpy, b, count, n) : NULL;
        turned = right ? PyObject_GetAttrString(right, "T") : NULL;
        found = turned && linalg ? PyObject_CallMethod(linalg, "solve", "OO", array, turned) : NULL;
        done = found && copy_into(numpy, turned, found);
    } else {
        found = array && linalg ? PyObject_CallMethod(linalg, "inv", "O", array) : NULL;
        done = found && copy_into(numpy, array, found);
    }
    PyObject *const used[] = {numpy, linalg, array, right, turned, found};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) Py_XDECREF(used[i]);
    return done;
}

/* Whether the matrix has a Cholesky factor, and (with `margin`) one whose squared diagonal is not what rounding leaves of a 0, the
 * bound of src/stats/fit/cholesky.c. False with an exception set where there is no factor. */
static bool is_definite(int n, double *matrix, bool margin) {
    PyObject *numpy, *linalg;
    import_both(&numpy, &linalg);
    PyObject *array = numpy ? array_over(numpy, matrix, n, n) : NULL;
    PyObject *factor = linalg && array ? PyObject_CallMethod(linalg, "cholesky", "O", array) : NULL;
    PyObject *diagonal = factor ? PyObject_CallMethod(factor, "diagonal", NULL) : NULL;
    PyObject *least = diagonal ? PyObject_CallMethod(diagonal, "min", NULL) : NULL;
    double smallest = least ? PyFloat_AsDouble(least) : 0, largest = 0;
    for (size_t i = 0; i < (size_t)n; i++) {
        double value = matrix[i * ((size_t)n + 1)];
        largest = value > largest ? value : largest;
    }
    PyObject *const used[] = {numpy, linalg, array, factor, diagonal, least};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) Py_XDECREF(used[i]);
    return smallest > 0 && (!margin || smallest * smallest > n * DBL_EPSILON * largest);
}

/* With the GIL. */
static pomona_status solve_definite(int n, double *matrix, int count, double *b, struct pomona_error *error) {
    if (is_definite(n, matrix, count > 0))
        return solve(n, matrix, count, b) ? POMONA_OK : python_failed("solution", error);
    if (PyErr_Occurred() &&
        (PyErr_ExceptionMatches(PyExc_MemoryError) || PyErr_ExceptionMatches(PyExc_ImportError)))
        return python_failed("Cholesky factor", error);
    PyErr_Clear(); /* LinAlgError */
    return fail(error, POMONA_E_INPUT, NULL,
                "the covariance of the features is not positive definite: more regularisation is needed");
}

pomona_status cholesky_invert(int n, double *matrix, struct pomona_error *error) {
    PyGILState_STATE gil = PyGILState_Ensure();
    pomona_status status = solve_definite(n, matrix, 0, NULL, error);
    PyGILState_Release(gil);
    return status;
}

pomona_status cholesky_solve(int n, double *matrix, int count, double *b, struct pomona_error *error) {
    PyGILState_STATE gil = PyGILState_Ensure();
    pomona_status status = solve_definite(n, matrix, count, b, error);
    PyGILState_Release(gil);
    return status;
}
