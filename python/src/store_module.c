/* pomona._store: listing and reading photos wherever they lie. An extension of its own, so that `import pomona` loads no network. The
 * store room has no public header for this, so its own are included. */
#include "ahead.h"
#include "core.h"
#include "pomona/places.h"
#include "store/listing_place.h"
#include "store/pack_finder.h"
#include "store/place.h"

#include <stdlib.h>
#include <string.h>

#define PLACES_HANDLE "pomona.places"
#define AHEAD_HANDLE  "pomona.ahead"

enum { LOOK_MILLISECONDS = 200, WINDOW_MIN = 64 };

static void free_places(PyObject *capsule) {
    struct pomona_places *places = handle_get(capsule, PLACES_HANDLE);
    pomona_places_free(&places);
}

/* places(endpoint_url, region, profile, addressing, anonymous, requests): handle */
static PyObject *places_new(PyObject *module, PyObject *arguments) {
    struct pomona_places_options options = {0};
    int anonymous;
    if (!PyArg_ParseTuple(arguments, "zzzzpi", &options.endpoint_url, &options.region, &options.profile,
                          &options.addressing, &anonymous, &options.requests))
        return NULL;
    options.anonymous = anonymous;
    struct pomona_places *places = NULL;
    struct pomona_error error = {0};
    pomona_status status = pomona_places_new(&options, &places, &error);
    if (status != POMONA_OK) return raise_failure(module, status, &error);
    PyObject *handle = handle_new(places, PLACES_HANDLE, free_places, NULL);
    if (!handle) pomona_places_free(&places);
    return handle;
}

static pomona_status list_all(struct pomona_places *places, const char *uri, const char *glob,
                              struct listing *listing, struct pomona_error *error) {
    if (!place_is_remote(uri))
        return listing_walk(strncmp(uri, "file:/", 6) == 0 ? uri + 5 : uri, glob, NULL, NULL, listing, error);
    const struct pack_finder_options options = {.places = places};
    struct pack_finder *finder;
    pomona_status status = pack_finder_new(&options, &finder, error);
    if (status == POMONA_OK) status = listing_place(places, uri, glob, finder, listing, error);
    pack_finder_free(&finder);
    return status;
}

/* The path inside a name, where the name alone tells it: "file:/a/b" is "/a/b". */
static const char *path_in(const char *name) {
    if (strncmp(name, "file:/", 6) != 0) return name;
    return strncmp(name, "file:///", 8) == 0 ? name + 7 : name + 5;
}

/* (name, label, size, modified, source, offset); steals `label`. What cannot be told from the name: source, the path as bytes, or None;
 * offset in it, or None where it is no shard. */
static PyObject *photo_tuple(const struct listed_photo *photo, PyObject *label) {
    PyObject *name = text_of(photo->uri), *source = Py_None, *offset = Py_None;
    Py_INCREF(source);
    Py_INCREF(offset);
    if (photo->packed || strcmp(path_in(photo->uri), photo->path) != 0) {
        Py_DECREF(source);
        source = PyBytes_FromString(photo->path);
    }
    if (photo->packed) {
        Py_DECREF(offset);
        offset = PyLong_FromUnsignedLongLong(photo->offset);
    }
    if (!name || !label || !source || !offset) {
        Py_XDECREF(name);
        Py_XDECREF(label);
        Py_XDECREF(source);
        Py_XDECREF(offset);
        return NULL;
    }
    return Py_BuildValue("(NNKLNN)", name, label, (unsigned long long)photo->size, (long long)photo->modified,
                         source, offset);
}

static PyObject *listed(const struct listing *listing) {
    PyObject *list = PyList_New((Py_ssize_t)listing->count), *label = NULL;
    const char *last = NULL;
    for (size_t i = 0; list && i < listing->count; i++) {
        const struct listed_photo *photo = &listing->photos[i];
        if (!label || photo->label != last) { /* neighbours share it */
            Py_XDECREF(label);
            label = text_of(photo->label);
            last = photo->label;
        }
        Py_XINCREF(label);
        PyObject *tuple = photo_tuple(photo, label);
        if (!tuple || PyList_SetItem(list, (Py_ssize_t)i, tuple) < 0) Py_CLEAR(list);
    }
    Py_XDECREF(label);
    return list;
}

/* list(places, uri, glob): list of tuples, sorted by name */
static PyObject *list_photos(PyObject *module, PyObject *arguments) {
    PyObject *handle, *uri_object, *uri_bytes;
    const char *uri, *glob;
    if (!PyArg_ParseTuple(arguments, "OUs", &handle, &uri_object, &glob)) return NULL;
    struct pomona_places *places = handle_get(handle, PLACES_HANDLE);
    if (!places || !text_from(uri_object, &uri_bytes, &uri)) return NULL;
    struct listing listing = LISTING_INIT;
    struct pomona_error error = {0};
    pomona_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = list_all(places, uri, glob, &listing, &error);
    Py_END_ALLOW_THREADS;
    PyObject *list = status == POMONA_OK ? listed(&listing) : raise_failure(module, status, &error);
    listing_free(&listing);
    Py_DECREF(uri_bytes);
    return list;
}

/* Adds the photo of (name, size, source, offset). False with an exception set. */
static bool add_photo(struct listing *listing, PyObject *tuple) {
    PyObject *name_object, *source, *offset, *name_bytes;
    unsigned long long from = 0;
    long long size;
    const char *name, *path;
    if (!PyArg_ParseTuple(tuple, "ULOO", &name_object, &size, &source, &offset)) return false;
    if (size < 0) {
        PyErr_SetString(PyExc_ValueError, "the size of a photo is negative");
        return false;
    }
    if (!text_from(name_object, &name_bytes, &name)) return false;
    path = path_in(name);
    char *bytes = NULL;
    bool good = source == Py_None || PyBytes_AsStringAndSize(source, &bytes, NULL) == 0;
    if (bytes) path = bytes;
    if (good && offset != Py_None) {
        from = PyLong_AsUnsignedLongLong(offset);
        good = !PyErr_Occurred();
    }
    if (good) {
        struct listed_photo photo = {
            .label = "", .size = (uint64_t)size, .offset = from, .packed = offset != Py_None};
        photo.uri = arena_copy_text(&listing->arena, name, strlen(name));
        photo.path = place_is_remote(path) ? arena_copy_text(&listing->arena, path, strlen(path))
                                           : path_absolute(&listing->arena, path);
        good = photo.uri && photo.path && listing_append(listing, &photo, NULL) == POMONA_OK;
        if (!good) PyErr_NoMemory();
    }
    Py_DECREF(name_bytes);
    return good;
}

static void free_ahead(PyObject *capsule) {
    struct ahead *ahead = handle_get(capsule, AHEAD_HANDLE);
    ahead_free(&ahead); /* its thread never asks for the GIL */
    handle_release_parent(capsule);
}

/* read(places, list of (name, size, source, offset), requests, bytes ahead): handle */
static PyObject *read_photos(PyObject *module, PyObject *arguments) {
    PyObject *handle, *list;
    int requests;
    unsigned long long bytes;
    if (!PyArg_ParseTuple(arguments, "OOiK", &handle, &list, &requests, &bytes)) return NULL;
    struct pomona_places *places = handle_get(handle, PLACES_HANDLE);
    Py_ssize_t count = places ? PyList_Size(list) : -1;
    if (count < 0) return NULL;
    struct listing listing = LISTING_INIT;
    for (Py_ssize_t i = 0; i < count; i++)
        if (!add_photo(&listing, PyList_GetItem(list, i))) {
            listing_free(&listing);
            return NULL;
        }
    struct ahead *ahead = NULL;
    struct pomona_error error = {0};
    size_t window = requests > WINDOW_MIN / 2 ? 2 * (size_t)requests : WINDOW_MIN;
    pomona_status status = ahead_new(places, &listing, window, bytes, &ahead, &error);
    if (status != POMONA_OK) return raise_failure(module, status, &error);
    PyObject *reading = handle_new(ahead, AHEAD_HANDLE, free_ahead, handle);
    if (!reading) ahead_free(&ahead);
    return reading;
}

static PyObject *taken(struct ahead_photo *photo) {
    PyObject *result =
        photo->status == POMONA_OK
            ? Py_BuildValue("ny#O", (Py_ssize_t)photo->index,
                            photo->bytes.size ? (const char *)photo->bytes.data : "",
                            (Py_ssize_t)photo->bytes.size, Py_None)
            : Py_BuildValue("nON", (Py_ssize_t)photo->index, Py_None, text_of(photo->cause.message));
    buffer_free(&photo->bytes);
    return result;
}

/* next(handle): (index, bytes, None), (index, None, reason), or None at the end */
static PyObject *next_photo(PyObject *module, PyObject *handle) {
    struct ahead *ahead = handle_get(handle, AHEAD_HANDLE);
    if (!ahead) return NULL;
    for (;;) {
        struct ahead_photo photo;
        struct pomona_error error = {0};
        pomona_status status = POMONA_OK;
        enum ahead_state state;
        Py_BEGIN_ALLOW_THREADS;
        state = ahead_next(ahead, LOOK_MILLISECONDS, &photo, &status, &error);
        Py_END_ALLOW_THREADS;
        switch (state) {
        case AHEAD_PHOTO: return taken(&photo);
        case AHEAD_FAILED: return raise_failure(module, status, &error);
        case AHEAD_END: Py_RETURN_NONE;
        case AHEAD_WAIT: break;
        }
        if (PyErr_CheckSignals() < 0) return NULL;
    }
}

static PyMethodDef functions[] = {{"places", places_new, METH_VARARGS, NULL},
                                  {"list", list_photos, METH_VARARGS, NULL},
                                  {"read", read_photos, METH_VARARGS, NULL},
                                  {"next", next_photo, METH_O, NULL},
                                  {0}};

/* The exceptions are those of pomona._core: one kind of failure, whichever extension raises it. */
static int start(PyObject *module) {
    static const char *const names[] = {"PomonaError", "UsageError", "InputError", "StorageError",
                                        "InterruptedError"};
    PyObject *core = PyImport_ImportModule("pomona._core");
    bool good = core != NULL;
    for (size_t i = 0; good && i < sizeof names / sizeof *names; i++)
        good = publish(module, names[i], PyObject_GetAttrString(core, names[i]));
    Py_XDECREF(core);
    return good ? 0 : -1;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)start}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "pomona._store", .m_doc = "The store room; see pomona.Reader.",
    .m_size = 0,           .m_methods = functions,    .m_slots = slots};

PyMODINIT_FUNC PyInit__store(void);
PyMODINIT_FUNC PyInit__store(void) { return PyModuleDef_Init(&definition); }
