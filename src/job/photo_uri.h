/* What a text names a photo by: in a list, in a file of labels, in the rows of an earlier run. */
#ifndef JOB_PHOTO_URI_H
#define JOB_PHOTO_URI_H

#include "base/arena.h"
#include "base/error.h"
#include "store/listing.h"

#include <stddef.h>

/* Fills path, uri and label of `photo` from a text: "file:/a/b.jpg" and "s3://bucket/key" as they are ("file:///a" is "file:/a", "s3a:"
 * and "s3n:" are s3), "/a/b.jpg", or a name relative to `source` (a folder, or "s3://bucket/prefix"). The label is the name of what the
 * photo lies in. Strings are in the arena. Nothing is asked of the disk, except which of two names is meant where a URI has
 * percent-encoded bytes that are not UTF-8. POMONA_E_INPUT: another scheme, an empty text; POMONA_E_MEMORY. */
pomona_status photo_from_text(struct arena *arena, const char *source, const char *text,
                              struct listed_photo *photo, struct pomona_error *error);

/* Size and time of a photo on this machine, if they are not known yet; one that is not there keeps 0 (reading it gives the cause):
 * false. */
bool photo_look_up(struct listed_photo *photo);

/* What follows `source` in the photo's URI: "plums/a.jpg"; NULL when it lies elsewhere. `source` as photo_from_text takes it, made a
 * URI by photo_source_uri. */
const char *photo_below(const char *source_uri, const char *uri);
char *photo_source_uri(struct arena *arena, const char *source);

#endif
