/* A command of the user's, run for what it prints. */
#ifndef STORE_PROCESS_H
#define STORE_PROCESS_H

#include "base/buffer.h"
#include "base/error.h"

/* Runs `/bin/sh -c command` with nothing on its standard input, its standard output into `out` (cleared first; its limit holds), its
 * messages where ours go. Beyond the limit or the time it is killed, with what it started. `name` is for messages, which never
 * hold the command. POMONA_E_IO: it does not start, ends in failure, or is killed; POMONA_E_LIMIT; POMONA_E_MEMORY. */
pomona_status process_output(const char *command, const char *name, int milliseconds, struct buffer *out,
                             struct pomona_error *error);

#endif
