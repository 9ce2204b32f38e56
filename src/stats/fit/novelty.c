#include "stats/fit/novelty.h"

#include "base/memory.h"
#include "pomona/pca.h"

#include <math.h>

/* What the components must leave of the variance. A residual is a difference of squares, and projections are single
 * precision: of |u|^2 they leave some 2^-24 in rounding alone. At this share that is less than 1 % of r, on average. */
static const double least_left = 1e-5;

/* How many of the model's components are used. */
static int count_components(const struct pomona_pca_info *info) {
    int varying = 0, count = info->k;
    double left = 0;
    for (int i = 0; i < info->features; i++) varying += info->scale[i] > 0;
    /* Fewer photos than dimensions: they leave nothing of these photos, but something of others. */
    if (info->rank < varying && info->rank == info->rows - 1) return count;
    for (int i = count; i < info->features; i++) left += info->eigenvalues[i];
    while (count > 0 && left < least_left * info->total_variance) left += info->eigenvalues[--count];
    return count;
}

static pomona_status copy_from(const struct pomona_pca_info *info, struct head_novelty *novelty,
                               struct pomona_error *error) {
    size_t width = (size_t)info->features, rank = (size_t)count_components(info);
    *novelty = (struct head_novelty){.rank = (int)rank, .threshold = -INFINITY};
    if (rank == 0) return POMONA_OK;
    novelty->projection = memory_new(rank * width, sizeof *novelty->projection);
    novelty->mean = memory_new(width, sizeof *novelty->mean);
    novelty->scale = memory_new(width, sizeof *novelty->scale);
    if (!novelty->projection || !novelty->mean || !novelty->scale) {
        novelty_free(novelty);
        return fail_memory(error, "classifier");
    }
    for (size_t i = 0; i < rank * width; i++) novelty->projection[i] = (float)info->components[i];
    for (size_t i = 0; i < width; i++) {
        novelty->mean[i] = (float)info->mean[i];
        novelty->scale[i] = info->scale[i] > 0 ? (float)(1 / info->scale[i]) : 0;
    }
    return POMONA_OK;
}

pomona_status novelty_fit(struct pomona_moments *moments, struct head_novelty *novelty,
                          struct pomona_error *error) {
    struct pomona_pca *pca = NULL;
    struct pomona_pca_info info;
    const struct pomona_pca_options options = {.max_k = NOVELTY_RANK};
    TRY(pomona_pca_fit(moments, &options, &pca, error));
    pomona_pca_get_info(pca, &info);
    pomona_status status = copy_from(&info, novelty, error);
    pomona_pca_free(&pca);
    return status;
}

static double inverse_deviation(const double *values, size_t count) {
    double mean = 0, square = 0;
    for (size_t i = 0; i < count; i++) mean += values[i] / (double)count;
    for (size_t i = 0; i < count; i++) square += (values[i] - mean) * (values[i] - mean);
    double deviation = count > 1 ? sqrt(square / (double)(count - 1)) : 0;
    return deviation > 1e-12 * (1 + fabs(mean)) ? 1 / deviation : 0;
}

void novelty_weigh(struct head_novelty *novelty, const double *energies, const double *residuals,
                   size_t count) {
    novelty->energy_weight = inverse_deviation(energies, count);
    novelty->residual_weight = inverse_deviation(residuals, count);
    if (novelty->energy_weight == 0 && novelty->residual_weight == 0) novelty->energy_weight = 1;
}

void novelty_free(struct head_novelty *novelty) {
    memory_free(novelty->projection);
    memory_free(novelty->mean);
    memory_free(novelty->scale);
    *novelty = (struct head_novelty){.threshold = -INFINITY};
}
