/* JPEG bytes to rows of RGB, a strip at a time: the picture as a whole is never in memory, unless the file is
 * progressive (libjpeg then keeps its coefficients: 2 bytes a sample, at most 8 bytes a pixel). */
#ifndef IMAGE_DECODE_H
#define IMAGE_DECODE_H

#include "base/error.h"
#include "pomona/image.h"

enum {
    DECODE_ROWS = 8,      /* rows of a strip at most */
    DECODE_OVERREAD = 64, /* bytes that may be read past the end of a row */
    DECODE_EIGHTHS = 8    /* the scale of a whole picture */
};

/* Takes a picture row by row. */
struct row_sink {
    void *self;
    /* Called first, with the size of the picture as stored: the scale to decode it at, 1, 2, 4 or DECODE_EIGHTHS eighths of
     * both sides (decode_scaled). NULL: whole. */
    int (*scale)(void *self, int width, int height);
    /* Called once, before the first row, with the size of the picture that will come; a failure ends the decoding. */
    pomona_status (*start)(void *self, int width, int height, struct pomona_error *error);
    /* The next `count` (1..DECODE_ROWS) rows of [width][3], top to bottom. */
    void (*rows)(void *self, int count, const uint8_t *const *rows);
};

/* What a side of so many pixels becomes at a scale: the last pixel may stand for fewer than the others. */
static inline int decode_scaled(int side, int eighths) {
    return (int)(((int64_t)side * eighths + DECODE_EIGHTHS - 1) / DECODE_EIGHTHS);
}

/* Decodes into `sink`; after a failure some rows may have been taken. `limits` may be NULL. Errors: as
 * pomona_image_decode, and those of sink->start. */
pomona_status decode_rows(const char *name, const void *bytes, size_t size,
                          const struct pomona_image_limits *limits, const struct row_sink *sink,
                          struct pomona_error *error);

/* What bytes that are no JPEG look like ("a PNG picture", "empty"), for messages; NULL for a JPEG. Static string. */
const char *decode_other_format(const void *bytes, size_t size);

#endif
