#include "job/photos.h"

#include "job/labels.h"

pomona_status photos_list(const char *source, const char *glob, const char *labels_file, int64_t limit,
                          bool (*should_stop)(void *), void *user, struct listing *listing,
                          int64_t *unlabelled, struct pomona_error *error) {
    TRY(listing_walk(source, glob, should_stop, user, listing, error));
    if (listing->count == 0)
        return fail(error, POMONA_E_INPUT, source, "no photo matches '%s' (%lld other files)", glob,
                    (long long)listing->skipped);
    if (limit > 0 && (uint64_t)limit < listing->count) listing->count = (size_t)limit;
    *unlabelled = 0;
    return labels_file ? labels_apply(labels_file, source, listing, unlabelled, error) : POMONA_OK;
}
