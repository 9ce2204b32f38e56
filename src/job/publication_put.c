#include "job/publication_put.h"

#include "base/io.h"
#include "base/memory.h"
#include "store/folder.h"
#include "store/places.h"

#include <pthread.h>
#include <stdatomic.h>

/* A commit is one request a file that the server thinks about, so that its time is the number of round trips in a row. */
enum { THREADS_MAX = 16 };

struct putting {
    const struct publication_put *put;
    const struct published_file *const *files;
    size_t count;
    atomic_size_t next;
    atomic_bool stop;
    pthread_mutex_t mutex; /* guards the rest */
    pomona_status status;
    struct pomona_error cause;
};

char *publication_local_path(const struct publication_put *put, const char *name) {
    return put->single ? memory_copy_string(put->path) : path_join(put->path, name);
}

static pomona_status put_one(const struct publication_put *put, struct place *place,
                             const struct published_file *file, struct pomona_error *error) {
    const struct published_file *staged = published_files_find(put->staged, file->name);
    if (staged && published_file_same(staged, file))
        return place_commit(place, file->name, staged->text, error);
    struct buffer bytes = BUFFER_INIT(2 * PUBLICATION_SMALL_BYTES);
    char *path = publication_local_path(put, file->name);
    pomona_status status = path ? file_read(path, &bytes, error) : fail_memory(error, "path");
    if (status == POMONA_OK)
        status = place_write(place, file->name, bytes.data, bytes.size, PLACE_ANY, NULL, NULL, error);
    buffer_free(&bytes);
    memory_free(path);
    return status;
}

static void stop(struct putting *putting, pomona_status status, const struct pomona_error *cause) {
    pthread_mutex_lock(&putting->mutex);
    if (putting->status == POMONA_OK) {
        putting->status = status;
        putting->cause = *cause;
    }
    pthread_mutex_unlock(&putting->mutex);
    atomic_store(&putting->stop, true);
}

static void put_some(struct putting *putting, struct place *place) {
    while (!atomic_load(&putting->stop)) {
        size_t index = atomic_fetch_add(&putting->next, 1);
        if (index >= putting->count) return;
        struct pomona_error error = {0};
        pomona_status status = put_one(putting->put, place, putting->files[index], &error);
        if (status != POMONA_OK) stop(putting, status, &error);
    }
}

static void *work(void *argument) {
    struct putting *putting = argument;
    struct place *place = NULL;
    /* Without a place of its own a thread leaves its share to the others. */
    if (place_open(putting->put->places, putting->put->uri, &place, NULL) == POMONA_OK)
        put_some(putting, place);
    place_free(&place);
    return NULL;
}

pomona_status publication_put(const struct publication_put *put, const struct published_file *const *files,
                              size_t count, struct pomona_error *error) {
    struct putting putting = {.put = put, .files = files, .count = count};
    pthread_t threads[THREADS_MAX];
    size_t requests = (size_t)put->places->options.requests, wanted = count, started = 0;
    if (wanted > THREADS_MAX) wanted = THREADS_MAX;
    if (wanted > requests) wanted = requests;
    pthread_mutex_init(&putting.mutex, NULL);
    /* This thread works as well, so that a machine without another thread publishes too. */
    while (started + 1 < wanted && pthread_create(&threads[started], NULL, work, &putting) == 0) started++;
    put_some(&putting, put->place);
    for (size_t i = 0; i < started; i++) pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&putting.mutex);
    if (putting.status != POMONA_OK && error) *error = putting.cause;
    return putting.status;
}
