/* Two folders of features compared by path: the proof of a migration. */
#ifndef POMONA_DIFF_H
#define POMONA_DIFF_H

#include "pomona/status.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pomona_diff_result {
    int64_t rows_a, rows_b;
    int64_t common; /* paths in both */
    int64_t only_a, only_b;
    int64_t identical;        /* common rows whose features are equal to the bit */
    int64_t labels_differ;    /* common rows with another label */
    int features;             /* length of the vectors */
    double max_abs, mean_abs; /* over all common values; NaN only if a value is NaN on one side only */
    double cosine_min, cosine_mean;
    char worst_path[1024];   /* the row of max_abs, as A writes it */
    char missing_path[1024]; /* one path that is on one side only; empty if there is none */
    bool prefixes_removed; /* the sides share no path as written, so that their different beginnings were cut:
                                   file:/data/x.jpg and s3://bucket/x.jpg are then the same photo */
};

/* Compares the features in A and B (folders of parts, or single Parquet files). Memory stays below about 300 MB: large
 * folders are read several times. Errors: those of the feature reader; POMONA_E_INPUT when the vectors differ in
 * length or a path occurs twice on one side; POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_diff_run(const char *a, const char *b, struct pomona_diff_result *result,
                                         struct pomona_error *error);

#ifdef __cplusplus
}
#endif
#endif
