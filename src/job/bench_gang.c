#include "job/bench_gang.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdbool.h>

/* Guarded by the lock: whether the threads may go, and whether they should do anything. */
struct gang {
    pthread_mutex_t lock;
    pthread_cond_t change;
    int present;
    bool go, cancelled;
    void (*body)(void *user, int thread);
    void *user;
};

struct member {
    struct gang *gang;
    int number;
    pthread_t thread;
};

static void *take_part(void *argument) {
    const struct member *member = argument;
    struct gang *gang = member->gang;
    pthread_mutex_lock(&gang->lock);
    gang->present++;
    pthread_cond_broadcast(&gang->change);
    while (!gang->go) pthread_cond_wait(&gang->change, &gang->lock);
    bool cancelled = gang->cancelled;
    pthread_mutex_unlock(&gang->lock);
    if (!cancelled) gang->body(gang->user, member->number);
    return NULL;
}

/* Waits for the `started` threads, unless they are too few, and lets them go. */
static void let_go(struct gang *gang, int started, bool cancelled) {
    pthread_mutex_lock(&gang->lock);
    while (!cancelled && gang->present < started) pthread_cond_wait(&gang->change, &gang->lock);
    gang->cancelled = cancelled;
    gang->go = true;
    pthread_cond_broadcast(&gang->change);
    pthread_mutex_unlock(&gang->lock);
}

pomona_status gang_run(int threads, void (*body)(void *user, int thread), void *user,
                       struct pomona_error *error) {
    struct gang gang = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER, .body = body, .user = user};
    struct member *members = memory_new((size_t)threads, sizeof *members);
    if (!members) return fail_memory(error, "threads");
    int started = 0;
    for (; started < threads; started++) {
        members[started] = (struct member){.gang = &gang, .number = started};
        if (pthread_create(&members[started].thread, NULL, take_part, &members[started]) != 0) break;
    }
    let_go(&gang, started, started < threads);
    for (int i = 0; i < started; i++) pthread_join(members[i].thread, NULL);
    memory_free(members);
    pthread_mutex_destroy(&gang.lock);
    pthread_cond_destroy(&gang.change);
    return started == threads ? POMONA_OK
                              : fail(error, POMONA_E_INTERNAL, NULL, "cannot start %d threads", threads);
}
