/* Listing photos in a folder, recursively. */
#ifndef STORE_LISTING_H
#define STORE_LISTING_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct listed_photo {
    const char
        *path;       /* absolute, as the operating system takes it, or the same as uri where that is remote */
    const char *uri; /* "file:" + path, with bytes that are not UTF-8 percent-encoded; or "s3://bucket/key" */
    const char *label; /* name of the folder it lies in, encoded likewise */
    uint64_t size;     /* bytes; 0 for a link that leads nowhere (reading it gives the cause) */
    uint64_t offset;   /* of a photo inside a shard (store/pack_index.h): where it begins in `path` */
    int64_t modified;  /* seconds of the epoch; 0: not known */
    bool packed;       /* `path` is a shard, of which `size` bytes from `offset` are the photo */
};

/* All strings lie in the arena. Zero-initialise with LISTING_INIT, free with listing_free. */
struct listing {
    struct arena arena;
    struct listed_photo *photos; /* [count]; what one walk adds is sorted by uri, bytewise */
    size_t count, capacity;
    int64_t skipped; /* files that the pattern, or a leading `_` or `.` of a name on the way, left out */
};

#define LISTING_INIT ((struct listing){.arena = ARENA_INIT(SIZE_MAX)})

/* The absolute form of a path, with `.`, `..` and double slashes removed by text (links are not resolved), as
 * Hadoop's Path has it. Memory from the arena; NULL when out of memory or without a current folder. */
char *path_absolute(struct arena *arena, const char *path);

/* "file:" + an absolute path, with bytes that are not UTF-8 percent-encoded. Memory as above. */
char *path_to_uri(struct arena *arena, const char *path);

/* Lists the files under `root` (a folder, or one file: then the pattern is not asked; either may be one that a packed folder above holds)
 * whose name matches `glob`.
 * Adds to what the listing holds. Follows links; a folder that contains itself is entered once. A folder that `pomona pack`
 * made gives the photos in its shards, as if they lay there. `should_stop` may be NULL. Errors: POMONA_E_INPUT
 * (missing, a folder that can't be read: nothing is dropped silently), POMONA_E_LIMIT (nested deeper than 256),
 * POMONA_E_INTERRUPTED, POMONA_E_MEMORY. */
pomona_status listing_walk(const char *root, const char *glob, bool (*should_stop)(void *), void *user,
                           struct listing *listing, struct pomona_error *error);

/* Adds one photo without looking at the disk: what is wrong with it shows when it is read. POMONA_E_MEMORY. */
pomona_status listing_add(struct listing *listing, const char *path, struct pomona_error *error);

/* Adds a photo of another listing, without its label. POMONA_E_MEMORY. */
pomona_status listing_add_copy(struct listing *listing, const struct listed_photo *photo,
                               struct pomona_error *error);

/* Adds a photo whose strings live as long as the listing. POMONA_E_MEMORY. */
pomona_status listing_append(struct listing *listing, const struct listed_photo *photo,
                             struct pomona_error *error);

void listing_free(struct listing *listing);

#endif
