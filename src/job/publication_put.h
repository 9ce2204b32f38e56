/* Puts the files of a publication's stand-in in their places: staged ones by their receipts, small ones whole. */
#ifndef JOB_PUBLICATION_PUT_H
#define JOB_PUBLICATION_PUT_H

#include "job/publication_files.h"
#include "store/place.h"

/* All is borrowed. */
struct publication_put {
    struct pomona_places *places;
    struct place *place;                  /* of the calling thread */
    const char *uri;                      /* the same place, for other threads */
    const char *path;                     /* the stand-in */
    bool single;                          /* which is one file */
    const struct published_files *staged; /* with receipts */
};

enum { PUBLICATION_SMALL_BYTES = 1 << 20 }; /* larger files are staged */

/* Where a file of the stand-in lies. Memory is the caller's; NULL: none. */
char *publication_local_path(const struct publication_put *put, const char *name);

/* Up to 16 at a time (fewer where the places allow fewer requests), each by a thread with a place of its own, in no order: what has
 * to come last is put by a call of its own. After a failure nothing more is begun; what was under way ends. The first failure is
 * returned, and any of the files may be in its place then. Errors: those of place_commit, place_write and file_read. */
pomona_status publication_put(const struct publication_put *put, const struct published_file *const *files,
                              size_t count, struct pomona_error *error);

#endif
