/* The photos of a job: what the source holds, with their labels. */
#ifndef JOB_PHOTOS_H
#define JOB_PHOTOS_H

#include "store/listing.h"

struct pomona_places;

/* Lists `source` (a folder, a file, or with `places` an s3:// prefix or a photo elsewhere) and applies labels and limit. `labels_file`: see pomona_features_options; NULL keeps the folders' names.
 * *unlabelled counts the photos that the file does not name. Errors: those of listing_walk and of the CSV reader;
 * POMONA_E_INPUT when nothing matches or the file lacks its columns. */
pomona_status photos_list(struct pomona_places *places, const char *source, const char *glob,
                          const char *labels_file, int64_t limit, bool (*should_stop)(void *), void *user,
                          struct listing *listing, int64_t *unlabelled, struct pomona_error *error);

#endif
