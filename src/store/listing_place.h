/* Listing photos in a place that is not on this machine. */
#ifndef STORE_LISTING_PLACE_H
#define STORE_LISTING_PLACE_H

#include "store/listing.h"

struct pack_finder;
struct pomona_places;

/* What listing_walk does for a folder, for "s3://bucket/prefix": the objects below whose last name matches `glob`, without those that have
 * a level that begins with `_` or `.`, sorted by URI. A name that is an object and no prefix is that one photo; one on a web server always is. What is neither, `finder` looks for in
 * packed prefixes above. Errors: those of place_list and of the finder; POMONA_E_INPUT when there is nothing of that name. */
pomona_status listing_place(struct pomona_places *places, const char *uri, const char *glob,
                            struct pack_finder *finder, struct listing *listing, struct pomona_error *error);

/* Adds one photo by its URI ("s3://bucket/key", "https://...") without asking for it. POMONA_E_MEMORY. */
pomona_status listing_add_uri(struct listing *listing, const char *uri, uint64_t size, int64_t modified,
                              struct pomona_error *error);

#endif
