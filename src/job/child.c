#include "job/child.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICK_MILLISECONDS = 100 };

/* In the child: the outcome, and the reply behind it, through the pipe. A parent that is gone reads nothing. */
static void send_all(int pipe_end, const void *data, size_t size) {
    const char *from = data;
    while (size > 0) {
        ssize_t sent = write(pipe_end, from, size);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return;
        from += sent, size -= (size_t)sent;
    }
}

static void be_child(const struct child_work *work, int pipe_end, pid_t parent) {
    struct child_outcome outcome;
    memset(&outcome, 0, sizeof outcome);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) {
        outcome.status = work->body(work->user, work->reply, &outcome.cause);
        send_all(pipe_end, &outcome, sizeof outcome);
        if (outcome.status == POMONA_OK) send_all(pipe_end, work->reply, work->reply_size);
    }
    /* This process is ours, not the host's: it ends here, and leaves the host's buffers and exit handlers alone. */
    _Exit(0);
}

/* Reads until the child closes its end; *size counts what came, also beyond `capacity` (none of ours sends more). */
static pomona_status collect(const struct child_work *work, int pipe_end, char *data, size_t capacity,
                             size_t *size, struct pomona_error *error) {
    for (*size = 0;;) {
        struct pollfd waiting = {.fd = pipe_end, .events = POLLIN};
        int ready = poll(&waiting, 1, TICK_MILLISECONDS);
        if (work->should_stop && work->should_stop(work->stop_user))
            return fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted");
        if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
        ssize_t got = ready < 0 ? -1 : read(pipe_end, data + *size, capacity - *size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(error, errno, 0, NULL, "cannot read from a process of our own");
        if (got == 0) return POMONA_OK;
        *size += (size_t)got;
    }
}

/* Waits for the end. A host that ignores SIGCHLD leaves no status: then what came through the pipe decides. */
static int reap(pid_t child) {
    int state = 0;
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR) return 0;
    return state;
}

static void judge(const struct child_work *work, const char *data, size_t size, int state,
                  struct child_outcome *outcome) {
    if (size >= sizeof *outcome) memcpy(outcome, data, sizeof *outcome);
    bool complete = size == sizeof *outcome + work->reply_size && outcome->status == POMONA_OK;
    if (complete) {
        memcpy(work->reply, data + sizeof *outcome, work->reply_size);
    } else if (size < sizeof *outcome || outcome->status == POMONA_OK) {
        int number = WIFSIGNALED(state) ? WTERMSIG(state) : 0;
        memset(outcome, 0, sizeof *outcome);
        outcome->status = fail(&outcome->cause, POMONA_E_INTERNAL, NULL,
                               number == SIGKILL ? "its process was killed (signal %d; out of memory?)"
                               : number          ? "its process crashed (signal %d)"
                                                 : "its process ended without a result (%d)",
                               number ? number : state);
    }
}

static pomona_status fork_and_collect(const struct child_work *work, char *data, size_t capacity,
                                      struct child_outcome *outcome, struct pomona_error *error) {
    int ends[2];
    size_t size = 0;
    if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno(error, errno, 0, NULL, "cannot make a pipe");
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        close(ends[0]);
        be_child(work, ends[1], parent);
    }
    int cause = errno;
    close(ends[1]);
    pomona_status status = child < 0 ? fail_errno(error, cause, 0, NULL, "cannot start a process")
                                     : collect(work, ends[0], data, capacity, &size, error);
    close(ends[0]);
    if (child < 0) return status;
    if (status != POMONA_OK) kill(child, SIGKILL);
    int state = reap(child);
    if (status == POMONA_OK) judge(work, data, size, state, outcome);
    return status;
}

pomona_status child_run(const struct child_work *work, struct child_outcome *outcome,
                        struct pomona_error *error) {
    memset(outcome, 0, sizeof *outcome);
    /* One byte more than the child sends, so that the end is read and not guessed. */
    size_t capacity = size_add(size_add(sizeof *outcome, work->reply_size), 1);
    char *data = memory_new(capacity, 1);
    if (!data) return fail_memory(error, "reply");
    pomona_status status = fork_and_collect(work, data, capacity, outcome, error);
    memory_free(data);
    return status;
}
