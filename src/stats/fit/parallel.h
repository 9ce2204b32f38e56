/* Tasks on several threads, for fits. A task owns what it writes, so results do not depend on which thread ran it, or on
 * how many there were. */
#ifndef STATS_FIT_PARALLEL_H
#define STATS_FIT_PARALLEL_H

/* Calls task(user, i) once for each i in [0, tasks), on up to `threads` threads, the caller's among them, and returns when
 * all are done. A thread that can't be started is done without. */
void parallel_run(int threads, int tasks, void (*task)(void *user, int index), void *user);

#endif
