#include "store/process.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

/* Starts it in a process group of its own, so that it can be ended with what it started, and with signals as they are by default:
 * a library does not know what its host has made of them. */
static int start(const char *command, int output, pid_t *child) {
    char shell[] = "sh", option[] = "-c";
    char *arguments[] = {shell, option, (char *)command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int cause = posix_spawn_file_actions_init(&files);
    if (cause) return cause;
    cause = posix_spawnattr_init(&attributes);
    if (cause) goto no_attributes;
    cause = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!cause) cause = posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    if (!cause) cause = posix_spawnattr_setsigmask(&attributes, &none);
    if (!cause) cause = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!cause) cause = posix_spawnattr_setpgroup(&attributes, 0);
    if (!cause)
        cause = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                          POSIX_SPAWN_SETPGROUP);
    if (!cause) cause = posix_spawn(child, "/bin/sh", &files, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
no_attributes:
    posix_spawn_file_actions_destroy(&files);
    return cause;
}

static pomona_status too_slow(const char *name, struct pomona_error *error) {
    return fail(error, POMONA_E_IO, name, "the command takes too long");
}

/* Reads until the end of the output. */
static pomona_status collect(int input, const char *name, double end, struct buffer *out,
                             struct pomona_error *error) {
    enum { PIECE = 4096 };
    uint8_t piece[PIECE];
    for (;;) {
        double left = end - clock_seconds();
        struct pollfd wait = {.fd = input, .events = POLLIN};
        if (left <= 0) return too_slow(name, error);
        int ready = poll(&wait, 1, (int)(left * 1e3) + 1);
        if (ready < 0 && errno != EINTR)
            return fail_errno(error, errno, 0, name, "cannot wait for the command");
        if (ready <= 0) continue;
        ssize_t got = read(input, piece, sizeof piece);
        if (got < 0 && errno != EINTR)
            return fail_errno(error, errno, 0, name, "cannot read from the command");
        if (got == 0) return POMONA_OK;
        if (got > 0) TRY(buffer_append(out, piece, (size_t)got, error));
    }
}

/* Waits for the end of a process that has closed its output. */
static pomona_status reap(pid_t child, const char *name, double end, bool *reaped,
                          struct pomona_error *error) {
    const struct timespec nap = {.tv_nsec = 5000000};
    int result = 0;
    while (!*reaped) {
        pid_t ended = waitpid(child, &result, WNOHANG);
        *reaped = ended == child || (ended < 0 && errno != EINTR); /* a host may ignore its children */
        if (*reaped) break;
        if (clock_seconds() > end) return too_slow(name, error);
        nanosleep(&nap, NULL);
    }
    if (WIFSIGNALED(result))
        return fail(error, POMONA_E_IO, name, "the command was ended by signal %d", WTERMSIG(result));
    if (WEXITSTATUS(result) != 0)
        return fail(error, POMONA_E_IO, name, "the command ends with status %d", WEXITSTATUS(result));
    return POMONA_OK;
}

pomona_status process_output(const char *command, const char *name, int milliseconds, struct buffer *out,
                             struct pomona_error *error) {
    double end = clock_seconds() + 1e-3 * milliseconds;
    int ends[2];
    pid_t child = 0;
    buffer_clear(out);
    if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno(error, errno, 0, name, "cannot make a pipe");
    int cause = start(command, ends[1], &child);
    close(ends[1]);
    if (cause) {
        close(ends[0]);
        return fail_errno(error, cause, 0, name, "cannot start the command");
    }
    bool reaped = false;
    pomona_status status = collect(ends[0], name, end, out, error);
    if (status == POMONA_OK) status = reap(child, name, end, &reaped, error);
    if (!reaped) {
        kill(-child, SIGKILL);
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    }
    close(ends[0]);
    return status;
}
