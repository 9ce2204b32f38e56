/* Where the features of a job come from: a Parquet file, a folder of parts, or a DST of `pomona features`. */
#ifndef JOB_TABLE_SOURCE_H
#define JOB_TABLE_SOURCE_H

#include "base/error.h"
#include "pomona/moments.h"
#include "pomona/table.h"

struct table_source {
    char *features; /* the file or folder of parts, owned */
    char *moments;  /* DST/moments.pom, owned; NULL when the source is no DST */
    struct pomona_feature_reader *reader;
    struct pomona_feature_info info;
    char feature_space[POMONA_HASH_TEXT_SIZE]; /* "" when the files do not say */
};

/* Opens `path` (or path/Results, if there is such a folder). On success and failure alike free with
 * table_source_close. Errors: those of the feature reader; POMONA_E_INPUT without rows. */
pomona_status table_source_open(struct table_source *source, const char *path, struct pomona_error *error);
void table_source_close(struct table_source *source);

/* The moments of its rows, by reading them all. `should_stop` may be NULL. */
pomona_status table_source_sum(struct table_source *source, const struct pomona_context *context,
                               bool (*should_stop)(void *user), void *user, struct pomona_moments **moments,
                               struct pomona_error *error);

#endif
