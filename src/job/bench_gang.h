/* Threads that begin together, for measuring them at once. */
#ifndef JOB_BENCH_GANG_H
#define JOB_BENCH_GANG_H

#include "base/error.h"

/* Starts `threads` threads, waits until all are there, lets each call body(user, 0 .. threads - 1), and returns when all have
 * ended. POMONA_E_INTERNAL: one could not be started; then no body has run. POMONA_E_MEMORY. */
pomona_status gang_run(int threads, void (*body)(void *user, int thread), void *user,
                       struct pomona_error *error);

#endif
