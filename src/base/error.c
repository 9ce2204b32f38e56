#include "base/error.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef fail
#undef fail_errno
#undef fail_memory

static const char *const status_names[] = {"done",
                                           "bad usage",
                                           "bad input",
                                           "corrupt input",
                                           "beyond a limit",
                                           "unsupported",
                                           "out of memory",
                                           "I/O error",
                                           "destination exists",
                                           "interrupted",
                                           "done with error rows",
                                           "internal error"};

const char *pomona_status_name(pomona_status code) {
    if (code > POMONA_OK || code < POMONA_E_INTERNAL) return "unknown status";
    return status_names[-(int)code];
}

int pomona_status_exit_code(pomona_status code) {
    switch (code) {
    case POMONA_OK: return 0;
    case POMONA_E_USAGE: return 1;
    case POMONA_E_INPUT:
    case POMONA_E_CORRUPT:
    case POMONA_E_LIMIT:
    case POMONA_E_UNSUPPORTED:
    case POMONA_E_EXISTS: return 2;
    case POMONA_E_ERROR_ROWS: return 3;
    case POMONA_E_IO: return 4;
    case POMONA_E_INTERRUPTED: return 130;
    case POMONA_E_MEMORY:
    case POMONA_E_INTERNAL: return 5;
    }
    return 5;
}

/* Most of a message that a long name may take, so that the cause is always seen. */
enum { WHERE_MAX = 448 };

pomona_status fail(struct pomona_error *error, pomona_status code, const char *where, const char *format,
                   ...) {
    if (!error) return code;
    char text[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    error->code = code;
    text_printable(where ? where : "", error->where, sizeof error->where);
    size_t used = 0;
    if (where && *where) {
        used = text_printable(where, error->message, WHERE_MAX);
        memcpy(error->message + used, ": ", 2);
        used += 2;
    }
    text_printable(text, error->message + used, sizeof error->message - used);
    return code;
}

pomona_status fail_errno(struct pomona_error *error, int errno_value, int reading, const char *where,
                         const char *what) {
    pomona_status code = POMONA_E_IO;
    if (errno_value == ENOMEM) code = POMONA_E_MEMORY;
    if (reading && (errno_value == ENOENT || errno_value == ENOTDIR || errno_value == EISDIR ||
                    errno_value == EACCES || errno_value == ELOOP || errno_value == ENAMETOOLONG))
        code = POMONA_E_INPUT;
    char buffer[128];
#if defined(__GLIBC__)
    const char *cause = strerror_r(errno_value, buffer, sizeof buffer); /* GNU's: may return a static text */
#else
    const char *cause = strerror_r(errno_value, buffer, sizeof buffer) == 0 ? buffer : "unknown cause";
#endif
    return fail(error, code, where, "%s: %s", what, cause);
}

pomona_status fail_memory(struct pomona_error *error, const char *what) {
    return fail(error, POMONA_E_MEMORY, NULL, "out of memory (%s)", what);
}
