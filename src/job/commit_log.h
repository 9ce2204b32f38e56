/* The last act of a features job, so written down before it begins that any later run, or pomona recover, can end it.
 *
 * STAGING/commit is written when everything is staged and on disk. From then on the job is decided: what it lists is moved to DST, each
 * child in one rename, Results last, then the staging goes. Every step may be repeated. */
#ifndef JOB_COMMIT_LOG_H
#define JOB_COMMIT_LOG_H

#include "base/error.h"

#include <stdbool.h>

struct commit_log {
    char job[37];
    const char *results;  /* name of the staged folder that becomes Results */
    bool errors, moments; /* whether there are staged ones; if not, those in DST go */
};

pomona_status commit_log_write(const char *staging, const struct commit_log *log, struct pomona_error *error);

/* Whether a commit has begun and not ended. */
bool commit_log_pending(const char *staging);

/* Ends it: moves what is not moved yet and removes the staging. The caller holds the staging's lock. POMONA_E_CORRUPT: something that was
 * staged is gone; POMONA_E_IO. */
pomona_status commit_log_finish(const char *out, const char *staging, struct pomona_error *error);

/* Removes a staging folder whose job is done: first the file that names the job, so that half of it is never taken for an
 * interrupted one. */
pomona_status staging_remove(const char *staging, struct pomona_error *error);

#endif
