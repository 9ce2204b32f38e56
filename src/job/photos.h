/* The photos of a job: what the source holds, with their labels. */
#ifndef JOB_PHOTOS_H
#define JOB_PHOTOS_H

#include "base/buffer.h"
#include "store/listing.h"

/* Lists `source` and applies labels and limit. `labels_file`: see pomona_features_options; NULL keeps the folders' names.
 * *unlabelled counts the photos that the file does not name. Errors: those of listing_walk and of the CSV reader;
 * POMONA_E_INPUT when nothing matches or the file lacks its columns. */
pomona_status photos_list(const char *source, const char *glob, const char *labels_file, int64_t limit,
                          bool (*should_stop)(void *), void *user, struct listing *listing,
                          int64_t *unlabelled, struct pomona_error *error);

/* The bytes of a photo by its URI, for a picture in a report: `bytes` is cleared first. POMONA_E_INPUT for what is not on this
 * machine; errors of file_read. */
pomona_status photo_read_uri(const char *uri, struct buffer *bytes, struct pomona_error *error);

#endif
