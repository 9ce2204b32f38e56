/* Status codes and error values: how every pomona function says what went wrong.
 *
 * Every function that can fail returns a `pomona_status`: POMONA_OK (0) or a negative code. Each also takes a
 * `struct pomona_error *` that the caller owns and may leave NULL; on failure it receives one line of text that
 * names the object (file, node, column) and the cause. On success it is left untouched.
 *
 * There is no global error state, nothing is printed, nothing aborts or exits. An error struct belongs to one
 * thread at a time. */
#ifndef POMONA_STATUS_H
#define POMONA_STATUS_H

#if defined(__GNUC__) || defined(__clang__)
#define POMONA_API __attribute__((visibility("default")))
#else
#define POMONA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum pomona_status {
    POMONA_OK = 0,
    POMONA_E_USAGE = -1,       /* the caller's arguments contradict each other or are out of range */
    POMONA_E_INPUT = -2,       /* input that is missing, unreadable, or of the wrong kind */
    POMONA_E_CORRUPT = -3,     /* input of the right kind whose bytes are damaged (truncated, bad checksum) */
    POMONA_E_LIMIT = -4,       /* input beyond a stated bound (pixels, scans, bytes, depth) */
    POMONA_E_UNSUPPORTED = -5, /* valid input that needs something pomona does not do (operator, encoding) */
    POMONA_E_MEMORY = -6,      /* an allocation failed; nothing was changed */
    POMONA_E_IO = -7,          /* the operating system or the network refused a read or a write */
    POMONA_E_EXISTS = -8,      /* the destination exists and neither overwrite nor resume was asked for */
    POMONA_E_INTERRUPTED = -9, /* stopped on request; the work done so far is kept and can be resumed */
    POMONA_E_ERROR_ROWS = -10, /* the job is done, with more failed photos than `max_errors` allows */
    POMONA_E_INTERNAL = -11    /* a promise inside pomona was broken: please report it */
} pomona_status;

/* One line about a failure. `message` is complete by itself ("a.jpg: truncated after 812 bytes"); `where` is the
 * name of the object at fault (path, node, column; may be empty) for programs that want it apart. Both are
 * NUL-terminated, cut at a character boundary when too long; control characters are written as \xNN. */
struct pomona_error {
    pomona_status code;
    char message[640];
    char where[256];
};

/* A short English name of a code ("corrupt input"); never NULL, also for values out of range. Static storage. */
POMONA_API const char *pomona_status_name(pomona_status code);

/* The exit code that the command-line tool uses for a status: 0 done, 1 bad usage, 2 bad input (nothing
 * written), 3 done with error rows beyond the limit, 4 I/O or network, 5 internal (also: out of memory),
 * 130 interrupted. */
POMONA_API int pomona_status_exit_code(pomona_status code);

#ifdef __cplusplus
}
#endif
#endif
