/* Tables of features: Parquet files of (path, label, features), read and written.
 *
 * What the job writes into `Results/` and what Spark, pandas, DuckDB and Arrow exchange: one file, or a folder of
 * parts (`part-00000-....parquet`), with the columns
 *   path      string, never null: the photo's URI
 *   label     string, may be null or missing: the photo's class
 *   features  list of float or double, never null, the same length in every row
 * Other columns are ignored. */
#ifndef POMONA_TABLE_H
#define POMONA_TABLE_H

#include "pomona/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reading. One thread at a time; several readers may read the same files. Memory: one page a column (about 1 MiB in
 * files of Spark, Arrow and pomona, up to 100 MB in DuckDB's), never a whole file. */
struct pomona_feature_reader;

struct pomona_feature_info {
    int64_t rows;  /* in all parts */
    int features;  /* length of the feature vector, 1..16,777,216; 0 when there are no rows */
    int parts;     /* files */
    bool doubles;  /* some part stores features as double */
    bool labelled; /* every part has a label column */
};

/* One row. Pointers live until the next call with this reader. */
struct pomona_feature_row {
    const char *path;
    const char *label;     /* NULL: null, or no such column */
    const float *features; /* [info.features]; doubles are rounded to the nearest float */
    const double *doubles; /* [info.features] as stored, or NULL when the part stores floats */
    int64_t index;         /* 0 for the first row of the first part */
};

/* Opens a Parquet file, or a folder: every regular file in it, in the order of their names, without those that start
 * with `_` or `.` or that end in neither `.parquet` nor `.parq`; folders inside it are not entered. All footers are
 * read and compared before the first row. A folder without such files but with a folder `Results` stands for that one (a
 * job's destination). `features` may also be a Spark ML vector, if dense. Errors, each naming the file: POMONA_E_INPUT (missing, unreadable, not
 * Parquet, no parts, no `path` or `features` column or not of those types, parts of different feature spaces),
 * POMONA_E_CORRUPT, POMONA_E_LIMIT, POMONA_E_UNSUPPORTED (encrypted, a codec or encoding that pomona does not have),
 * POMONA_E_MEMORY, POMONA_E_IO. On failure *reader is NULL. */
POMONA_API pomona_status pomona_feature_reader_open(const char *path, struct pomona_feature_reader **reader,
                                                    struct pomona_error *error);

POMONA_API void pomona_feature_reader_info(const struct pomona_feature_reader *reader,
                                           struct pomona_feature_info *info);

/* A key of the first part's footer, such as "pomona.feature_space"; NULL if there is none. Lives as long as the
 * reader. */
POMONA_API const char *pomona_feature_reader_property(const struct pomona_feature_reader *reader,
                                                      const char *key);

/* The next row; *has_row is false after the last. Errors name part and row: POMONA_E_INPUT (null path or features,
 * null element, another number of features than the first row), POMONA_E_CORRUPT (also: path or label not UTF-8 or
 * with a NUL byte), POMONA_E_LIMIT, POMONA_E_UNSUPPORTED, POMONA_E_MEMORY, POMONA_E_IO. After an error the reader
 * gives no more rows: it fails again. */
POMONA_API pomona_status pomona_feature_reader_next(struct pomona_feature_reader *reader,
                                                    struct pomona_feature_row *row, bool *has_row,
                                                    struct pomona_error *error);

/* The next up to `capacity` rows at once: features [capacity][info.features] is filled, row by row; *count is how
 * many, 0 after the last. Paths and labels are not given. */
POMONA_API pomona_status pomona_feature_reader_batch(struct pomona_feature_reader *reader, float *features,
                                                     size_t capacity, size_t *count,
                                                     struct pomona_error *error);

/* Back to the first row, also after an error. */
POMONA_API pomona_status pomona_feature_reader_rewind(struct pomona_feature_reader *reader,
                                                      struct pomona_error *error);

/* Frees a reader and sets *reader to NULL. Accepts NULL and pointers to NULL. */
POMONA_API void pomona_feature_reader_free(struct pomona_feature_reader **reader);

/* Writing one file. One thread at a time. */
struct pomona_feature_writer;

/* Zero-initialise for the defaults. */
struct pomona_feature_writer_options {
    const char *compression; /* "snappy" (default), "zstd", "none" */
    const char *list_layout; /* "legacy" (default: bag/array, as Spark's writeLegacyFormat) or "standard" */
    const char *const *properties; /* key, value, key, value, ..., NULL: written to the footer; may be NULL */
    bool overwrite;                /* replace a file that exists */
};

/* Starts a file for vectors of `features` (1..16,777,216) floats. Rows go to a temporary file next to `path`, which
 * _finish makes durable and renames; a reader never sees half a file. Errors: POMONA_E_USAGE (options),
 * POMONA_E_EXISTS (path exists and `overwrite` is not set), POMONA_E_IO, POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_feature_writer_open(const char *path, int features,
                                                    const struct pomona_feature_writer_options *options,
                                                    struct pomona_feature_writer **writer,
                                                    struct pomona_error *error);

/* Adds a row; label may be NULL. POMONA_E_INPUT when path or label is not UTF-8 (the row is left out and the writer
 * goes on); POMONA_E_IO and POMONA_E_MEMORY are final. */
POMONA_API pomona_status pomona_feature_writer_add(struct pomona_feature_writer *writer, const char *path,
                                                   const char *label, const float *features,
                                                   struct pomona_error *error);

/* Completes the file: footer, fsync, rename. */
POMONA_API pomona_status pomona_feature_writer_finish(struct pomona_feature_writer *writer,
                                                      struct pomona_error *error);

/* Frees a writer and sets *writer to NULL; what was not finished is removed. Accepts NULL and pointers to NULL. */
POMONA_API void pomona_feature_writer_free(struct pomona_feature_writer **writer);

#ifdef __cplusplus
}
#endif
#endif
