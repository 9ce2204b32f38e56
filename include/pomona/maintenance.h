/* Looking after a result folder: is it whole, and what did interrupted jobs leave behind? */
#ifndef POMONA_MAINTENANCE_H
#define POMONA_MAINTENANCE_H

#include "pomona/context.h"
#include "pomona/places.h"
#include "pomona/profile.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Verifying: every part that Results/_SUCCESS names is there, with its bytes, SHA-256 and rows, of the one feature space; nothing else is;
 * Errors has its rows; moments.pom is intact, of these rows, and the file that the job wrote. Everything is read once. */
struct pomona_verify_options {
    /* Called for every fault. `kind`: "missing", "bytes", "sha256", "rows", "feature_space", "stranger", "unreadable", "twice", "errors",
     * "moments"; `message` names the file. May be NULL. */
    void (*fault)(void *user, const char *kind, const char *file, const char *message);
    bool (*should_stop)(void *user); /* may be NULL */
    void *user;
};

struct pomona_verify_result {
    int64_t parts, rows, errors; /* as _SUCCESS has them */
    uint64_t bytes;              /* read from parts */
    int64_t faults;
    bool
        interrupted; /* there is an interrupted job as well: Errors and moments.pom may be ahead of Results until it is ended */
    char job[37], feature_space[POMONA_HASH_TEXT_SIZE];
};

/* Verifies the folder DST. POMONA_E_CORRUPT: there are faults, all told; POMONA_E_INPUT: no results of pomona features; POMONA_E_IO,
 * POMONA_E_INTERRUPTED, POMONA_E_MEMORY. `result` may be NULL. */
POMONA_API pomona_status pomona_verify(const struct pomona_context *context, const char *dst,
                                       const struct pomona_verify_options *options,
                                       struct pomona_verify_result *result, struct pomona_error *error);

/* The same for s3://bucket/prefix: parts are copied to scratch one at a time, and removed when they are checked. POMONA_E_UNSUPPORTED: a web
 * server, which can't be listed. */
POMONA_API pomona_status pomona_verify_place(const struct pomona_context *context,
                                             struct pomona_places *places, const char *uri,
                                             const struct pomona_verify_options *options,
                                             struct pomona_verify_result *result, struct pomona_error *error);

/* Recovering. What no finished result refers to is removed: the staging of jobs that were interrupted, temporary files, and parts
 * in Results that _SUCCESS does not name. Two things are not:
 *   - a commit that had begun is ended, not dropped: everything is there, and half of it would be worse than either;
 *   - a job whose photos are all done and that only had to commit is kept, as --resume ends it in a moment, unless `drop`.
 * Only what pomona itself makes, by name and (in Results) by its footer, is removed; everything else is kept and told. */
struct pomona_recover_options {
    bool dry_run, drop;
    /* Called for everything found. `action`: "remove", "finish", "keep"; `reason` is a sentence. May be NULL. */
    void (*item)(void *user, const char *action, const char *path, const char *reason);
    void *user;
};

struct pomona_recover_result {
    bool interrupted;            /* there was a job */
    bool committing;             /* its commit had begun; it is ended now, unless dry_run */
    bool complete;               /* all its photos are done; kept, unless drop */
    char job[37];                /* "" when not known */
    int64_t parts, parts_done;   /* of the interrupted job; parts is -1 when not known */
    int64_t photos, photos_done; /* likewise */
    int64_t removed, kept;       /* things that were removed (or would be), and that were not */
    uint64_t bytes;              /* of what was removed */
};

/* Recovers the folder DST. POMONA_E_INPUT: no such folder; POMONA_E_EXISTS: a job is at work there (nothing is touched); POMONA_E_CORRUPT:
 * a commit that can't be ended; POMONA_E_IO, POMONA_E_MEMORY. `result` may be NULL. */
POMONA_API pomona_status pomona_recover(const char *dst, const struct pomona_recover_options *options,
                                        struct pomona_recover_result *result, struct pomona_error *error);

/* The same for s3://bucket/prefix. Removed are: a lock that has not been renewed for two minutes (by the server's clock) or is that of this
 * machine's dead job; unfinished uploads of names that pomona gives; in Results and PCA_Results parts that no `_SUCCESS` names (all of
 * them where there is none: a commit did not end), in Errors those of Results without `_SUCCESS`; and the folder in scratch where this
 * machine was making the result. If that holds a result which only has to be published, it is kept, and nothing else is touched: --resume
 * of the same command ends it in a moment, unless `drop`. A prefix without anything is clean.
 *
 * POMONA_E_EXISTS says who holds the lock, if a job is at work; POMONA_E_UNSUPPORTED: a web server; else as above. */
POMONA_API pomona_status pomona_recover_place(struct pomona_places *places, const char *uri,
                                              const struct pomona_recover_options *options,
                                              struct pomona_recover_result *result,
                                              struct pomona_error *error);

#ifdef __cplusplus
}
#endif
#endif
