/* Turns, crops and resizes a picture that arrives row by row: bit-equal to Pillow's exif_transpose, crop and resize
 * one after the other, with only a strip of the picture in memory.
 *
 * Pillow resamples along the rows of the upright picture first, rounds to uint8, then along its columns. Where the
 * upright picture has the stored rows for its rows, each stored row is resampled as it comes and kept in a ring of lines, from
 * which output rows are made. Where it has them for its columns (EXIF orientation 5 to 8), the ring holds stored rows, from
 * which columns are made and resampled in turn. Mirroring is a matter of the weights (axis.h). */
#ifndef IMAGE_RESAMPLE_H
#define IMAGE_RESAMPLE_H

#include "image/axis.h"
#include "jpeg/exif.h"

/* A part of a picture, in whole pixels. */
struct crop_box {
    int left, top, width, height;
};

struct resample_geometry {
    int width, height; /* of the stored picture */
    struct orientation orientation;
    struct crop_box crop;      /* of the upright picture, inside it */
    int out_width, out_height; /* of the upright result */
};

/* Zero-initialise, set `impl`; free with resampler_free. Memory is kept from picture to picture. One thread at a time. */
struct resampler {
    const struct resize_u8_impl *impl;
    struct axis across; /* along the stored rows */
    struct axis down;   /* along the stored columns: which stored rows make a line */
    bool transpose;
    int left, top; /* of the crop in the stored picture */
    uint8_t *ring; /* [ring_lines][line_bytes + overread] */
    size_t line_bytes;
    size_t ring_stride;
    int ring_lines;
    const uint8_t **window; /* [down.taps] lines of one output */
    uint8_t *column; /* transposed only: one line of the stored width, and behind it one output column */
    size_t ring_capacity, column_capacity, window_capacity;
    int next_row; /* stored rows seen */
    int lines;    /* lines in the ring so far, cropped rows only */
    int outputs;  /* outputs of `down` made so far */
    uint8_t *out; /* [out_height][out_width][3], borrowed */
    int out_width;
};

/* Starts a picture whose result goes to `out`. POMONA_E_MEMORY. */
pomona_status resampler_start(struct resampler *resampler, const struct resample_geometry *geometry,
                              uint8_t *out, struct pomona_error *error);

/* Takes the next stored rows, [width][3] each and readable RESIZE_U8_OVERREAD bytes further. After the last one, `out`
 * is complete. */
void resampler_rows(struct resampler *resampler, int count, const uint8_t *const *rows);

void resampler_free(struct resampler *resampler);

#endif
