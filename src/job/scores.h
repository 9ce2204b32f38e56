/* Scores of a table of features, written as Parquet and as CSV while the rows pass. */
#ifndef JOB_SCORES_H
#define JOB_SCORES_H

#include "base/sha256.h"
#include "job/table_source.h"
#include "pomona/pca.h"
#include "table/parquet_writer.h"

struct scores_options {
    const struct pomona_pca *pca;
    bool spark_scores; /* without subtracting the mean */
    bool spark_vector; /* Spark ML's VectorUDT instead of array<double> */
    enum parquet_codec codec;
    const char *parquet, *csv; /* files to write, each appears whole or not at all */
    bool (*should_stop)(void *user);
    void *user;
};

/* Rows written, and the Parquet file's size and hash. */
struct scores_summary {
    int64_t rows;
    uint64_t size;
    uint8_t digest[SHA256_SIZE];
};

/* Errors: those of the feature reader; POMONA_E_INPUT for a row whose scores are not finite; POMONA_E_IO,
 * POMONA_E_MEMORY, POMONA_E_INTERRUPTED. */
pomona_status scores_write(struct table_source *source, const struct scores_options *options,
                           struct scores_summary *summary, struct pomona_error *error);

#endif
