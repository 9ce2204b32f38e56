/* How the inside of pomona fails: fill the caller's error value, return a negative status, forward with TRY. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "pomona/status.h"

/* Fills `error` (may be NULL) and returns `code`. The message is "WHERE: TEXT", or TEXT alone when `where` is
 * NULL or empty. Control characters and invalid UTF-8 of either are written as \xNN, so that a hostile file
 * name can't forge a second line. */
pomona_status fail(struct pomona_error *error, pomona_status code, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* fail() for a failed system call: appends strerror(errno_value). ENOENT, ENOTDIR, EISDIR, EACCES, ELOOP and
 * ENAMETOOLONG are POMONA_E_INPUT when `reading`, everything else is POMONA_E_IO (ENOMEM: POMONA_E_MEMORY). */
pomona_status fail_errno(struct pomona_error *error, int errno_value, int reading, const char *where,
                         const char *what);

/* fail() for an allocation of `what` that did not succeed. */
pomona_status fail_memory(struct pomona_error *error, const char *what);

#ifdef __clang_analyzer__
/* What the analyzer can't see from another file: a failure is never POMONA_OK. */
#define fail(error, code, ...)   (fail(error, code, __VA_ARGS__) < 0 && (code) < 0 ? (code) : POMONA_E_INTERNAL)
#define fail_memory(error, what) (fail_memory(error, what) < 0 ? POMONA_E_MEMORY : POMONA_E_INTERNAL)
#define fail_errno(...)          (fail_errno(__VA_ARGS__) < 0 ? POMONA_E_IO : POMONA_E_INTERNAL)
#endif

/* Forwards a failure of `expression` to the caller. */
#define TRY(expression)                                                                                      \
    do {                                                                                                     \
        pomona_status try_status_ = (expression);                                                            \
        if (try_status_ != POMONA_OK) return try_status_;                                                    \
    } while (0)

/* The same inside a function with one exit label: sets `status` and jumps. */
#define TRY_GOTO(expression, status, label)                                                                  \
    do {                                                                                                     \
        (status) = (expression);                                                                             \
        if ((status) != POMONA_OK) goto label;                                                               \
    } while (0)

#endif
