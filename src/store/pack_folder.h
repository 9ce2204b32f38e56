/* Packed folders on disk. */
#ifndef STORE_PACK_FOLDER_H
#define STORE_PACK_FOLDER_H

#include "store/pack_index.h"
#include "table/file_source.h"

/* An open index. The place's strings lie in `arena`. Initialise with PACK_FOLDER_INIT. */
struct pack_folder {
    struct arena arena;
    struct file_source file;
    struct source index;
    struct pack_place place;
    const char *path;
    bool (*should_stop)(void *user);
    void *user;
};

#define PACK_FOLDER_INIT ((struct pack_folder){.arena = ARENA_INIT(1 << 20), .file = FILE_SOURCE_INIT})

/* Opens the index of the folder `path` (absolute). POMONA_E_INPUT: there is none, or no PACK_SUCCESS beside it. On success and failure
 * alike close with pack_folder_close; `folder` stays in place until then. */
pomona_status pack_folder_open(struct pack_folder *folder, const char *path, bool (*should_stop)(void *user),
                               void *user, struct pomona_error *error);
void pack_folder_close(struct pack_folder *folder);

enum { PACK_SHARD_HEX = 16 }; /* digits of a shard's SHA-256 in its name */

/* Whether a file of the folder is a shard by its name, as pomona pack gives them: "shard-00000-0123456789abcdef.tar". */
bool pack_is_shard(const char *name);

/* Adds the photos of a packed folder (absolute path). What else lies in it is counted as skipped, but for names that begin with `_`
 * or `.`. Errors: those of pack_folder_open and pack_index_list. */
pomona_status pack_folder_list(const char *path, const char *glob, bool (*should_stop)(void *user),
                               void *user, struct listing *listing, struct pomona_error *error);

#endif
