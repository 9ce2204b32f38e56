#include "job/photos.h"

#include "base/io.h"
#include "job/labels.h"

#include <string.h>

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

pomona_status photo_read_uri(const char *uri, struct buffer *bytes, struct pomona_error *error) {
    if (strncmp(uri, "file:/", 6) != 0) return fail(error, POMONA_E_INPUT, uri, "is not on this machine");
    const char *path = uri + 5;
    while (path[0] == '/' && path[1] == '/') path++; /* file:///data is /data */
    return file_read(path, bytes, error);
}
