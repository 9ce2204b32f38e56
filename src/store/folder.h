/* Folders on disk, changed so that nothing half done is ever seen. */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include "base/error.h"

#include <stdbool.h>

/* A path joined from two parts, freed with memory_free; NULL when out of memory. */
char *path_join(const char *folder, const char *name);

/* Makes a folder and those above it; an existing one is fine. */
pomona_status folder_make(const char *path, struct pomona_error *error);

/* Whether something of this name exists (a dangling link too). */
bool path_exists(const char *path);

/* Flushes a folder's entries to disk, after renames. */
pomona_status folder_sync(const char *path, struct pomona_error *error);

/* Removes a file, or a folder with all it contains; links are removed, not followed. A missing path is fine. */
pomona_status path_remove(const char *path, struct pomona_error *error);

/* Empties a folder of everything but the entry `keep`. */
pomona_status folder_clear(const char *path, const char *keep, struct pomona_error *error);

/* Moves `from` to `to` on one file system. If `to` exists the two change places in one step, so that there is no moment
 * without either, and the old one is removed afterwards. */
pomona_status path_replace(const char *from, const char *to, struct pomona_error *error);

/* Locks `path` (made if missing) for this process; POMONA_E_EXISTS when another process holds it. The lock goes with
 * folder_unlock or with the process. */
pomona_status folder_lock(const char *path, int *lock, struct pomona_error *error);
void folder_unlock(int *lock);

#endif
