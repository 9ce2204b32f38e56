/* Many small photos in few large files: tar shards with an index, which every command reads as if they were the folder that was packed.
 *
 * A bucket charges and waits for each object, and an archive tier for at least 40 KB of each; a shard of 256 MB is one. DST holds
 *   shard-00000-<hash>.tar   photos in the order of their names, as members that GNU tar and Python read (pax); <hash> is the beginning of its SHA-256
 *   _index.parquet           path, shard, offset, size, modified, sha256 of each photo
 *   _SUCCESS                 written last; JSON: the shards with their bytes and SHA-256
 * Photos of DST are called DST/NAME, with the names that they had below SRC, whatever shard they are in. Equal photos and options give equal bytes. */
#ifndef POMONA_PACK_H
#define POMONA_PACK_H

#include "pomona/features.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero-initialise, then set what differs. Strings are borrowed for the call. */
struct pomona_pack_options {
    const char *source; /* folder, or s3:// prefix */
    const char *out;    /* folder DST; made if missing */
    const char *glob;   /* of photos' names; default "*.jpg" */
    int64_t
        shard_bytes; /* about so large, at least 1 MiB; default 256 MiB; a larger photo has a shard of its own */
    bool
        skip_unreadable; /* leave out photos that can't be read, instead of stopping: packing loses nothing by accident */
    bool overwrite;               /* replace what is packed in DST; it stays until the new one is complete */
    struct pomona_places *places; /* for a source elsewhere; may be NULL */
    int64_t
        max_errors; /* of skip_unreadable: more photos that are left out are POMONA_E_ERROR_ROWS at the end; negative: any number */
    void (*failed)(void *user, const char *path,
                   const char *reason); /* each photo that is left out; may be NULL */
    void (*progress)(void *user, const struct pomona_features_progress *progress); /* may be NULL */
    bool (*should_stop)(
        void *user); /* asked often; true: POMONA_E_INTERRUPTED, nothing is left. May be NULL */
    void *user;
};

struct pomona_pack_result {
    int64_t photos, failed, skipped; /* packed; left out; files that the glob left out */
    int64_t bytes;                   /* of the photos */
    int shards;
    double seconds;
};

/* Errors: POMONA_E_ERROR_ROWS (done, with more photos left out than max_errors); POMONA_E_USAGE; POMONA_E_INPUT (no photos, one that can't be read, DST inside SRC); POMONA_E_EXISTS (DST holds a packed folder
 * already, or another job is at work); POMONA_E_LIMIT (a photo of 1 GiB or more, more than 100,000 shards); POMONA_E_IO; POMONA_E_INTERRUPTED;
 * POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_pack_run(const struct pomona_pack_options *options,
                                         struct pomona_pack_result *result, struct pomona_error *error);

/* Reads every byte of a packed folder on this machine: each photo must have the SHA-256 of the index, the tar header before it a right checksum and the
 * name and size of the index, each shard the SHA-256 that is in _SUCCESS or begins in its name. `failed` is called for each photo that differs, and for a
 * shard (with its name) that differs in no photo; POMONA_E_CORRUPT when there is one. */
POMONA_API pomona_status pomona_pack_check(const char *folder, const struct pomona_pack_options *options,
                                           struct pomona_pack_result *result, struct pomona_error *error);

#ifdef __cplusplus
}
#endif
#endif
