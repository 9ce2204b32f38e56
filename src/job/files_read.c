#include "base/memory.h"
#include "pomona/files.h"
#include "store/place.h"

#include <stdio.h>
#include <string.h>

enum { PIECE_BYTES = 8 << 20, WEB_MAX = 1 << 30 };

typedef pomona_status (*take_piece)(void *user, const void *data, size_t size, struct pomona_error *error);

/* At once: small things are compared with the checksum that S3 has of them, and a web server need not give parts. */
static pomona_status read_whole(struct place *place, size_t limit, take_piece take, void *user,
                                struct pomona_error *error) {
    struct buffer bytes = BUFFER_INIT(limit);
    pomona_status status = place_read(place, "", &bytes, NULL, error);
    if (status == POMONA_OK && bytes.size > 0) status = take(user, bytes.data, bytes.size, error);
    buffer_free(&bytes);
    return status;
}

static pomona_status read_pieces(struct place *place, const struct place_item *item, take_piece take,
                                 void *user, struct pomona_error *error) {
    char etag[256];
    uint64_t size = item->size;
    snprintf(etag, sizeof etag, "%s", item->etag);
    uint8_t *piece = memory_new(PIECE_BYTES, 1);
    pomona_status status = piece ? POMONA_OK : fail_memory(error, "piece");
    for (uint64_t at = 0; at < size && status == POMONA_OK; at += PIECE_BYTES) {
        size_t count = size - at < PIECE_BYTES ? (size_t)(size - at) : PIECE_BYTES;
        status = place_read_range(place, "", at, count, etag, piece, error);
        if (status == POMONA_OK) status = take(user, piece, count, error);
    }
    memory_free(piece);
    return status;
}

pomona_status pomona_read_file(struct pomona_places *places, const char *uri, take_piece take, void *user,
                               struct pomona_error *error) {
    struct place *place = NULL;
    struct place_item item = {.size = 0};
    bool web = place_is_remote(uri) && strncmp(uri, "s3://", 5) != 0;
    if (place_is_bucket(uri)) return fail(error, POMONA_E_INPUT, uri, "is a bucket");
    TRY(place_open(places, uri, &place, error));
    pomona_status status = web ? POMONA_OK : place_stat(place, "", &item, error);
    if (status == POMONA_OK && item.is_folder) status = fail(error, POMONA_E_INPUT, uri, "is a folder");
    if (status == POMONA_OK)
        status = web || item.size <= PIECE_BYTES
                     ? read_whole(place, web ? WEB_MAX : PIECE_BYTES, take, user, error)
                     : read_pieces(place, &item, take, user, error);
    place_free(&place);
    return status;
}
