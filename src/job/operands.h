/* Photos named one by one, by folders, or both. */
#ifndef JOB_OPERANDS_H
#define JOB_OPERANDS_H

#include "store/listing.h"

struct pomona_places;

/* Adds the photos of each operand in turn: of a folder those whose name matches `glob`, sorted; anything else as it is,
 * also what does not exist. Errors: those of listing_walk. */
pomona_status operands_list(struct pomona_places *places, const char *const *operands, size_t count,
                            const char *glob, bool (*should_stop)(void *), void *user,
                            struct listing *listing, struct pomona_error *error);

#endif
