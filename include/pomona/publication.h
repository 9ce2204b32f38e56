/* Things elsewhere, by way of this machine: inputs fetched before they are read, results made in scratch and published in one commit.
 *
 * A publication is a folder in scratch that stands in for a remote DST. A command runs as if that were DST; then everything that is new in it
 * is published: staged as uploads that can't be seen, completed together, `_SUCCESS` last, what an --overwrite made superfluous
 * deleted. A reader never sees a `_SUCCESS` on anything but whole results. One job writes to a DST at a time (an object
 * `_temporary/lock`, renewed while it works). After a crash the same command with --resume goes on from the scratch folder. */
#ifndef POMONA_PUBLICATION_H
#define POMONA_PUBLICATION_H

#include "pomona/places.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Copies what `uri` names, an object or everything below a prefix, to this machine: *path is the copy, freed and removed with
 * pomona_fetched_free. Errors: POMONA_E_INPUT (there is no such thing, no right to read it), POMONA_E_IO, POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_fetch(struct pomona_places *places, const char *uri, char **path,
                                      struct pomona_error *error);
POMONA_API void pomona_fetched_free(char **path);

/* Whether `uri` holds features rather than photos: a Parquet file, a folder of them, or a DST of pomona features. Errors: POMONA_E_IO, POMONA_E_MEMORY
 * and those of credentials; what is not there is no table. */
POMONA_API pomona_status pomona_remote_is_table(struct pomona_places *places, const char *uri, bool *is_table,
                                                struct pomona_error *error);

struct pomona_publication;

enum pomona_publication_kind {
    POMONA_PUBLISH_FILE,  /* uri is the name of one object */
    POMONA_PUBLISH_FOLDER /* uri is a prefix */
};

struct pomona_publication_options {
    const char *uri; /* s3://bucket/key or prefix */
    enum pomona_publication_kind kind;
    bool resumable; /* keep what an interrupted run left in scratch; else begin with nothing */
    bool overwrite; /* what is left is dropped */
    bool look_only; /* nothing will be published: no lock is taken, nothing is written there */
    bool
        fetch; /* the command reads DST too: copy all of it; else the names and `_SUCCESS` do, so that it can refuse to overwrite */
};

struct pomona_publication_result {
    int64_t files, bytes, deleted;
    double seconds; /* of the commit */
};

/* Takes the lock of a prefix and prepares the stand-in. POMONA_E_EXISTS: another job writes there; POMONA_E_UNSUPPORTED: a web server;
 * POMONA_E_INPUT: no such bucket, no right; POMONA_E_IO. */
POMONA_API pomona_status pomona_publication_open(struct pomona_places *places,
                                                 const struct pomona_publication_options *options,
                                                 struct pomona_publication **publication,
                                                 struct pomona_error *error);

/* The path that stands in for DST, valid until the close. */
POMONA_API const char *pomona_publication_path(const struct pomona_publication *publication);

/* Whether a job has begun in the stand-in, this one or an earlier one, and is not finished. */
POMONA_API bool pomona_publication_has_work(const struct pomona_publication *publication);

/* Begins to stage a finished file that will lie at `name` of DST ("Results/part-00000-..."), in the background. `path` may be renamed
 * meanwhile, but not changed. A failure shows at the commit. Any thread. */
POMONA_API void pomona_publication_stage(struct pomona_publication *publication, const char *path,
                                         const char *name);

/* Publishes. `result` may be NULL. Errors: POMONA_E_IO and the like; nothing half done can be seen, and the same call of a later
 * process goes on. */
POMONA_API pomona_status pomona_publication_commit(struct pomona_publication *publication,
                                                   struct pomona_publication_result *result,
                                                   struct pomona_error *error);

/* Ends it; `keep`: the scratch folder stays for a later --resume (and so does the lock's claim). Accepts pointers to NULL. */
POMONA_API void pomona_publication_close(struct pomona_publication **publication, bool keep);

#ifdef __cplusplus
}
#endif
#endif
