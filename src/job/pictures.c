#include "job/pictures.h"

#include "store/pack_finder.h"
#include "store/photo_file.h"
#include "store/photo_reader.h"
#include "store/place.h"

#include <string.h>

static pomona_status read_photo(struct pictures *pictures, const struct listed_photo *photo,
                                struct buffer *bytes, struct pomona_error *error) {
    if (!place_is_remote(photo->path)) return photo_file_read(photo, bytes, error);
    if (!pictures->places) return fail(error, POMONA_E_INPUT, photo->uri, "is not on this machine");
    if (!pictures->reader) TRY(photo_reader_new(pictures->places, &pictures->reader, error));
    return photo_reader_read(pictures->reader, photo, bytes, error);
}

/* The photo of this name in a packed place above. */
static pomona_status read_packed(struct pictures *pictures, const char *name, struct buffer *bytes,
                                 bool *found, struct pomona_error *error) {
    const struct pack_finder_options options = {.places = pictures->places};
    *found = false;
    if (!pictures->finder) TRY(pack_finder_new(&options, &pictures->finder, error));
    TRY(pack_finder_find(pictures->finder, name, NULL, &pictures->packed, found, error));
    if (!*found) return POMONA_OK;
    return read_photo(pictures, &pictures->packed.photos[pictures->packed.count - 1], bytes, error);
}

pomona_status pictures_read(struct pictures *pictures, const char *uri, struct buffer *bytes,
                            struct pomona_error *error) {
    struct listed_photo photo = {.path = uri, .uri = uri};
    struct pomona_error missing = {0};
    bool found = false, one_was_packed = pictures->packed.count > 0;
    if (!place_is_remote(uri)) {
        if (strncmp(uri, "file:/", 6) != 0) return fail(error, POMONA_E_INPUT, uri, "is not on this machine");
        photo.path = uri + 5; /* as an index has it: percent-encoded where it is not UTF-8 */
        while (photo.path[0] == '/' && photo.path[1] == '/') photo.path++; /* file:///data is /data */
    }
    /* Where one photo was packed the next one is too: then its own name needs no request. */
    if (one_was_packed) TRY(read_packed(pictures, photo.path, bytes, &found, error));
    if (found) return POMONA_OK;
    pomona_status status = read_photo(pictures, &photo, bytes, &missing);
    if (status == POMONA_OK) return POMONA_OK;
    if (status == POMONA_E_INPUT && !one_was_packed)
        TRY(read_packed(pictures, photo.path, bytes, &found, error));
    if (found) return POMONA_OK;
    if (error) *error = missing;
    return status;
}

void pictures_free(struct pictures *pictures) {
    photo_reader_free(&pictures->reader); /* before what it points to */
    pack_finder_free(&pictures->finder);
    listing_free(&pictures->packed);
    *pictures = PICTURES_INIT(NULL);
}
