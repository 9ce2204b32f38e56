/* JPEG bytes to pixels: decode, resize, and both as a profile asks.
 *
 * Pixels are uint8 RGB, interleaved, rows top to bottom, no padding between rows. Decoding is libjpeg's islow DCT
 * with fancy upsampling; grey, CMYK and YCCK become RGB as Pillow's convert("RGB") does. A truncated file, or one
 * without an end marker, is an error (as in Pillow); flipped bits that still decode are a picture. */
#ifndef POMONA_IMAGE_H
#define POMONA_IMAGE_H

#include "pomona/bytes.h"
#include "pomona/context.h"
#include "pomona/profile.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bounds on what a file may ask for. Zero means the default. */
struct pomona_image_limits {
    uint64_t max_pixels; /* width x height of the header; default 50,000,000 */
    int max_scans;       /* scans of a progressive file; default 100 */
};

/* A picture in memory, owned by the caller; zero-initialise, free with pomona_image_free. */
struct pomona_image {
    uint8_t *pixels; /* [height][width][3] */
    int width, height;
};

/* Decodes JPEG bytes. `name` is for messages. `orient`: apply the EXIF orientation (1..8; absent or invalid: 1).
 * Errors: POMONA_E_INPUT (empty, not a JPEG; PNG, GIF, WebP, HEIC and TIFF are named), POMONA_E_CORRUPT (truncated,
 * damaged), POMONA_E_LIMIT (pixels, scans), POMONA_E_UNSUPPORTED (12-bit, lossless), POMONA_E_MEMORY. On failure
 * *image is empty. */
POMONA_API pomona_status pomona_image_decode(const char *name, const void *bytes, size_t size, bool orient,
                                             const struct pomona_image_limits *limits,
                                             struct pomona_image *image, struct pomona_error *error);

/* Resizes `source` to width x height (1..65,500) into a new image, bit-equal to Pillow's
 * Image.resize((width, height)) with its default bicubic filter. */
POMONA_API pomona_status pomona_image_resize(const struct pomona_context *context,
                                             const struct pomona_image *source, int width, int height,
                                             struct pomona_image *image, struct pomona_error *error);

/* Encodes as baseline JPEG (4:2:0, `quality` 1..100) into a new block, freed with pomona_bytes_free. */
POMONA_API pomona_status pomona_image_encode(const struct pomona_image *image, int quality, uint8_t **bytes,
                                             size_t *size, struct pomona_error *error);

POMONA_API void pomona_image_free(struct pomona_image *image);

/* A preprocessor: decode, orient, crop (once for each view) and resize as a profile says, with memory that is kept from photo to photo.
 * One thread at a time. */
struct pomona_preprocessor;

POMONA_API pomona_status pomona_preprocessor_new(const struct pomona_context *context,
                                                 const struct pomona_profile *profile,
                                                 const struct pomona_image_limits *limits,
                                                 struct pomona_preprocessor **preprocessor,
                                                 struct pomona_error *error);

/* Fills pixels [pictures][profile height][profile width][3], where pictures = pomona_profile_pictures(profile): the photo's
 * views, in the order of the profile; it is decoded once. Errors as pomona_image_decode. */
POMONA_API pomona_status pomona_preprocessor_run(struct pomona_preprocessor *preprocessor, const char *name,
                                                 const void *bytes, size_t size, uint8_t *pixels,
                                                 struct pomona_error *error);

/* Seconds spent so far in decoding and in resizing (crop and orientation included). */
POMONA_API void pomona_preprocessor_seconds(const struct pomona_preprocessor *preprocessor, double *decode,
                                            double *resize);

POMONA_API void pomona_preprocessor_free(struct pomona_preprocessor **preprocessor);

#ifdef __cplusplus
}
#endif
#endif
