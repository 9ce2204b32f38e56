/* Reading XML takes most of the processor time of a listing: beside the thread that drives libcurl and hands items over, it takes none
 * of theirs. */
#include "base/memory.h"
#include "store/s3_page.h"

#include <pthread.h>

enum { THREADS_MAX = 2 };

struct queue {
    struct page_job *first, **last;
};

struct page_readers {
    void (*done)(void *user);
    void *user;
    bool any; /* a page was given */
    pthread_t threads[THREADS_MAX];
    size_t started;
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t change;
    struct queue given, read;
    bool stopping;
};

static void append(struct queue *queue, struct page_job *job) {
    job->next = NULL;
    *queue->last = job;
    queue->last = &job->next;
}

static struct page_job *take_first(struct queue *queue) {
    struct page_job *job = queue->first;
    if (job && !(queue->first = job->next)) queue->last = &queue->first;
    return job;
}

static void read_one(struct page_readers *readers, struct page_job *job) {
    job->status = s3_page_read(job->page, job->name, job->answer, &job->cause);
    pthread_mutex_lock(&readers->mutex);
    append(&readers->read, job);
    pthread_mutex_unlock(&readers->mutex);
    readers->done(readers->user);
}

static void *work(void *argument) {
    struct page_readers *readers = argument;
    for (;;) {
        pthread_mutex_lock(&readers->mutex);
        while (!readers->given.first && !readers->stopping)
            pthread_cond_wait(&readers->change, &readers->mutex);
        struct page_job *job = readers->stopping ? NULL : take_first(&readers->given);
        pthread_mutex_unlock(&readers->mutex);
        if (!job) return NULL;
        read_one(readers, job);
    }
}

pomona_status page_readers_new(void (*done)(void *user), void *user, struct page_readers **readers,
                               struct pomona_error *error) {
    struct page_readers *r = *readers = memory_new(1, sizeof *r);
    if (!r) return fail_memory(error, "listing");
    r->done = done;
    r->user = user;
    r->given.last = &r->given.first;
    r->read.last = &r->read.first;
    pthread_mutex_init(&r->mutex, NULL);
    pthread_cond_init(&r->change, NULL);
    return POMONA_OK;
}

void page_readers_free(struct page_readers **readers) {
    struct page_readers *r = *readers;
    if (!r) return;
    pthread_mutex_lock(&r->mutex);
    r->stopping = true;
    pthread_cond_broadcast(&r->change);
    pthread_mutex_unlock(&r->mutex);
    while (r->started > 0) pthread_join(r->threads[--r->started], NULL);
    pthread_mutex_destroy(&r->mutex);
    pthread_cond_destroy(&r->change);
    memory_free(r);
    *readers = NULL;
}

/* Another thread, when there is none or they don't keep up. */
static void start_thread(struct page_readers *readers, bool waiting) {
    if (readers->started > 0 && (!waiting || readers->started == THREADS_MAX)) return;
    if (pthread_create(&readers->threads[readers->started], NULL, work, readers) == 0) readers->started++;
}

void page_readers_give(struct page_readers *readers, struct page_job *job) {
    pthread_mutex_lock(&readers->mutex);
    bool waiting = readers->given.first != NULL;
    pthread_mutex_unlock(&readers->mutex);
    if (readers->any) start_thread(readers, waiting);
    readers->any = true;
    if (readers->started == 0) {
        read_one(readers, job);
        return;
    }
    pthread_mutex_lock(&readers->mutex);
    append(&readers->given, job);
    pthread_cond_signal(&readers->change);
    pthread_mutex_unlock(&readers->mutex);
}

struct page_job *page_readers_take(struct page_readers *readers) {
    pthread_mutex_lock(&readers->mutex);
    struct page_job *job = take_first(&readers->read);
    pthread_mutex_unlock(&readers->mutex);
    return job;
}
