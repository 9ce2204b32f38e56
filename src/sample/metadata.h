/* What a synthetic photo's file says besides its pixels: that it is synthetic, and perhaps where it was not taken. */
#ifndef SAMPLE_METADATA_H
#define SAMPLE_METADATA_H

#include "base/buffer.h"
#include "sample/random.h"

/* Writes `jpeg` to `out` (cleared first) with a comment marker behind its first APP0, and before that, if `position` is not
 * NULL, an EXIF segment with a GPS position drawn from it: in the South Pacific around 49 S 123 W, where nobody lives. */
pomona_status metadata_add(const uint8_t *jpeg, size_t size, struct random *position, struct buffer *out,
                           struct pomona_error *error);

#endif
