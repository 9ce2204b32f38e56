#include "base/file_sink.h"
#include "base/memory.h"
#include "job/scratch.h"
#include "store/folder.h"
#include "store/pack_finder.h"
#include "store/photo_reader.h"
#include "store/place.h"

#include <string.h>

enum { PHOTO_BYTES_MAX = 1 << 30 };

/* A photo of the name itself becomes the file `path`, one below it a file below. */
static pomona_status copy_photo(struct photo_reader *reader, const struct listed_photo *photo, size_t root,
                                const char *path, struct buffer *bytes, struct pomona_error *error) {
    const char *below = photo->uri + root;
    char *file = *below ? path_join(path, below + 1) : memory_copy_string(path);
    pomona_status status = file ? scratch_make_parents(file, error) : fail_memory(error, "path");
    if (status == POMONA_OK) status = photo_reader_read(reader, photo, bytes, error);
    if (status == POMONA_OK) status = file_write(file, bytes->data, bytes->size, error);
    memory_free(file);
    return status;
}

pomona_status scratch_fetch_packed(struct pomona_places *places, const char *uri, const char *path,
                                   bool *found, struct pomona_error *error) {
    const struct pack_finder_options options = {
        .places = places, .should_stop = places->options.should_stop, .user = places->options.user};
    struct pack_finder *finder = NULL;
    struct photo_reader *reader = NULL;
    struct listing photos = LISTING_INIT;
    struct buffer bytes = BUFFER_INIT(PHOTO_BYTES_MAX);
    size_t root = strlen(uri);
    while (root > 0 && uri[root - 1] == '/') root--;
    *found = false;
    pomona_status status = pack_finder_new(&options, &finder, error);
    if (status == POMONA_OK) status = pack_finder_find(finder, uri, "*", &photos, found, error);
    if (status == POMONA_OK) status = photo_reader_new(places, &reader, error);
    for (size_t i = 0; i < photos.count && status == POMONA_OK; i++)
        status = copy_photo(reader, &photos.photos[i], root, path, &bytes, error);
    photo_reader_free(&reader);
    pack_finder_free(&finder);
    listing_free(&photos);
    buffer_free(&bytes);
    return status;
}
