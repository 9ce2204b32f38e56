/* Files wherever they lie: listing, copying and removing folders of this machine, buckets of S3 and what web servers give. Names are those of
 * pomona/places.h. */
#ifndef POMONA_FILES_H
#define POMONA_FILES_H

#include "pomona/places.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Something that a listing found. Strings live for the call that hands it over; those that do not apply are "". */
struct pomona_file {
    const char *name;    /* below what was listed; a folder's ends in `/` */
    const char *etag;    /* of S3, without quotes */
    const char *version; /* its id, in a listing of versions */
    const char *upload;  /* its id, in a listing of unfinished uploads */
    uint64_t size;
    int64_t modified; /* seconds of the epoch; of an upload: when it was begun; 0: not known */
    bool is_folder;
    bool is_latest, is_delete_marker; /* in a listing of versions */
};

enum pomona_list_what {
    POMONA_LIST_LEVEL,    /* one level; what lies deeper shows as folders */
    POMONA_LIST_ALL,      /* everything below */
    POMONA_LIST_VERSIONS, /* all versions of everything below, and the marks of what was deleted */
    POMONA_LIST_UPLOADS /* what was begun to be written and is not there: unfinished multipart uploads; they cost room */
};

/* Return anything but POMONA_OK to end the listing with that. */
typedef pomona_status (*pomona_list_visit)(void *user, const struct pomona_file *file,
                                           struct pomona_error *error);

/* Hands over what is below `uri`, as it comes: memory does not grow with the number of files. One level is sorted by bytes; of S3 several
 * prefixes are listed side by side, so POMONA_LIST_ALL is sorted within each prefix only. What is one file itself is handed over alone, by
 * its last name; of a web server there is nothing else. `places` may be NULL for a path.
 *
 * POMONA_E_INPUT: there is no such thing (an empty bucket or folder is one; a prefix without objects is not, but for versions and uploads,
 * of which there may be none), or no right to list; POMONA_E_UNSUPPORTED: a web server; POMONA_E_IO, POMONA_E_INTERRUPTED, POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_list(struct pomona_places *places, const char *uri,
                                     enum pomona_list_what what, pomona_list_visit visit, void *user,
                                     struct pomona_error *error);

/* Zero-initialise, then set what differs. */
struct pomona_copy_options {
    bool recursive; /* everything below `from`, to the same names below `to` */
    bool overwrite; /* else existing names are refused before anything is written */
    bool dry_run;   /* only `file` is called */
    int threads;    /* files at a time, 1..64; 0: 8 where one side is remote, else 1 */
    /* Before the first file: each that will be copied. May be NULL. */
    void (*file)(void *user, const char *from, const char *to, uint64_t size);
    /* After each file; one call at a time, from any thread. May be NULL. */
    void (*progress)(void *user, int64_t files, int64_t files_all, uint64_t bytes);
    void *user;
};

struct pomona_copy_result {
    int64_t files;
    uint64_t bytes;
};

/* Copies one file, or everything below `from`. Each file is there whole or not at all, also after a kill: it gets its name when all its
 * bytes are there (a temporary name and a rename; in S3 one request, or an upload completed at the end). For one file, a `to` that ends in
 * `/`, a bucket or an existing folder takes the last name of `from`. Contents are copied, no metadata. A link on this machine is followed.
 * The first failure ends the copy; what was copied stays, and `result` (may be NULL) says how much that is.
 *
 * POMONA_E_INPUT: there is no such thing; POMONA_E_EXISTS: a name is taken, nothing was written; POMONA_E_UNSUPPORTED: a key that can't
 * be the name of a file (`..`, empty levels, a file where another needs a folder), nothing was written; or a web server is to be listed or
 * written to; POMONA_E_USAGE, POMONA_E_IO, POMONA_E_INTERRUPTED, POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_copy(struct pomona_places *places, const char *from, const char *to,
                                     const struct pomona_copy_options *options,
                                     struct pomona_copy_result *result, struct pomona_error *error);

/* Hands over one file piece by piece, from its beginning; all pieces are of one and the same object. Errors as above, and what `take`
 * returns. */
POMONA_API pomona_status pomona_read_file(struct pomona_places *places, const char *uri,
                                          pomona_status (*take)(void *user, const void *data, size_t size,
                                                                struct pomona_error *error),
                                          void *user, struct pomona_error *error);

struct pomona_remove_options {
    enum {
        POMONA_REMOVE_FILES,    /* in a bucket that keeps versions they can be brought back */
        POMONA_REMOVE_VERSIONS, /* all versions, and the marks of what was deleted, for good */
        POMONA_REMOVE_UPLOADS   /* what was begun to be written, and nothing else */
    } what;
    bool recursive; /* everything below, not one file */
    bool dry_run;   /* only `file` is called */
    /* Each that is removed; `id` is of a version or an upload. May be NULL. */
    void (*file)(void *user, const char *uri, const char *id, uint64_t size);
    void *user;
};

/* Removes a file or an object, or everything below a prefix; a folder of this machine goes with its folders. `result` (may be NULL) says how
 * many. Errors: POMONA_E_INPUT (there is no such thing, but for versions and uploads, of which there may be none; a folder without
 * `recursive`), POMONA_E_UNSUPPORTED (a web server, versions of a folder, the root of the disk), POMONA_E_IO, POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_remove(struct pomona_places *places, const char *uri,
                                       const struct pomona_remove_options *options,
                                       struct pomona_copy_result *result, struct pomona_error *error);

#ifdef __cplusplus
}
#endif
#endif
