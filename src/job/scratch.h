/* Where things from and for other places lie on this machine meanwhile. */
#ifndef JOB_SCRATCH_H
#define JOB_SCRATCH_H

#include "base/error.h"
#include "store/places.h"

#include <stdbool.h>

/* The folder of scratch for `uri` and a purpose ("in", "out"), not made yet: ROOT/PURPOSE-HASH. ROOT is the option, POMONA_SCRATCH,
 * $XDG_CACHE_HOME/pomona, ~/.cache/pomona or /var/tmp/pomona-UID. Memory is the caller's (memory_free). */
pomona_status scratch_folder(const struct pomona_places *places, const char *purpose, const char *uri,
                             char **folder, struct pomona_error *error);

/* What comes after the last slash of a URI. */
const char *scratch_base_name(const char *uri);

/* Whether a name is safe as a path below a folder: no `.`, `..` or empty level. */
bool scratch_is_tame(const char *name);

/* Copies everything below `uri` into `folder`; names that would leave it are refused. */
pomona_status scratch_fetch_all(struct pomona_places *places, const char *uri, const char *folder,
                                struct pomona_error *error);

/* The same of a photo or a folder that only the index of a packed prefix above knows; a photo becomes the file `path`. *found: whether there is one. */
pomona_status scratch_fetch_packed(struct pomona_places *places, const char *uri, const char *path,
                                   bool *found, struct pomona_error *error);

/* Makes the folders above a file. */
pomona_status scratch_make_parents(const char *path, struct pomona_error *error);

#endif
