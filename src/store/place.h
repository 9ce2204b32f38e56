/* One interface to where things lie: a folder, a bucket and prefix of S3, or a web server (to read only).
 *
 * A place is a root; names in it ("Results/_SUCCESS") are relative, with `/` between levels, and never begin with one. A
 * place belongs to one thread at a time; make one for each thread (they share credentials and the retry quota through
 * `struct pomona_places`). */
#ifndef STORE_PLACE_H
#define STORE_PLACE_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct place;
struct pomona_places;

/* Something in a place. Strings live for the call that hands it over. */
struct place_item {
    const char *name;
    const char *etag;    /* of S3, without quotes; "" elsewhere */
    const char *version; /* id of a version; "" */
    const char *staged;  /* receipt of an upload that was not committed; "" */
    uint64_t size;
    int64_t modified; /* seconds of the epoch */
    int64_t now;      /* the same by the clock of the place, of place_stat alone; 0: it did not say */
    bool is_folder;   /* name ends in `/`: only when a listing does not go below */
    bool is_latest, is_delete_marker;
};

typedef pomona_status (*place_visit)(void *user, const struct place_item *item, struct pomona_error *error);

/* Whether text names something elsewhere: "s3://", "http://", "https://". All else is a path. */
bool place_is_remote(const char *uri);

/* Whether it is a bucket without a prefix: that is no object, whatever a server answers when it is asked for one. */
bool place_is_bucket(const char *uri);

/* Opens "s3://bucket[/prefix]", "http[s]://..." or a path. Nothing is asked of the network. `places` may be NULL for paths; else
 * it outlives the place. POMONA_E_USAGE: not such a text, or remote without `places`; POMONA_E_MEMORY. */
pomona_status place_open(struct pomona_places *places, const char *uri, struct place **place,
                         struct pomona_error *error);
void place_free(struct place **place);

/* "s3://bucket/prefix", the address or the path, without a slash at the end. */
const char *place_root(const struct place *place);

/* The full name for messages and results: root + name ("s3://bucket/prefix/name"). Memory is the caller's (memory_free); NULL: none. */
char *place_uri(const struct place *place, const char *name);

/* A URI for messages into out[0..capacity): of a web address without user and password, and without its query, which may be a signature. */
void place_shown(const char *uri, char *out, size_t capacity);

/* Visits what is below `prefix` ("" : all) in bytewise order of names within a prefix; with `shallow` only one level, where deeper
 * ones are folders. S3 is listed by several prefixes at once where the first page ends early. POMONA_E_INPUT: there is no such
 * bucket or folder, or no right to list; POMONA_E_UNSUPPORTED: a web server. */
pomona_status place_list(struct place *place, const char *prefix, bool shallow, place_visit visit, void *user,
                         struct pomona_error *error);

/* Size, time and ETag of one thing; the item's strings live until the next call on the place. POMONA_E_INPUT: it is not there. */
pomona_status place_stat(struct place *place, const char *name, struct place_item *item,
                         struct pomona_error *error);

/* The whole of it into `out` (cleared first; its limit holds), checked against its length and checksum. `etag`: where the bytes come
 * from, into 256 bytes (NULL: not asked). POMONA_E_INPUT: missing or forbidden; POMONA_E_CORRUPT: checksum; POMONA_E_IO. */
pomona_status place_read(struct place *place, const char *name, struct buffer *out, char *etag,
                         struct pomona_error *error);

/* `size` bytes from `offset`. `etag` not NULL and not "": only if it is still that object (POMONA_E_INPUT: it changed). */
pomona_status place_read_range(struct place *place, const char *name, uint64_t offset, size_t size,
                               const char *etag, void *data, struct pomona_error *error);

/* Copies to a file, in ranges of one and the same object that are read side by side; fsynced under a temporary name, then renamed. */
pomona_status place_fetch(struct place *place, const char *name, const char *file,
                          struct pomona_error *error);

enum place_condition { PLACE_ANY, PLACE_IF_NEW, PLACE_IF_SAME };

/* Writes a small thing in one step. PLACE_IF_NEW: only where there is none; PLACE_IF_SAME: only while its ETag is `etag`
 * (POMONA_E_EXISTS otherwise). The new ETag goes to `new_etag` (256 bytes; may be NULL; "" in a folder). */
pomona_status place_write(struct place *place, const char *name, const void *data, size_t size,
                          enum place_condition condition, const char *etag, char *new_etag,
                          struct pomona_error *error);

/* A large thing in two steps: staged, it takes room but can't be seen (an unfinished multipart upload, a temporary file); committed,
 * it is there whole, in one step. The receipt is one line of text that a later process can commit or drop. */
pomona_status place_stage(struct place *place, const char *name, const char *file, struct buffer *receipt,
                          struct pomona_error *error);
/* Committing what was committed already is fine (a crash between the step and its note). */
pomona_status place_commit(struct place *place, const char *name, const char *receipt,
                           struct pomona_error *error);
pomona_status place_unstage(struct place *place, const char *name, const char *receipt,
                            struct pomona_error *error);
/* Visits what is staged below `prefix` and not committed (`staged` is its receipt, enough for place_unstage). */
pomona_status place_list_staged(struct place *place, const char *prefix, place_visit visit, void *user,
                                struct pomona_error *error);

/* Deletes; what is missing is fine. Many at once where the place can. */
pomona_status place_delete(struct place *place, const char *const *names, size_t count,
                           struct pomona_error *error);

/* All versions of what is below `prefix`, and deleting one of them for good (a folder has one version of everything). */
pomona_status place_versions(struct place *place, const char *prefix, place_visit visit, void *user,
                             struct pomona_error *error);
pomona_status place_delete_version(struct place *place, const char *name, const char *version,
                                   struct pomona_error *error);

#endif
