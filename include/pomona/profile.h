/* Preprocessing profiles: exactly how a photo becomes a network's input.
 *
 * A profile is part of a model: training and phone must see the same pixels. It is stored in the model's metadata
 * (key "pomona.profile") as one canonical line of text, hashed, and never mixed with another. */
#ifndef POMONA_PROFILE_H
#define POMONA_PROFILE_H

#include "pomona/status.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { POMONA_PROFILE_TEXT_MAX = 256, POMONA_HASH_TEXT_SIZE = 65 };

enum pomona_crop {
    POMONA_CROP_NONE,  /* the whole photo, squeezed to the input's aspect */
    POMONA_CROP_SQUARE /* the largest centred square; an odd pixel too many is cut at the right or bottom */
};

/* `spark-compat` is what the reference pipeline computes: whole photo, no EXIF rotation, Pillow bicubic.
 * `phone` turns the photo upright (EXIF orientation) and crops the centre square first. Other names are custom. */
struct pomona_profile {
    char name[32];
    bool orient; /* apply EXIF orientation */
    enum pomona_crop crop;
    int width, height;     /* network input, pixels, 1..4096 */
    float mean[3], std[3]; /* input = (pixel - mean) / std, R G B; std > 0 */
};
/* Equal in every profile of this version, and written in the text all the same: decode=exact (islow DCT, fancy
 * upsampling), filter=bicubic (Pillow's, a = -0.5), layout=rgb. */

/* Fills a profile by name ("spark-compat" or "phone") for an input of width x height and x/127.5 - 1.
 * POMONA_E_USAGE for another name, POMONA_E_LIMIT for a size out of range. */
POMONA_API pomona_status pomona_profile_named(const char *name, int width, int height,
                                              struct pomona_profile *profile, struct pomona_error *error);

/* The canonical text, for instance
 * "name=phone decode=exact orient=1 crop=square size=128x128 filter=bicubic mean=127.5,127.5,127.5 std=127.5,127.5,127.5 layout=rgb".
 * Equal profiles have equal texts. */
POMONA_API void pomona_profile_format(const struct pomona_profile *profile,
                                      char text[POMONA_PROFILE_TEXT_MAX]);

/* Reads that text back; strict: every key once, in that order, in range. POMONA_E_CORRUPT names the key at fault,
 * POMONA_E_UNSUPPORTED a decode, filter or layout this version does not have. */
POMONA_API pomona_status pomona_profile_parse(const char *text, struct pomona_profile *profile,
                                              struct pomona_error *error);

/* SHA-256 of the canonical text, as 64 hexadecimal digits. */
POMONA_API void pomona_profile_hash(const struct pomona_profile *profile, char hex[POMONA_HASH_TEXT_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
