#include "base/memory.h"
#include "stats/apply/pca.h"
#include "stats/fit/eigen.h"
#include "stats/fit/moments.h"

#include <float.h>
#include <math.h>
#include <string.h>

struct fitting {
    struct pomona_moments *moments;
    const struct pomona_pca_options *options;
    int features, k, rank;
    double total;                  /* sum of all eigenvalues */
    double *mean, *scale, *values; /* [features], in one block */
    double *matrix;                /* [features][features] */
    struct eigen *eigen;
};

static pomona_status check_options(const struct pomona_pca_options *options, int features,
                                   struct pomona_error *error) {
    if (options->k < 0 || options->k > features)
        return fail(error, POMONA_E_USAGE, NULL, "k: %d is not in 1..%d, the number of features", options->k,
                    features);
    if (!(options->variance >= 0 && options->variance <= 1))
        return fail(error, POMONA_E_USAGE, NULL, "variance: %g is not in (0, 1]", options->variance);
    if (options->k > 0 && options->variance > 0)
        return fail(error, POMONA_E_USAGE, NULL, "k and variance both say how many components: choose one");
    if (options->max_k < 0) return fail(error, POMONA_E_USAGE, NULL, "max-k: %d is negative", options->max_k);
    return POMONA_OK;
}

static pomona_status scale_features(struct fitting *f, struct pomona_error *error) {
    int varying = 0;
    pomona_moments_statistics(f->moments, f->mean, f->scale);
    for (int i = 0; i < f->features; i++) {
        varying += f->scale[i] > 0;
        if (f->options->no_standardise) f->scale[i] = 1;
    }
    return varying
               ? POMONA_OK
               : fail(error, POMONA_E_INPUT, NULL, "all %llu rows are equal: there is no variance to explain",
                      (unsigned long long)f->moments->rows);
}

/* The covariance of the scaled features. The integer numerators are exact, so every element is rounded three times at
 * most and there is no cancellation. */
static void fill_covariance(struct fitting *f) {
    const struct pomona_moments *m = f->moments;
    const double step = ldexp(1, -2 * MOMENTS_FRACTION_BITS), rows = (double)m->rows;
    size_t n = (size_t)f->features;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double value = 0;
            if (f->scale[i] > 0 && f->scale[j] > 0)
                value = (double)moments_comoment(m, (int)i, (int)j) / (rows * (rows - 1)) * step /
                        (f->scale[i] * f->scale[j]);
            if (i == j && !f->options->no_standardise) value = f->scale[i] > 0; /* exactly 1 */
            f->matrix[i * n + j] = f->matrix[j * n + i] = value;
        }
    f->total = 0;
    for (size_t i = 0; i < n; i++) f->total += f->matrix[i * n + i];
}

/* What an eigenvalue must exceed to be more than rounding: that of the arithmetic, and that of the features to multiples
 * of 2^-20, which adds a variance of 2^-40 / 12 to each before scaling. */
static double noise_level(const struct fitting *f) {
    double rounding = 0;
    for (int i = 0; i < f->features; i++)
        if (f->scale[i] > 0) rounding += 1 / (f->scale[i] * f->scale[i]);
    rounding *= ldexp(1, -2 * MOMENTS_FRACTION_BITS) / f->features;
    double arithmetic = f->values[0] * f->features * DBL_EPSILON;
    return rounding > arithmetic ? rounding : arithmetic;
}

static void find_rank(struct fitting *f) {
    double noise = noise_level(f);
    uint64_t bound = f->moments->rows - 1; /* rows beyond the first */
    f->rank = 0;
    for (int i = 0; i < f->features; i++) {
        if (f->values[i] < 0) f->values[i] = 0;
        if (f->rank == i && f->values[i] > noise && (uint64_t)i < bound) f->rank = i + 1;
    }
    if (f->rank == 0) f->rank = 1;
}

static pomona_status choose_by_variance(struct fitting *f, struct pomona_error *error) {
    double wanted = f->options->variance, reached = 0;
    int limit = f->options->max_k > 0 && f->options->max_k < f->rank ? f->options->max_k : f->rank;
    for (f->k = 0; f->k < limit;) {
        reached += f->values[f->k++] / f->total;
        if (reached >= wanted) return POMONA_OK;
    }
    /* All components explain everything; what is missing then is rounding. */
    if (f->k == f->rank && reached >= wanted - 1e-9) return POMONA_OK;
    return fail(error, POMONA_E_USAGE, NULL, "variance: %d components explain %.6g of it, not %.6g (rank %d)",
                f->k, reached, wanted, f->rank);
}

static pomona_status choose_k(struct fitting *f, struct pomona_error *error) {
    if (f->options->variance > 0) return choose_by_variance(f, error);
    f->k = f->options->k;
    if (f->k == 0) f->k = f->rank < POMONA_PCA_K_DEFAULT ? f->rank : POMONA_PCA_K_DEFAULT;
    if (f->options->max_k > 0 && f->k > f->options->max_k) f->k = f->options->max_k;
    if (f->k > f->rank)
        return fail(error, POMONA_E_USAGE, NULL, "k: %d components are wanted, but the rank is %d", f->k,
                    f->rank);
    return POMONA_OK;
}

/* Turns every component so that its loading of largest magnitude, the first of them, is positive. */
static void fix_signs(double *components, int k, int features) {
    for (int c = 0; c < k; c++) {
        double *component = components + (size_t)c * (size_t)features;
        int largest = 0;
        for (int i = 1; i < features; i++)
            if (fabs(component[i]) > fabs(component[largest])) largest = i;
        for (int i = 0; i < features && component[largest] < 0; i++)
            if (i != largest) component[i] = -component[i] + 0.0; /* no negative zero */
        component[largest] = fabs(component[largest]);
    }
}

static pomona_status make_model(struct fitting *f, struct pomona_pca **pca, struct pomona_error *error) {
    TRY(pca_new(f->features, f->k, pca, error));
    struct pomona_pca *made = *pca;
    size_t bytes = (size_t)f->features * sizeof(double);
    made->info.rank = f->rank;
    made->info.rows = (int64_t)f->moments->rows;
    made->info.standardised = !f->options->no_standardise;
    made->info.total_variance = f->total;
    memcpy(made->info.feature_space, f->moments->feature_space, sizeof made->info.feature_space);
    memcpy(pca_eigenvalues(made), f->values, bytes);
    memcpy(pca_mean(made), f->mean, bytes);
    memcpy(pca_scale(made), f->scale, bytes);
    TRY(eigen_vectors(f->eigen, f->k, pca_components(made), error));
    fix_signs(pca_components(made), f->k, f->features);
    return pca_complete(made, error);
}

static pomona_status fit(struct fitting *f, struct pomona_pca **pca, struct pomona_error *error) {
    size_t n = (size_t)f->features;
    TRY(check_options(f->options, f->features, error));
    if (f->moments->rows < 2)
        return fail(error, POMONA_E_INPUT, NULL, "a PCA needs at least two rows, here are %llu",
                    (unsigned long long)f->moments->rows);
    f->mean = memory_new(3 * n, sizeof *f->mean);
    f->matrix = memory_new_aligned(n * n, sizeof *f->matrix);
    if (!f->mean || !f->matrix) return fail_memory(error, "covariance");
    f->scale = f->mean + n;
    f->values = f->scale + n;
    TRY(scale_features(f, error));
    fill_covariance(f);
    TRY(eigen_new(f->features, f->matrix, f->values, &f->eigen, error));
    find_rank(f);
    TRY(choose_k(f, error));
    return make_model(f, pca, error);
}

pomona_status pomona_pca_fit(struct pomona_moments *moments, const struct pomona_pca_options *options,
                             struct pomona_pca **pca, struct pomona_error *error) {
    struct fitting f = {.moments = moments, .options = options, .features = moments->features};
    *pca = NULL;
    moments_flush(moments);
    pomona_status status = fit(&f, pca, error);
    if (status != POMONA_OK) pomona_pca_free(pca);
    eigen_free(&f.eigen);
    memory_free(f.mean);
    memory_free(f.matrix);
    return status;
}
