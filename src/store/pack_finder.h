/* What a name means inside a packed place: the photo "s3://bucket/packed/train/apple/1.jpg" or the folder "/data/packed/train", of which there is no object
 * and no folder, but a place above holds an index that knows them.
 *
 * Places above a name are looked at from the outermost one on, at most 256 of them, and what was found in a bucket is remembered: one small request for
 * each prefix that no name before had in common. An index is read up to a photo when it is asked for the first time, and kept from the second
 * time on. One thread. */
#ifndef STORE_PACK_FINDER_H
#define STORE_PACK_FINDER_H

#include "store/listing.h"

struct pack_finder;
struct pomona_places;

/* Zero-initialise, then set what differs. Everything is borrowed for the finder's life. */
struct pack_finder_options {
    struct pomona_places *places; /* NULL: only folders of this machine */
    const char *within; /* a URI: in buckets only the places that hold it are looked at; NULL: all */
    bool (*should_stop)(void *user); /* may be NULL */
    void *user;
};

pomona_status pack_finder_new(const struct pack_finder_options *options, struct pack_finder **finder,
                              struct pomona_error *error);
/* Accepts pointers to NULL. */
void pack_finder_free(struct pack_finder **finder);

/* Adds to the listing the photo of this name (an absolute path as the operating system takes it, or "s3://bucket/key"); with a `glob` also those below the
 * name whose last name matches, as listing_walk does for a folder. *found: whether a packed place knows such a photo or such a folder,
 * whatever the pattern leaves of it. Names on the web are never found. Errors: those of an index that can't be read, POMONA_E_IO,
 * POMONA_E_INTERRUPTED, POMONA_E_MEMORY; a place without the right to look is one without an index. */
pomona_status pack_finder_find(struct pack_finder *finder, const char *name, const char *glob,
                               struct listing *listing, bool *found, struct pomona_error *error);

#endif
