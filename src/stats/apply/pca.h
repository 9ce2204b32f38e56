/* The inside of a PCA model. */
#ifndef STATS_APPLY_PCA_H
#define STATS_APPLY_PCA_H

#include "base/buffer.h"
#include "pomona/pca.h"

struct pomona_pca {
    struct pomona_pca_info info; /* its pointers lead into `numbers` */
    double *numbers; /* eigenvalues, mean, scale [features] each, components [k][features]; owned */
    /* For projecting: scores = weights^T x - offset. */
    double *weights; /* [features][k], components / scale, 0 for constant features; owned */
    double *offset;  /* [k], owned */
};

/* A model of this shape with room for its numbers. POMONA_E_MEMORY. */
pomona_status pca_new(int features, int k, struct pomona_pca **pca, struct pomona_error *error);

/* The numbers of a model under construction, which info's pointers show read-only. */
static inline double *pca_eigenvalues(struct pomona_pca *pca) { return pca->numbers; }
static inline double *pca_mean(struct pomona_pca *pca) { return pca->numbers + pca->info.features; }
static inline double *pca_scale(struct pomona_pca *pca) {
    return pca->numbers + 2 * (size_t)pca->info.features;
}
static inline double *pca_components(struct pomona_pca *pca) {
    return pca->numbers + 3 * (size_t)pca->info.features;
}

/* Ends the construction: prepares weights and offset, and the hash. POMONA_E_MEMORY. */
pomona_status pca_complete(struct pomona_pca *pca, struct pomona_error *error);

/* Appends the bytes of the model's file. */
pomona_status pca_format(const struct pomona_pca *pca, struct buffer *out, struct pomona_error *error);

/* Bytes of the file of a model of this shape. */
size_t pca_file_size(int features, int k);

#endif
