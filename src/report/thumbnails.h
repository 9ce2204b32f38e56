/* Small pictures for the pages. */
#ifndef REPORT_THUMBNAILS_H
#define REPORT_THUMBNAILS_H

#include "report/markup.h"

#include <stdbool.h>

enum {
    THUMBNAIL_MAP = 72,   /* longest side in pixels, in the scatter plot */
    THUMBNAIL_LIST = 128, /* in the lists */
    THUMBNAILS_DEFAULT = 400
};

/* Where photos come from; without context or `read` there are none. */
struct photo_source {
    const struct pomona_context *context;
    pomona_status (*read)(void *user, size_t id, const void **bytes, size_t *size,
                          struct pomona_error *error);
    void *user;
};

static inline bool photos_possible(const struct photo_source *source) {
    return source->context && source->read;
}

/* JPEG bytes of a picture of photo `id`, at most `side` pixels wide and high; freed with pomona_bytes_free. NULL
 * without a way to read photos, and for a photo that can't be read or decoded. Only memory that runs out makes the markup
 * fail. */
uint8_t *thumbnail_make(struct markup *markup, const struct photo_source *source, size_t id, int side,
                        size_t *size);

#endif
