/* A list of photos in a file, in place of walking through a folder or a bucket.
 *
 *   CSV       a header with a column "path", "uri" or "key" (the first of them counts); optional "label", "size", "modified", and with
 *             "key" also "bucket"; may be gzipped
 *   Parquet   the same columns, or an S3 Inventory: bucket, key, size, last_modified_date, is_latest, is_delete_marker
 *   JSON      the manifest.json of an S3 Inventory (CSV or Parquet); its data files lie by its side, or, when its `name` is s3://...,
 *             in that bucket
 *
 * Photos are named as photo_from_text says. Limits: 1 MiB a record, 100,000,000 photos, 64 GiB of text a file (uncompressed), 100,000
 * data files in an inventory. */
#ifndef JOB_MANIFEST_H
#define JOB_MANIFEST_H

#include "base/buffer.h"
#include "store/listing.h"

struct pomona_places;

struct manifest_request {
    const char *file; /* on this machine */
    const char *name; /* for messages, where it is a copy of something elsewhere; NULL: `file` */
    const char *
        source; /* what relative names are relative to; of an inventory only what lies below an s3:// source is taken */
    const char *glob;
    struct pomona_places
        *places; /* to fetch an inventory's data files from its bucket, when they are not here; may be NULL */
    bool (*should_stop)(void *user); /* may be NULL */
    void *user;
};

struct manifest_counts {
    int64_t duplicates;
    int64_t rows;
};

/* Adds the photos of a manifest to an empty listing, sorted by URI, each once. Skipped are counted in listing->skipped: other names,
 * hidden ones (below source every name on the way counts), old versions and delete markers. Errors name file, line (or row) and
 * cause: POMONA_E_INPUT, POMONA_E_CORRUPT, POMONA_E_LIMIT, POMONA_E_UNSUPPORTED, POMONA_E_INTERRUPTED, POMONA_E_MEMORY, POMONA_E_IO. */
pomona_status manifest_list(const struct manifest_request *request, struct listing *listing,
                            struct manifest_counts *counts, struct pomona_error *error);

#endif
