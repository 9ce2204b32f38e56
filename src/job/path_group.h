/* Which photos belong together: those whose paths give the same text to a regular expression. */
#ifndef JOB_PATH_GROUP_H
#define JOB_PATH_GROUP_H

#include "base/arena.h"
#include "base/error.h"

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise. */
struct path_group {
    regex_t expression;
    bool open;
};

/* `pattern` is a POSIX extended regular expression; else POMONA_E_USAGE. */
pomona_status path_group_open(struct path_group *group, const char *pattern, struct pomona_error *error);

/* Accepts one that is not open. */
void path_group_close(struct path_group *group);

/* The text of the first subexpression, or of the whole match where there is none: part of `path`. False: no match. */
bool path_group_find(const struct path_group *group, const char *path, const char **key, size_t *size);

/* The same as a copy of its own; *key is NULL where nothing matches. POMONA_E_MEMORY. */
pomona_status path_group_copy(const struct path_group *group, const char *path, struct arena *arena,
                              const char **key, struct pomona_error *error);

#endif
