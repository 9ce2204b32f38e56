#include "job/operands.h"

#include "store/listing_place.h"
#include "store/place.h"

#include <sys/stat.h>

pomona_status operands_list(struct pomona_places *places, const char *const *operands, size_t count,
                            const char *glob, bool (*should_stop)(void *), void *user,
                            struct listing *listing, struct pomona_error *error) {
    for (size_t i = 0; i < count; i++) {
        struct stat info;
        bool packed = false;
        if (should_stop && should_stop(user))
            return fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted while listing");
        if (place_is_remote(operands[i])) {
            TRY(listing_place(places, operands[i], glob, listing, error));
        } else if (stat(operands[i], &info) != 0) {
            TRY(listing_find_packed(listing, operands[i], &packed, error));
            if (!packed) TRY(listing_add(listing, operands[i], error));
        } else if (S_ISDIR(info.st_mode)) {
            TRY(listing_walk(operands[i], glob, should_stop, user, listing, error));
        } else {
            TRY(listing_add(listing, operands[i], error));
        }
    }
    return POMONA_OK;
}
