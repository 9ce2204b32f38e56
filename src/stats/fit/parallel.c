#include "stats/fit/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

enum { THREADS_MAX = 64 };

struct team {
    atomic_int next;
    int tasks;
    void (*task)(void *user, int index);
    void *user;
};

static void *work(void *argument) {
    struct team *team = argument;
    for (int i; (i = atomic_fetch_add(&team->next, 1)) < team->tasks;) team->task(team->user, i);
    return NULL;
}

void parallel_run(int threads, int tasks, void (*task)(void *user, int index), void *user) {
    struct team team = {.tasks = tasks, .task = task, .user = user};
    pthread_t helpers[THREADS_MAX];
    int started = 0, wanted = threads < tasks ? threads : tasks;
    if (wanted > THREADS_MAX) wanted = THREADS_MAX;
    while (started + 1 < wanted && pthread_create(&helpers[started], NULL, work, &team) == 0) started++;
    work(&team);
    for (int i = 0; i < started; i++) pthread_join(helpers[i], NULL);
}
