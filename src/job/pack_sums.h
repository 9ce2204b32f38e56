/* The hashes of a packed folder's shards: whole ones in _SUCCESS, the beginnings of them in the shards' names. */
#ifndef JOB_PACK_SUMS_H
#define JOB_PACK_SUMS_H

#include "base/error.h"

#include <stddef.h>

struct json_value;

/* Zero-initialise; free with pack_sums_free. */
struct pack_sums {
    struct json_value *success;
    size_t next; /* shards are asked for in the order that they have there */
};

/* POMONA_E_CORRUPT: _SUCCESS is no JSON object; POMONA_E_IO, POMONA_E_MEMORY. */
pomona_status pack_sums_read(struct pack_sums *sums, const char *folder, struct pomona_error *error);

/* Whether a shard has the SHA-256 that is known of it; one of which nothing is known is fine, as another tool's: so is what _SUCCESS does not name, since it
 * may be that of the packing before. POMONA_E_CORRUPT: it differs. */
pomona_status pack_sums_check(struct pack_sums *sums, const char *shard, const char *sha256,
                              struct pomona_error *error);

void pack_sums_free(struct pack_sums *sums);

#endif
