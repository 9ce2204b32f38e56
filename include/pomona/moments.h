/* Moments: everything that standardisation, PCA and closed-form classifiers need to know about a table of features.
 *
 * The number of rows, the sum of each feature, the sum of the products of each pair of features, and for each label
 * its rows and sums. All are integers: each feature is rounded once to fixed point (step 2^-20, to nearest, ties to
 * even), so sums are exact and moments form a commutative group:
 *   - any order, any number of threads, parts or machines: the same moments, to the bit;
 *   - merge adds two tables, subtract takes rows away, and what is left is what never having seen them would have
 *     given, to the bit.
 * Nothing about a single row can be read back once there are many, but a table of one row is that row.
 *
 * Bounds: |feature| < 2048, finite; 1..4,096 features; at most 4,294,967,295 rows (sums are then below 2^63, products
 * below 2^94 of 2^127); 1,048,576 labels. Memory: 16 bytes a pair of features (13 MB for 1,280, 134 MB for 4,096), 8
 * bytes a label and feature, and a block of 256 rows.
 *
 * One thread at a time for each object; different objects are independent. A failed call changes nothing unless it
 * says otherwise. */
#ifndef POMONA_MOMENTS_H
#define POMONA_MOMENTS_H

#include "pomona/bytes.h"
#include "pomona/context.h"
#include "pomona/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { POMONA_MOMENTS_FEATURES_MAX = 4096, POMONA_MOMENTS_LABELS_MAX = 1 << 20 };

struct pomona_moments;

/* Makes the moments of no rows. `feature_space` is the hash that the features carry (pomona.feature_space in a part's
 * footer, at most 64 characters), or NULL or "" when it is not known; moments of different spaces are never mixed.
 * Errors: POMONA_E_LIMIT (features outside 1..4,096), POMONA_E_USAGE (feature_space too long), POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_moments_new(const struct pomona_context *context, int features,
                                            const char *feature_space, struct pomona_moments **moments,
                                            struct pomona_error *error);

/* Adds one row: features [features]. `label` NULL: the row has none (which is not the same as ""). `path` names the
 * row in errors. POMONA_E_INPUT: NaN, infinite or out of range; POMONA_E_LIMIT: too many rows or labels;
 * POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_moments_add(struct pomona_moments *moments, const char *path,
                                            const char *label, const float *features,
                                            struct pomona_error *error);

/* moments += other, moments -= other. POMONA_E_INPUT: another number of features or another feature space; to
 * subtract: more rows than there are (of a label), or sums that rows of these moments can't have. POMONA_E_LIMIT,
 * POMONA_E_MEMORY. `other` keeps its value and may be `moments`. */
POMONA_API pomona_status pomona_moments_merge(struct pomona_moments *moments, struct pomona_moments *other,
                                              struct pomona_error *error);
POMONA_API pomona_status pomona_moments_subtract(struct pomona_moments *moments, struct pomona_moments *other,
                                                 struct pomona_error *error);

struct pomona_moments_info {
    int64_t rows;
    int features;
    int labels;                                /* distinct ones, "no label" counted as one */
    bool has_null;                             /* some rows have no label; it is label 0 */
    char feature_space[POMONA_HASH_TEXT_SIZE]; /* "" when unknown */
};

POMONA_API void pomona_moments_get_info(const struct pomona_moments *moments,
                                        struct pomona_moments_info *info);

/* Label 0..labels-1 in the order of their bytes; *name is NULL for rows without one, lives until the moments change.
 * False past the last. */
POMONA_API bool pomona_moments_label(const struct pomona_moments *moments, int index, const char **name,
                                     int64_t *rows);

/* Mean and corrected (n - 1) standard deviation of each feature, [features] each; either may be NULL. Zero rows give
 * zeros; so does the deviation of one row, and of a feature that is constant. */
POMONA_API void pomona_moments_statistics(struct pomona_moments *moments, double *mean, double *deviation);

/* Writes a file (temporary name, fsync, rename): equal moments give equal bytes, whatever their history. An existing
 * file is replaced. `hash` (may be NULL) receives the SHA-256 that ends the file. POMONA_E_IO, POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_moments_write(struct pomona_moments *moments, const char *path,
                                              char hash[POMONA_HASH_TEXT_SIZE], struct pomona_error *error);

/* Reads one. POMONA_E_INPUT (missing, not a moments file), POMONA_E_UNSUPPORTED (a later version), POMONA_E_CORRUPT
 * (truncated, altered: the checksum is verified, and sums and counts must agree), POMONA_E_MEMORY, POMONA_E_IO. */
POMONA_API pomona_status pomona_moments_read(const struct pomona_context *context, const char *path,
                                             struct pomona_moments **moments, struct pomona_error *error);

/* The same bytes in memory: *bytes [*size], a new block, freed with pomona_bytes_free. */
POMONA_API pomona_status pomona_moments_to_bytes(struct pomona_moments *moments, uint8_t **bytes,
                                                 size_t *size, struct pomona_error *error);

/* Reads them, with the errors of pomona_moments_read; `name` is for messages. */
POMONA_API pomona_status pomona_moments_from_bytes(const struct pomona_context *context, const char *name,
                                                   const void *bytes, size_t size,
                                                   struct pomona_moments **moments,
                                                   struct pomona_error *error);

/* Frees moments and sets *moments to NULL. Accepts NULL and pointers to NULL. */
POMONA_API void pomona_moments_free(struct pomona_moments **moments);

/* Jobs on files. An existing `out` is POMONA_E_EXISTS unless `overwrite`. */

/* The moments of a table of features: a Parquet file, a folder of parts, or a DST of `pomona features`. */
POMONA_API pomona_status pomona_moments_of_features(const struct pomona_context *context, const char *source,
                                                    struct pomona_moments **moments,
                                                    struct pomona_error *error);

/* out = files[0] + files[1] + ..., or files[0] - files[1] - ... A failure names the file. */
POMONA_API pomona_status pomona_moments_combine(const struct pomona_context *context,
                                                const char *const *files, int count, bool subtract,
                                                const char *out, bool overwrite, struct pomona_error *error);

#ifdef __cplusplus
}
#endif
#endif
