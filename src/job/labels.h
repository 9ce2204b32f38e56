/* Labels from a CSV file in place of folder names. */
#ifndef JOB_LABELS_H
#define JOB_LABELS_H

#include "store/listing.h"

/* Gives every photo of the listing the label that `file` (CSV with a header line and the columns path and label) has
 * for it, or NULL. Paths in the file may be URIs as in the results, absolute, or relative to `source`; those of no
 * photo are passed over. *unlabelled counts the photos without one. Errors: those of file_read and csv_reader;
 * POMONA_E_INPUT when a photo has two different labels. */
pomona_status labels_apply(const char *file, const char *source, struct listing *listing, int64_t *unlabelled,
                           struct pomona_error *error);

#endif
