#include "job/operands.h"

#include "store/listing_place.h"
#include "store/pack_finder.h"
#include "store/place.h"

#include <sys/stat.h>

/* A name that is nothing on this machine: a photo or a folder of a packed folder above, or an error of that photo alone. */
static pomona_status add_missing(const char *operand, const char *glob, struct pack_finder *finder,
                                 struct listing *listing, struct pomona_error *error) {
    bool packed = false;
    const char *path = path_absolute(&listing->arena, operand);
    if (!path) return fail_memory(error, "listing");
    TRY(pack_finder_find(finder, path, glob, listing, &packed, error));
    return packed ? POMONA_OK : listing_add(listing, operand, error);
}

pomona_status operands_list(struct pomona_places *places, const char *const *operands, size_t count,
                            const char *glob, bool (*should_stop)(void *), void *user,
                            struct listing *listing, struct pomona_error *error) {
    const struct pack_finder_options options = {.places = places, .should_stop = should_stop, .user = user};
    struct pack_finder *finder;
    TRY(pack_finder_new(&options, &finder, error));
    pomona_status status = POMONA_OK;
    for (size_t i = 0; i < count && status == POMONA_OK; i++) {
        struct stat info;
        if (should_stop && should_stop(user))
            status = fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted while listing");
        else if (place_is_remote(operands[i]))
            status = listing_place(places, operands[i], glob, finder, listing, error);
        else if (stat(operands[i], &info) != 0)
            status = add_missing(operands[i], glob, finder, listing, error);
        else if (S_ISDIR(info.st_mode))
            status = listing_walk(operands[i], glob, should_stop, user, listing, error);
        else
            status = listing_add(listing, operands[i], error);
    }
    pack_finder_free(&finder);
    return status;
}
