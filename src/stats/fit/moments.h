/* The inside of moments. */
#ifndef STATS_FIT_MOMENTS_H
#define STATS_FIT_MOMENTS_H

#include "kernels/syrk_s16/syrk_s16.h"
#include "pomona/moments.h"

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef __int128 int128;

enum {
    MOMENTS_FRACTION_BITS = 20, /* a feature is a multiple of 2^-20 */
    MOMENTS_BLOCK_ROWS = 256    /* rows gathered before their products are taken */
};

/* Rows and sums of one label. */
struct moment_label {
    char *name; /* owned; NULL: no label */
    uint64_t rows;
    int64_t sums[]; /* [features] */
};

struct pomona_moments {
    const struct syrk_s16_impl *syrk;
    int features, panels; /* panels of SYRK_S16_PANEL features, the last one filled up with zeros */
    char feature_space[POMONA_HASH_TEXT_SIZE];
    uint64_t rows; /* < 2^32, pending ones included */
    int64_t *sums; /* [features] */
    /* Sums of products, the tiles on and under the diagonal: tile (i, j <= i) at i (i + 1) / 2 + j, [16][16] each. A
     * diagonal tile holds both triangles. Without the pending rows. */
    int128 *products;
    struct moment_label **labels;                /* [label_count], sorted, null first; none without rows */
    int label_count, label_capacity, label_last; /* label_last: of the last row, where the search begins */

    int32_t *pending; /* [MOMENTS_BLOCK_ROWS][panels * 16] */
    int pending_rows;
    uint32_t pending_max; /* largest |value| among them */
    int16_t *planes;      /* [MOMENTS_PLANES] panels of digits */
};

enum { MOMENTS_PLANES = 6 };

/* Takes the products of the pending rows into `products`. */
void moments_flush(struct pomona_moments *moments);

/* Sum of the products of features i and j; nothing may be pending. */
int128 moments_product(const struct pomona_moments *moments, int i, int j);

static inline size_t moments_tiles(const struct pomona_moments *moments) {
    return (size_t)moments->panels * ((size_t)moments->panels + 1) / 2;
}

/* n * sum(xi * xj) - sum(xi) * sum(xj): n (n - 1) times the covariance in units of 2^-40, exact: below 2^127. */
int128 moments_comoment(const struct pomona_moments *moments, int i, int j);

/* Sum over the rows of (x_i - mean_i) (x_j - mean_j), means those of the row's label: matrix [features][features], both
 * triangles, in units of the features' squares. No cancellation, however far labels lie apart; exactly 0 for what does
 * not vary within labels. Time goes with features^2 * labels. POMONA_E_MEMORY. */
pomona_status moments_within(struct pomona_moments *moments, double *matrix, struct pomona_error *error);

/* The place of a label among the sorted ones: *found tells whether it is there, else it belongs in front of the returned
 * one. */
int moments_find_label(const struct pomona_moments *moments, const char *name, bool *found);

/* A label with no rows, inserted at `place`. NULL when out of memory. */
struct moment_label *moments_insert_label(struct pomona_moments *moments, int place, const char *name);

/* Removes the labels without rows. */
void moments_drop_empty_labels(struct pomona_moments *moments);

#endif
