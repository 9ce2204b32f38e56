/* Views of a profile: their text and where they lie. */
#ifndef IMAGE_VIEWS_H
#define IMAGE_VIEWS_H

#include "image/resample.h"
#include "pomona/profile.h"

enum { VIEWS_TEXT_MAX = 112 }; /* of "99trm," sixteen times */

/* Writes "100c,60c"; "" for the plain view alone. */
void views_format(const struct pomona_profile *profile, char text[VIEWS_TEXT_MAX]);

/* POMONA_E_USAGE for views that no text can give. */
pomona_status views_check(const struct pomona_profile *profile, struct pomona_error *error);

/* The box that view `index` (0 .. pomona_profile_pictures() - 1) takes of an upright photo. */
struct crop_box view_box(const struct pomona_profile *profile, int index, int width, int height);

/* Whether that view is mirrored after resizing. */
bool view_is_mirrored(const struct pomona_profile *profile, int index);

#endif
