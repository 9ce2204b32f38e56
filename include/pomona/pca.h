/* Principal components: fitted to moments, applied to features.
 *
 * Features are centred and, unless switched off, divided by their corrected (n - 1) standard deviation; a constant
 * feature becomes 0. The components are the eigenvectors of the covariance (n - 1) of what results, those of the
 * largest eigenvalues first, each turned so that its loading of largest magnitude (the first of them) is positive.
 * Explained variance is eigenvalue / sum of all eigenvalues.
 *
 * The covariance is computed from exact integers (pomona/moments.h) and rounded once; the eigenproblem is solved by one
 * thread. So equal moments give an equal model, to the bit, on one machine with one LAPACK.
 *
 * A model is immutable and may be shared by threads. */
#ifndef POMONA_PCA_H
#define POMONA_PCA_H

#include "pomona/features.h"
#include "pomona/moments.h"
#include "pomona/places.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pomona_pca;

enum { POMONA_PCA_K_DEFAULT = 50 };

/* How many components. Zero-initialise for the default: 50, or as many as there are. */
struct pomona_pca_options {
    int k;               /* exactly so many: 1..rank */
    double variance;     /* in (0, 1]: the fewest that explain this share; excludes k */
    int max_k;           /* with variance: more is an error; 0: no bound */
    bool no_standardise; /* only centre */
};

/* Fits a model. Errors: POMONA_E_USAGE (options out of range or contradictory, k above the rank, a variance that max_k
 * components do not reach), POMONA_E_INPUT (fewer than two rows, all rows equal), POMONA_E_MEMORY, POMONA_E_INTERNAL
 * (LAPACK found no solution). In full builds only. */
POMONA_API pomona_status pomona_pca_fit(struct pomona_moments *moments,
                                        const struct pomona_pca_options *options, struct pomona_pca **pca,
                                        struct pomona_error *error);

/* What a model holds. Pointers live as long as the model. */
struct pomona_pca_info {
    int features, k;
    int rank;     /* eigenvalues that are not zero, rounding of the features considered */
    int64_t rows; /* that it was fitted to */
    bool standardised;
    char feature_space[POMONA_HASH_TEXT_SIZE]; /* "" when unknown */
    char hash[POMONA_HASH_TEXT_SIZE];          /* SHA-256 of the model's file */
    double total_variance;                     /* sum of all eigenvalues */
    const double *eigenvalues;                 /* [features], all of them, descending, never negative */
    const double *mean,
        *scale; /* [features]; scale: standard deviation, 0 for a constant feature, 1 when only centred */
    const double *components; /* [k][features], each of length 1 */
};

POMONA_API void pomona_pca_get_info(const struct pomona_pca *pca, struct pomona_pca_info *info);

/* scores [rows][k] of features [rows][info.features], in double throughout. `spark`: without subtracting the mean from
 * features that are not standardised, as Spark's PCAModel.transform does. No errors, no allocation. */
POMONA_API void pomona_pca_project(const struct pomona_pca *pca, size_t rows, const float *features,
                                   bool spark, double *scores);

/* Writes pca.model (temporary name, fsync, rename); an existing file is replaced. POMONA_E_IO, POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_pca_write(const struct pomona_pca *pca, const char *path,
                                          struct pomona_error *error);

/* Reads one. POMONA_E_INPUT (missing, not a PCA model), POMONA_E_UNSUPPORTED (a later version), POMONA_E_CORRUPT,
 * POMONA_E_MEMORY, POMONA_E_IO. */
POMONA_API pomona_status pomona_pca_read(const char *path, struct pomona_pca **pca,
                                         struct pomona_error *error);

/* The same bytes in memory: *bytes [*size], a new block, freed with pomona_bytes_free. POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_pca_to_bytes(const struct pomona_pca *pca, uint8_t **bytes, size_t *size,
                                             struct pomona_error *error);

/* Reads them, with the errors of pomona_pca_read; `name` is for messages. */
POMONA_API pomona_status pomona_pca_from_bytes(const char *name, const void *bytes, size_t size,
                                               struct pomona_pca **pca, struct pomona_error *error);

/* Frees a model and sets *pca to NULL. Accepts NULL and pointers to NULL. */
POMONA_API void pomona_pca_free(struct pomona_pca **pca);

/* The job: features in, components, scores and tables out. DST afterwards holds
 *   PCA_Results/part-00000-<uuid>-c000.<codec>.parquet   rows (path, label, pca), in the order of the features
 *   PCA_Results/_SUCCESS                                 written last; JSON: counts, the model's hash, the part's
 *   PCA_results.csv                                      path, label, pc1 .. pck, 17 significant digits
 *   PCA_variance.csv                                     component, eigenvalue, explained, cumulative
 *   pca.model                                            to apply elsewhere: the fitted one, or the one applied
 * Everything is written to DST/_temporary_pca first and moved at the end. Rows are streamed: memory does not grow with
 * their number. Zero-initialise, then set what differs from the defaults. */
struct pomona_pca_job {
    const char *source; /* a Parquet file, a folder of parts, or a DST of `pomona features` (its Results/) */
    const char *out;    /* NULL: source, if it is a DST */
    const char *model;  /* apply this pca.model; NULL: fit one */
    struct pomona_pca_options fit;
    const char *scores;      /* "centred" (default) or "spark" */
    const char *vector;      /* column pca as "array" of double (default) or "spark" (Spark ML's VectorUDT) */
    const char *compression; /* "snappy" (default), "zstd", "none" */
    bool overwrite;
    const char *language; /* of the report: "en" (default) or "fr" */
    const char *title;    /* what the report says was read; NULL: source */
    const struct pomona_features_result
        *run;                     /* facts of the run that made the features, for the report; may be NULL */
    struct pomona_places *places; /* where the report's pictures are, when not on this machine; NULL: none */
    bool (*should_stop)(
        void *user); /* asked often; true: POMONA_E_INTERRUPTED, nothing is left. May be NULL */
    void *user;
};

struct pomona_pca_result {
    int64_t rows;
    int features, k, rank;
    double explained;  /* share of the variance that the k components explain */
    bool from_moments; /* DST/moments.pom was used; else the features were read twice */
    double seconds_moments, seconds_fit, seconds_scores;
    char hash[POMONA_HASH_TEXT_SIZE]; /* of the model */
};

/* Runs the job. `result` may be NULL. Errors: POMONA_E_USAGE, POMONA_E_EXISTS, those of the feature reader, of
 * pomona_moments_add and pomona_pca_fit; POMONA_E_INPUT also: features of another space or length than the model's. */
POMONA_API pomona_status pomona_pca_run(const struct pomona_context *context,
                                        const struct pomona_pca_job *job, struct pomona_pca_result *result,
                                        struct pomona_error *error);

#ifdef __cplusplus
}
#endif
#endif
