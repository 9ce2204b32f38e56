/* Classifiers: opened, asked, trained. */
#include "core.h"
#include "pomona/classifier.h"
#include "pomona/train.h"

#include <stdlib.h>

static void free_classifier(PyObject *capsule) {
    struct pomona_classifier *classifier = PyCapsule_GetPointer(capsule, CLASSIFIER_HANDLE);
    pomona_classifier_free(&classifier);
    handle_release_parent(capsule);
}

/* classifier_open(context, name, bytes or None, head or None, precision or None); None: what is in the package. */
static PyObject *classifier_open(PyObject *module, PyObject *arguments) {
    PyObject *parent;
    const char *name, *bytes;
    Py_ssize_t size;
    struct pomona_classifier_options options = {0};
    if (!PyArg_ParseTuple(arguments, "Osz#zz", &parent, &name, &bytes, &size, &options.head,
                          &options.precision))
        return NULL;
    const struct pomona_context *context = handle_get(parent, CONTEXT_HANDLE);
    struct pomona_classifier *classifier = NULL;
    struct pomona_error error = {0};
    pomona_status status;
    if (!context) return NULL;
    Py_BEGIN_ALLOW_THREADS;
    status = bytes ? pomona_classifier_open_memory(context, name, bytes, (size_t)size, &options, &classifier,
                                                   &error)
                   : pomona_classifier_open(context, NULL, &options, &classifier, &error);
    Py_END_ALLOW_THREADS;
    if (status != POMONA_OK) return raise_failure(module, status, &error);
    PyObject *handle = handle_new(classifier, CLASSIFIER_HANDLE, free_classifier, parent);
    if (!handle) pomona_classifier_free(&classifier);
    return handle;
}

static void borrow_model(PyObject *capsule) { handle_release_parent(capsule); }

/* classifier_model(classifier): its backbone, as a model. */
static PyObject *classifier_model(PyObject *module, PyObject *handle) {
    (void)module;
    const struct pomona_classifier *classifier = handle_get(handle, CLASSIFIER_HANDLE);
    if (!classifier) return NULL;
    return handle_new((void *)(uintptr_t)pomona_classifier_model(classifier), MODEL_HANDLE, borrow_model,
                      handle);
}

static PyObject *class_names(const struct pomona_classifier *classifier, int classes) {
    PyObject *names = PyList_New(classes);
    struct pomona_class entry;
    for (int i = 0; names && pomona_classifier_class(classifier, i, &entry); i++) {
        PyObject *name = text_of(entry.name);
        if (!name || PyList_SetItem(names, i, name) < 0) Py_CLEAR(names);
    }
    return names;
}

static PyObject *group_names(const struct pomona_classifier *classifier, int groups) {
    PyObject *names = PyList_New(groups);
    for (int i = 0; names && i < groups; i++) {
        PyObject *name = text_of(pomona_classifier_group(classifier, i));
        if (!name || PyList_SetItem(names, i, name) < 0) Py_CLEAR(names);
    }
    return names;
}

/* classifier_info(classifier): a dict, to be joined with that of its backbone; head_hash is of the file that holds the head */
static PyObject *classifier_info(PyObject *module, PyObject *handle) {
    (void)module;
    const struct pomona_classifier *classifier = handle_get(handle, CLASSIFIER_HANDLE);
    struct pomona_classifier_info info;
    if (!classifier) return NULL;
    pomona_classifier_get_info(classifier, &info);
    PyObject *dict = PyDict_New();
    if (dict && dict_put(dict, "kind", text_of(info.kind)) &&
        dict_put(dict, "classes", class_names(classifier, info.classes)) &&
        dict_put(dict, "groups", group_names(classifier, info.groups)) &&
        dict_put(dict, "temperature", PyFloat_FromDouble(info.temperature)) &&
        dict_put(dict, "calibration", text_of(info.calibration)) &&
        dict_put(dict, "rejects", PyBool_FromLong(info.rejects)) &&
        dict_put(dict, "threshold", PyFloat_FromDouble(info.threshold)) &&
        dict_put(dict, "labels_version", PyLong_FromLong(info.labels_version)) &&
        dict_put(dict, "head_hash", text_of(info.hash)))
        return dict;
    Py_XDECREF(dict);
    return NULL;
}

static PyObject *answer_of(const struct pomona_answer *answer) {
    static const char *const levels[] = {"fine", "coarse", "rejected"};
    return Py_BuildValue("isiddd", answer->best, levels[answer->level], answer->group, answer->probability,
                         answer->group_probability, answer->known);
}

/* classifier_run(classifier, rows, address of float [rows][features], address of double [rows][classes]):
 * [(best, level, group, probability, group_probability, known)] */
static PyObject *classifier_run(PyObject *module, PyObject *arguments) {
    PyObject *handle, *in_number, *out_number;
    Py_ssize_t rows;
    void *in, *out;
    if (!PyArg_ParseTuple(arguments, "OnOO", &handle, &rows, &in_number, &out_number)) return NULL;
    const struct pomona_classifier *classifier = handle_get(handle, CLASSIFIER_HANDLE);
    if (!classifier || !address_of(in_number, &in) || !address_of(out_number, &out)) return NULL;
    struct pomona_classifier_info info;
    struct pomona_error error = {0};
    pomona_status status;
    pomona_classifier_get_info(classifier, &info);
    double *known = calloc((size_t)rows + 1, sizeof *known);
    if (!known) return PyErr_NoMemory();
    Py_BEGIN_ALLOW_THREADS;
    status = pomona_classifier_run(classifier, (size_t)rows, in, out, known, &error);
    Py_END_ALLOW_THREADS;
    PyObject *answers = status == POMONA_OK ? PyList_New(rows) : raise_failure(module, status, &error);
    for (Py_ssize_t i = 0; answers && i < rows; i++) {
        struct pomona_answer answer;
        pomona_classifier_decide(classifier, (const double *)out + i * info.classes, known[i], &answer);
        PyObject *tuple = answer_of(&answer);
        if (!tuple || PyList_SetItem(answers, i, tuple) < 0) Py_CLEAR(answers);
    }
    free(known);
    return answers;
}

static PyObject *candidates_of(const struct pomona_train_result *result) {
    PyObject *list = PyList_New(result->candidate_count);
    for (int i = 0; list && i < result->candidate_count; i++) {
        const struct pomona_train_candidate *c = &result->candidates[i];
        PyObject *entry = Py_BuildValue("{s:s,s:d,s:d,s:d}", "head", c->head, "regularisation",
                                        c->regularisation, "top1", c->top1, "log_loss", c->log_loss);
        if (!entry || PyList_SetItem(list, i, entry) < 0) Py_CLEAR(list);
    }
    return list;
}

static PyObject *result_of(const struct pomona_train_result *result) {
    PyObject *dict = PyDict_New();
    const struct pomona_train_candidate *chosen = &result->candidates[result->chosen];
    if (dict && dict_put(dict, "rows", PyLong_FromLongLong(result->rows)) &&
        dict_put(dict, "unlabelled", PyLong_FromLongLong(result->unlabelled)) &&
        dict_put(dict, "judged", PyLong_FromLongLong(result->validation)) &&
        dict_put(dict, "classes", PyLong_FromLong(result->classes)) &&
        dict_put(dict, "head", text_of(chosen->head)) &&
        dict_put(dict, "regularisation", PyFloat_FromDouble(chosen->regularisation)) &&
        dict_put(dict, "candidates", candidates_of(result)) &&
        dict_put(dict, "top1", PyFloat_FromDouble(result->top1)) &&
        dict_put(dict, "top1_low", PyFloat_FromDouble(result->top1_low)) &&
        dict_put(dict, "top1_high", PyFloat_FromDouble(result->top1_high)) &&
        dict_put(dict, "log_loss", PyFloat_FromDouble(result->log_loss)) &&
        dict_put(dict, "ece", PyFloat_FromDouble(result->ece)) &&
        dict_put(dict, "temperature", PyFloat_FromDouble(result->temperature)) &&
        dict_put(dict, "threshold", PyFloat_FromDouble(result->threshold)) &&
        dict_put(dict, "rejected", PyFloat_FromDouble(result->rejected)) &&
        dict_put(dict, "bytes", PyLong_FromUnsignedLongLong(result->bytes)) &&
        dict_put(dict, "hash", text_of(result->hash)) &&
        dict_put(dict, "seconds", PyFloat_FromDouble(result->seconds)))
        return dict;
    Py_XDECREF(dict);
    return NULL;
}

/* Asked by the fit from time to time: Ctrl-C of Python stops it. */
static bool interrupted(void *user) {
    (void)user;
    PyGILState_STATE gil = PyGILState_Ensure();
    bool stop = PyErr_CheckSignals() != 0;
    PyGILState_Release(gil);
    return stop;
}

/* train(context, source, backbone or None, out, head, validation or None, folds, group or None, hierarchy or None, on,
 *       seed, regularisation, class_weights, false_reject, head_only, overwrite, threads) */
static PyObject *train(PyObject *module, PyObject *arguments) {
    PyObject *parent;
    const char *source;
    unsigned long long seed;
    int weights, head_only, overwrite;
    struct pomona_train_options options = {.should_stop = interrupted};
    if (!PyArg_ParseTuple(arguments, "OszszzizzzKdpdppi", &parent, &source, &options.backbone, &options.out,
                          &options.head, &options.validation, &options.folds, &options.group,
                          &options.hierarchy, &options.on, &seed, &options.regularisation, &weights,
                          &options.false_reject, &head_only, &overwrite, &options.threads))
        return NULL;
    const struct pomona_context *context = handle_get(parent, CONTEXT_HANDLE);
    if (!context) return NULL;
    options.sources = &source;
    options.source_count = 1;
    options.seed = seed;
    options.no_class_weights = !weights;
    options.head_only = head_only;
    options.overwrite = overwrite;
    struct pomona_train_result *result = calloc(1, sizeof *result);
    if (!result) return PyErr_NoMemory();
    struct pomona_error error = {0};
    pomona_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = pomona_train_run(context, &options, result, &error);
    Py_END_ALLOW_THREADS;
    PyObject *dict = status == POMONA_OK ? result_of(result) : raise_failure(module, status, &error);
    free(result);
    return dict;
}

PyMethodDef classifier_functions[] = {{"classifier_open", classifier_open, METH_VARARGS, NULL},
                                      {"classifier_model", classifier_model, METH_O, NULL},
                                      {"classifier_info", classifier_info, METH_O, NULL},
                                      {"classifier_run", classifier_run, METH_VARARGS, NULL},
                                      {"train", train, METH_VARARGS, NULL},
                                      {0}};
