#include "job/photos.h"

#include "job/labels.h"
#include "store/listing_place.h"
#include "store/pack_folder.h"
#include "store/photo_reader.h"
#include "store/place.h"

#include <string.h>
#include <sys/stat.h>

pomona_status photos_list(struct pomona_places *places, const char *source, const char *glob,
                          const char *labels_file, int64_t limit, bool (*should_stop)(void *), void *user,
                          struct listing *listing, int64_t *unlabelled, struct pomona_error *error) {
    if (place_is_remote(source))
        TRY(listing_place(places, source, glob, listing, error));
    else
        TRY(listing_walk(source, glob, should_stop, user, listing, error));
    if (listing->count == 0)
        return fail(error, POMONA_E_INPUT, source, "no photo matches '%s' (%lld other files)", glob,
                    (long long)listing->skipped);
    if (limit > 0 && (uint64_t)limit < listing->count) listing->count = (size_t)limit;
    *unlabelled = 0;
    return labels_file ? labels_apply(labels_file, source, listing, unlabelled, error) : POMONA_OK;
}

/* A photo that is on this machine not as a file, but in a packed folder above that place. */
static pomona_status find_packed(const struct listed_photo *photo, struct listing *listing, bool *found,
                                 struct pomona_error *error) {
    struct stat info;
    *found = false;
    if (strncmp(photo->uri, "file:/", 6) != 0 || lstat(photo->path, &info) == 0) return POMONA_OK;
    const char *path = photo->uri + 5; /* as an index has it: percent-encoded where it is not UTF-8 */
    while (path[0] == '/' && path[1] == '/') path++;
    return pack_folder_find(path, listing, found, error);
}

pomona_status photo_read_uri(struct pomona_places *places, const char *uri, struct buffer *bytes,
                             struct pomona_error *error) {
    struct listed_photo photo = {.path = uri, .uri = uri};
    if (!place_is_remote(uri)) {
        if (strncmp(uri, "file:/", 6) != 0) return fail(error, POMONA_E_INPUT, uri, "is not on this machine");
        photo.path = uri + 5;
        while (photo.path[0] == '/' && photo.path[1] == '/') photo.path++; /* file:///data is /data */
    }
    struct listing packed = LISTING_INIT;
    bool found = false;
    pomona_status status = find_packed(&photo, &packed, &found, error);
    if (status == POMONA_OK) status = photo_read(places, found ? packed.photos : &photo, bytes, error);
    listing_free(&packed);
    return status;
}
