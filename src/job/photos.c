#include "job/photos.h"

#include "job/labels.h"
#include "store/listing_place.h"
#include "store/pack_finder.h"
#include "store/place.h"

static pomona_status list_place(struct pomona_places *places, const char *source, const char *glob,
                                bool (*should_stop)(void *), void *user, struct listing *listing,
                                struct pomona_error *error) {
    const struct pack_finder_options options = {.places = places, .should_stop = should_stop, .user = user};
    struct pack_finder *finder;
    TRY(pack_finder_new(&options, &finder, error));
    pomona_status status = listing_place(places, source, glob, finder, listing, error);
    pack_finder_free(&finder);
    return status;
}

pomona_status photos_list(struct pomona_places *places, const char *source, const char *glob,
                          const char *labels_file, int64_t limit, bool (*should_stop)(void *), void *user,
                          struct listing *listing, int64_t *unlabelled, struct pomona_error *error) {
    if (place_is_remote(source))
        TRY(list_place(places, source, glob, should_stop, user, listing, error));
    else
        TRY(listing_walk(source, glob, should_stop, user, listing, error));
    if (listing->count == 0)
        return fail(error, POMONA_E_INPUT, source, "no photo matches '%s' (%lld other files)", glob,
                    (long long)listing->skipped);
    if (limit > 0 && (uint64_t)limit < listing->count) listing->count = (size_t)limit;
    *unlabelled = 0;
    return labels_file ? labels_apply(labels_file, source, listing, unlabelled, error) : POMONA_OK;
}
