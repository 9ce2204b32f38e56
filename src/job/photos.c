#include "job/photos.h"

#include "job/labels.h"
#include "store/listing_place.h"
#include "store/pack_finder.h"
#include "store/photo_reader.h"
#include "store/place.h"

#include <string.h>

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

/* The photo of this name in a packed place above. */
static pomona_status read_packed(struct pomona_places *places, struct pack_finder **finder, const char *name,
                                 struct buffer *bytes, bool *found, struct pomona_error *error) {
    const struct pack_finder_options options = {.places = places};
    struct listing packed = LISTING_INIT;
    *found = false;
    pomona_status status = *finder ? POMONA_OK : pack_finder_new(&options, finder, error);
    if (status == POMONA_OK) status = pack_finder_find(*finder, name, NULL, &packed, found, error);
    if (status == POMONA_OK && *found) status = photo_read(places, packed.photos, bytes, error);
    listing_free(&packed);
    return status;
}

pomona_status photo_read_uri(struct pomona_places *places, struct pack_finder **finder, const char *uri,
                             struct buffer *bytes, struct pomona_error *error) {
    struct listed_photo photo = {.path = uri, .uri = uri};
    struct pomona_error missing = {0};
    bool found = false;
    if (!place_is_remote(uri)) {
        if (strncmp(uri, "file:/", 6) != 0) return fail(error, POMONA_E_INPUT, uri, "is not on this machine");
        photo.path = uri + 5; /* as an index has it: percent-encoded where it is not UTF-8 */
        while (photo.path[0] == '/' && photo.path[1] == '/') photo.path++; /* file:///data is /data */
    }
    pomona_status status = photo_read(places, &photo, bytes, &missing);
    if (status == POMONA_OK) return POMONA_OK;
    if (status == POMONA_E_INPUT) TRY(read_packed(places, finder, photo.path, bytes, &found, error));
    if (found) return POMONA_OK;
    if (error) *error = missing;
    return status;
}
