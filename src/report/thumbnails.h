/* Small pictures for the page. */
#ifndef REPORT_THUMBNAILS_H
#define REPORT_THUMBNAILS_H

#include "report/markup.h"

enum {
    THUMBNAIL_MAP = 72,   /* longest side in pixels, in the scatter plot */
    THUMBNAIL_LIST = 128, /* in the lists */
    THUMBNAILS_DEFAULT = 400
};

/* JPEG bytes of a picture of row `row`, at most `side` pixels wide and high; freed with pomona_image_free_bytes. NULL
 * without a way to read photos, and for a photo that can't be read or decoded. Only memory that runs out makes the markup
 * fail. */
uint8_t *thumbnail_make(struct markup *markup, const struct pomona_report *report, size_t row, int side,
                        size_t *size);

/* Whether the report can have pictures at all. */
bool thumbnails_possible(const struct pomona_report *report);

#endif
