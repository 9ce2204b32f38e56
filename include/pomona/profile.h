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

enum { POMONA_PROFILE_TEXT_MAX = 384, POMONA_HASH_TEXT_SIZE = 65, POMONA_VIEWS_MAX = 16 };

enum pomona_crop {
    POMONA_CROP_NONE,  /* the whole photo, squeezed to the input's aspect */
    POMONA_CROP_SQUARE /* the largest centred square; an odd pixel too many is cut at the right or bottom */
};

/* How the photo's JPEG is decoded. Scaled: where the photo is much larger than the input, at 1/2, 1/4 or 1/8 of both sides,
 * by inverse transforms of fewer coefficients (libjpeg's reduced DCT): the smallest of these at which every view's box
 * still has at least twice the input's width and height. Other pixels than exact ones, so other features; photos that
 * have no such scale give the exact pixels. */
enum pomona_decode {
    POMONA_DECODE_EXACT, /* every pixel: islow DCT, fancy upsampling */
    POMONA_DECODE_SCALED
};

/* Where a view lies in the picture. */
enum pomona_position {
    POMONA_CENTRE,
    POMONA_TOP_LEFT,
    POMONA_TOP_RIGHT,
    POMONA_BOTTOM_LEFT,
    POMONA_BOTTOM_RIGHT
};

/* One look at a photo. Of the picture that is left after turning and cropping, w x h pixels, a view takes a box of
 * max(1, (w * zoom + 50) / 100) x max(1, (h * zoom + 50) / 100) whole pixels (integer division: half a pixel is rounded up),
 * in the middle or in a corner; where the middle would be between two pixels, the box is the one further left and up.
 * The box is resized to the network's input, and the result then mirrored left to right. */
struct pomona_view {
    int zoom; /* percent of both sides, 10..100 */
    enum pomona_position position;
    bool mirror;
};

/* `spark-compat` is what the reference pipeline computes: whole photo, no EXIF rotation, Pillow bicubic.
 * `phone` turns the photo upright (EXIF orientation) and crops the centre square first. Other names are custom. */
struct pomona_profile {
    char name[32];
    enum pomona_decode decode;
    bool orient; /* apply EXIF orientation */
    enum pomona_crop crop;
    int width, height;     /* network input, pixels, 1..4096 */
    float mean[3], std[3]; /* input = (pixel - mean) / std, R G B; std > 0 */
    int views; /* of a photo, whose feature vector is the mean over them; 0: the whole picture alone */
    struct pomona_view view[POMONA_VIEWS_MAX]; /* [views] */
};
/* Equal in every profile of this version, and written in the text all the same: filter=bicubic (Pillow's, a = -0.5),
 * layout=rgb. */

/* Fills a profile by name ("spark-compat" or "phone") for an input of width x height, exact decoding and x/127.5 - 1.
 * POMONA_E_USAGE for another name, POMONA_E_LIMIT for a size out of range. */
POMONA_API pomona_status pomona_profile_named(const char *name, int width, int height,
                                              struct pomona_profile *profile, struct pomona_error *error);

/* The canonical text, for instance
 * "name=phone decode=exact orient=1 crop=square size=128x128 filter=bicubic mean=127.5,127.5,127.5 std=127.5,127.5,127.5 layout=rgb".
 * Views, where there are any but the whole picture, come last: " views=100c,60c,60tlm". Equal profiles have equal texts. */
POMONA_API void pomona_profile_format(const struct pomona_profile *profile,
                                      char text[POMONA_PROFILE_TEXT_MAX]);

/* Reads that text back; strict: every key once, in that order, in range. POMONA_E_CORRUPT names the key at fault,
 * POMONA_E_UNSUPPORTED a decode, filter or layout this version does not have. */
POMONA_API pomona_status pomona_profile_parse(const char *text, struct pomona_profile *profile,
                                              struct pomona_error *error);

/* Sets how photos are decoded: "exact" or "scaled". POMONA_E_USAGE for another text; the profile is then as it was. */
POMONA_API pomona_status pomona_profile_set_decode(struct pomona_profile *profile, const char *decode,
                                                   struct pomona_error *error);

/* Sets the views: a comma list of ZZ[c|tl|tr|bl|br][m], 1..POMONA_VIEWS_MAX of them, no two the same, where ZZ is the zoom, c
 * (centre) the default and m mirrors (a zoom of 100 has no corners); or a set by name:
 *   flip    100c,100cm
 *   scales  100c,60c
 *   crops   100c,50c,50tl,50tr,50bl,50br
 * "100c" is the plain view, the same as none. POMONA_E_USAGE says what is wrong; the profile is then as it was. */
POMONA_API pomona_status pomona_profile_set_views(struct pomona_profile *profile, const char *views,
                                                  struct pomona_error *error);

/* Pictures that one photo becomes, 1..POMONA_VIEWS_MAX. */
POMONA_API int pomona_profile_pictures(const struct pomona_profile *profile);

/* SHA-256 of the canonical text, as 64 hexadecimal digits. */
POMONA_API void pomona_profile_hash(const struct pomona_profile *profile, char hex[POMONA_HASH_TEXT_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
