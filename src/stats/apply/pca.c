#include "stats/apply/pca.h"

#include "base/memory.h"
#include "base/sha256.h"

#include <string.h>

pomona_status pca_new(int features, int k, struct pomona_pca **pca, struct pomona_error *error) {
    *pca = NULL;
    struct pomona_pca *made = memory_new(1, sizeof *made);
    if (!made) return fail_memory(error, "PCA model");
    size_t width = (size_t)features, count = (size_t)k;
    made->info.features = features;
    made->info.k = k;
    made->numbers = memory_new(width * (3 + count), sizeof *made->numbers);
    made->weights = memory_new(width * count, sizeof *made->weights);
    made->offset = memory_new(count, sizeof *made->offset);
    if (!made->numbers || !made->weights || !made->offset) {
        pomona_pca_free(&made);
        return fail_memory(error, "PCA model");
    }
    made->info.eigenvalues = pca_eigenvalues(made);
    made->info.mean = pca_mean(made);
    made->info.scale = pca_scale(made);
    made->info.components = pca_components(made);
    *pca = made;
    return POMONA_OK;
}

void pomona_pca_free(struct pomona_pca **pca) {
    if (!pca || !*pca) return;
    memory_free((*pca)->numbers);
    memory_free((*pca)->weights);
    memory_free((*pca)->offset);
    memory_free(*pca);
    *pca = NULL;
}

pomona_status pca_complete(struct pomona_pca *pca, struct pomona_error *error) {
    const struct pomona_pca_info *info = &pca->info;
    size_t features = (size_t)info->features, k = (size_t)info->k;
    for (size_t c = 0; c < k; c++) {
        const double *component = info->components + c * features;
        double offset = 0;
        for (size_t i = 0; i < features; i++) {
            double weight = info->scale[i] > 0 ? component[i] / info->scale[i] : 0;
            pca->weights[i * k + c] = weight;
            offset += weight * info->mean[i];
        }
        pca->offset[c] = offset;
    }
    struct buffer file = BUFFER_INIT(pca_file_size(info->features, info->k));
    pomona_status status = pca_format(pca, &file, error);
    if (status == POMONA_OK) { /* the file ends in its own hash */
        uint8_t digest[SHA256_SIZE];
        memcpy(digest, file.data + file.size - SHA256_SIZE, sizeof digest);
        sha256_hex(digest, pca->info.hash);
    }
    buffer_free(&file);
    return status;
}

void pomona_pca_get_info(const struct pomona_pca *pca, struct pomona_pca_info *info) { *info = pca->info; }

enum { COLUMNS = 8 };

/* Scores c0 .. c0 + count (at most COLUMNS) of one row; inlined with a constant count, so that the sums stay in
 * registers. */
static inline void project_some(const struct pomona_pca *pca, const float *x, size_t c0, size_t count,
                                double *scores) {
    size_t k = (size_t)pca->info.k, features = (size_t)pca->info.features;
    double sum[COLUMNS] = {0};
    const double *weights = pca->weights + c0;
    for (size_t i = 0; i < features; i++, weights += k) {
        double value = x[i];
        for (size_t c = 0; c < count; c++) sum[c] += value * weights[c];
    }
    for (size_t c = 0; c < count; c++) scores[c0 + c] = sum[c];
}

void pomona_pca_project(const struct pomona_pca *pca, size_t rows, const float *features, bool spark,
                        double *scores) {
    size_t k = (size_t)pca->info.k, width = (size_t)pca->info.features, c = 0;
    bool centre = !spark || pca->info.standardised;
    /* Columns outermost: their weights stay in the cache while the rows pass. */
    for (; c + COLUMNS <= k; c += COLUMNS)
        for (size_t row = 0; row < rows; row++)
            project_some(pca, features + row * width, c, COLUMNS, scores + row * k);
    for (size_t row = 0; row < rows && c < k; row++)
        project_some(pca, features + row * width, c, k - c, scores + row * k);
    for (size_t row = 0; row < rows && centre; row++)
        for (c = 0; c < k; c++) scores[row * k + c] -= pca->offset[c];
}
