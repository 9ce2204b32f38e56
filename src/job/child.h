/* One piece of work in a process of its own: what it does to its memory, and how it ends, does not touch the caller. */
#ifndef JOB_CHILD_H
#define JOB_CHILD_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct child_work {
    /* Runs in the child, with a copy of all that the caller has. Fills `reply` [reply_size], which begins as the caller's
     * copy of it. It may start threads; it must not write to the caller's files or standard streams. */
    pomona_status (*body)(void *user, void *reply, struct pomona_error *error);
    void *user;
    void *reply;
    size_t reply_size;
    bool (*should_stop)(void *user); /* asked ten times a second; true ends the child. May be NULL */
    void *stop_user;
};

/* How the child ended. POMONA_OK: `reply` is what body left there. Otherwise `reply` is as it was, and `cause` is body's
 * error; a child that died before its end is POMONA_E_INTERNAL, and the cause names the signal. */
struct child_outcome {
    pomona_status status;
    struct pomona_error cause;
};

/* Forks, waits, and collects. The child dies with its parent. Errors are the caller's own, not the child's: POMONA_E_IO (no
 * process, no pipe), POMONA_E_MEMORY, POMONA_E_INTERRUPTED; no child is left behind. */
pomona_status child_run(const struct child_work *work, struct child_outcome *outcome,
                        struct pomona_error *error);

#endif
