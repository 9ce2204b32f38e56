/* What the readers of the different manifests have in common: columns in, rows out. */
#ifndef JOB_MANIFEST_ROWS_H
#define JOB_MANIFEST_ROWS_H

#include "base/arena.h"
#include "job/manifest.h"

/* The columns that mean something. */
enum manifest_column {
    MANIFEST_NAME, /* path, uri or key */
    MANIFEST_BUCKET,
    MANIFEST_LABEL,
    MANIFEST_SIZE,
    MANIFEST_MODIFIED,
    MANIFEST_LATEST,
    MANIFEST_DELETED,
    MANIFEST_COLUMNS
};

struct manifest {
    const struct manifest_request *request;
    struct listing *listing;
    const char *source_uri; /* in the listing's arena */
    int64_t rows;
    const char *name;           /* of the file being read, for messages */
    bool inventory;             /* names are keys of `bucket` */
    bool encoded;               /* keys are URL-encoded */
    const char *bucket;         /* of rows that do not say */
    struct buffer scratch;      /* a decoded key, a joined URI */
    struct pack_finder *finder; /* of names that are packed */
};

/* One row; texts are NULL where there is none. */
struct manifest_row {
    const char *text[MANIFEST_COLUMNS];
    int64_t number[MANIFEST_COLUMNS]; /* in place of a text, for size and modified */
    bool has_number[MANIFEST_COLUMNS];
    size_t line; /* or row, from 1 */
};

/* Which column a name is, -1: none. Case does not count, and neither does the underscore ("LastModifiedDate" of an inventory's schema is
 * last_modified_date). */
int manifest_column_of(const char *name);

/* Finds the place of each column: index[column] = place of a name, -1: none. Of path, uri and key the first in that order counts.
 * `key` with a bucket makes rows of an inventory. POMONA_E_INPUT: none of the three, or a column twice. */
pomona_status manifest_match(struct manifest *manifest, const char *const *names, size_t count,
                             int index[MANIFEST_COLUMNS], struct pomona_error *error);

pomona_status manifest_add(struct manifest *manifest, const struct manifest_row *row,
                           struct pomona_error *error);

/* The readers. `file` is the path, manifest->name what messages call it. `columns` NULL: there is a header. */
pomona_status manifest_read_csv(struct manifest *manifest, const char *file, const char *const *columns,
                                size_t count, struct pomona_error *error);
pomona_status manifest_read_parquet(struct manifest *manifest, const char *file, struct pomona_error *error);
pomona_status manifest_read_inventory(struct manifest *manifest, const char *file,
                                      struct pomona_error *error);

#endif
