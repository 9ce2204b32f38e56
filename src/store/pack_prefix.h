/* Packed prefixes of a bucket. */
#ifndef STORE_PACK_PREFIX_H
#define STORE_PACK_PREFIX_H

#include "store/pack_index.h"

struct place;

/* An index in memory. Initialise with PACK_PREFIX_INIT. */
struct pack_prefix {
    struct buffer bytes;
    struct source_memory memory;
    struct source index;
    struct pack_place place;
    char *name, *root; /* URIs of the index, and of the prefix that it lies in */
};

#define PACK_PREFIX_INIT ((struct pack_prefix){.bytes = BUFFER_INIT(1 << 30)})

/* Reads the index of this name ("packed/_index.parquet") in a place, which is not needed any more afterwards. POMONA_E_INPUT: there is none, or no PACK_SUCCESS beside it, as
 * while a packing is being published. On success and failure alike close with pack_prefix_close; `prefix` stays in place until then. */
pomona_status pack_prefix_open(struct pack_prefix *prefix, struct place *place, const char *index_name,
                               struct pomona_error *error);
void pack_prefix_close(struct pack_prefix *prefix);

#endif
