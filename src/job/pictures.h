/* Photos by their URIs, one after the other, for the pictures of a report. */
#ifndef JOB_PICTURES_H
#define JOB_PICTURES_H

#include "base/buffer.h"
#include "store/listing.h"

struct pack_finder;
struct photo_reader;
struct pomona_places;

/* Initialise with PICTURES_INIT(places), where NULL means this machine only; free with pictures_free. */
struct pictures {
    struct pomona_places *places;
    struct pack_finder *finder; /* NULL until a photo is not where its name says */
    struct photo_reader
        *reader;           /* NULL until one is elsewhere; it keeps its connections, and parts of shards */
    struct listing packed; /* photos that were found in packed places */
};

#define PICTURES_INIT(from) ((struct pictures){.places = (from), .packed = LISTING_INIT})

/* The bytes of a photo, packed or not: `bytes` is cleared first. POMONA_E_INPUT for what is not on this machine when there are no places; errors
 * of photo_read and of pack_finder_find. */
pomona_status pictures_read(struct pictures *pictures, const char *uri, struct buffer *bytes,
                            struct pomona_error *error);
void pictures_free(struct pictures *pictures);

#endif
