/* The index of a packed folder: which photo lies where, in which shard. (include/pomona/pack.h says what such a folder holds.)
 *
 * A Parquet table, a row for each photo, sorted by path (bytewise, strictly), where the photos of a shard follow each other in the
 * order of their offsets:
 *
 *   path     relative to the folder, `/` between levels, bytes that are not UTF-8 percent-encoded as in URIs
 *   shard    name of a file in the folder: letters, digits, `.`, `_`, `-`; the names ascend from shard to shard
 *   offset   of the photo's first byte in the shard, a multiple of 512
 *   size     bytes
 *   modified seconds of the epoch; 0: not known
 *   sha256   of the photo, in hexadecimal
 *
 * and a property "pomona.pack" = "1". The index is hostile: all of this is checked, row by row, and that photos lie inside their
 * shard and apart from each other. Memory: that of the Parquet reader and two paths. */
#ifndef STORE_PACK_INDEX_H
#define STORE_PACK_INDEX_H

#include "base/buffer.h"
#include "base/io.h"
#include "base/sha256.h"
#include "store/listing.h"

#define PACK_INDEX   "_index.parquet"
#define PACK_SUCCESS "_SUCCESS"

enum {
    PACK_PATH_MAX = 16384, /* bytes of a relative path: the longest of Linux, all percent-encoded, and some */
    PACK_SHARD_MAX = 128   /* bytes of a shard's name */
};

/* Where a packed folder lies: on disk, in a bucket. Everything is borrowed. */
struct pack_place {
    const char *uri;  /* of the folder: "file:/data/packed", "s3://bucket/packed" */
    const char *path; /* the same as shards are read from it: "/data/packed", "s3://bucket/packed" */
    /* Size in bytes of a shard of this name; a failure where there is none. NULL: not known, so that the end of a shard is only seen
     * when a photo is read. */
    pomona_status (*shard_size)(void *user, const char *shard, uint64_t *size, struct pomona_error *error);
    bool (*should_stop)(void *user); /* may be NULL */
    void *user;                      /* of both */
};

/* Adds the photos whose last name matches `glob` to the listing, in order, with path = place->path/shard, uri = place->uri/path,
 * label = name of the folder that the URI lies in. Names that begin with `_` or `.`, on any level, are left out as in folders.
 * `index` and its bytes need not outlive the call. Callers ask for PACK_SUCCESS beside it first: without one the folder is not
 * whole. Errors: POMONA_E_INPUT (not such an index), POMONA_E_CORRUPT, POMONA_E_LIMIT, POMONA_E_INTERRUPTED, POMONA_E_MEMORY, those of the
 * source and of shard_size. */
pomona_status pack_index_list(struct source index, const struct pack_place *place, const char *glob,
                              struct listing *listing, struct pomona_error *error);

/* The same of the photos below one folder of the packed one ("train/apple"; "": all of them), whose levels above do not count as hidden. *found:
 * whether there is any, whatever the pattern leaves of it. `glob` NULL: all, hidden ones too. Reads the index up to there. */
pomona_status pack_index_list_below(struct source index, const struct pack_place *place, const char *below,
                                    const char *glob, struct listing *listing, bool *found,
                                    struct pomona_error *error);

/* Adds the one photo of this relative path, if there is one. Reads the index up to there. Errors as above. */
pomona_status pack_index_find(struct source index, const struct pack_place *place, const char *path,
                              struct listing *listing, bool *found, struct pomona_error *error);

/* Whether a photo may have this relative path: UTF-8, not too long, nothing that could lead out of the folder. */
bool pack_path_is_tame(const char *path, size_t size);

/* ---- row by row ---- */

/* Strings live until the next call. */
struct pack_entry {
    const char *path, *shard;
    uint64_t offset, size, shard_size; /* shard_size: UINT64_MAX where nobody knows */
    int64_t modified;
    char sha256[SHA256_HEX_SIZE]; /* "" unless asked for */
    bool first;                   /* of its shard */
};

struct pack_reader;

/* `place` outlives the reader. *rows: how many there are said to be. */
pomona_status pack_reader_open(struct source index, const struct pack_place *place, bool with_sums,
                               struct pack_reader **out, int64_t *rows, struct pomona_error *error);
pomona_status pack_reader_next(struct pack_reader *reader, struct pack_entry *entry, bool *has_entry,
                               struct pomona_error *error);
/* Accepts pointers to NULL. */
void pack_reader_free(struct pack_reader **reader);

#endif
