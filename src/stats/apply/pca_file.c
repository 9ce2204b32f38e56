/* pca.model, little-endian:
 *   0   "POMPCA\r\n"
 *   8   u32 version (1), u32 features, u32 k, u32 rank
 *   24  u64 rows, u32 standardised (0 or 1), u32 zero
 *   40  feature space, 64 characters, zeros behind
 *   104 total variance, then eigenvalues, mean, scale [features] and components [k][features], all double
 *       SHA-256 of all before */
#include "base/file_sink.h"
#include "base/little_endian.h"
#include "stats/apply/pca.h"

#include <math.h>
#include <string.h>

enum { VERSION = 1, HEADER_SIZE = 104, FEATURES_MAX = POMONA_MOMENTS_FEATURES_MAX };
static const char magic[] = "POMPCA\r\n";

static size_t number_count(int features, int k) { return 1 + (size_t)features * (3 + (size_t)k); }

size_t pca_file_size(int features, int k) {
    return HEADER_SIZE + 8 * number_count(features, k) + SHA256_SIZE;
}

static void store_double(uint8_t *out, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    store_u64_le(out, bits);
}

static double load_double(const uint8_t *in) {
    uint64_t bits = load_u64_le(in);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

pomona_status pca_format(const struct pomona_pca *pca, struct buffer *out, struct pomona_error *error) {
    const struct pomona_pca_info *info = &pca->info;
    size_t size = pca_file_size(info->features, info->k);
    TRY(buffer_reserve(out, size, error));
    uint8_t *at = out->data + out->size;
    memset(at, 0, HEADER_SIZE);
    memcpy(at, magic, 8);
    store_u32_le(at + 8, VERSION);
    store_u32_le(at + 12, (uint32_t)info->features);
    store_u32_le(at + 16, (uint32_t)info->k);
    store_u32_le(at + 20, (uint32_t)info->rank);
    store_u64_le(at + 24, (uint64_t)info->rows);
    store_u32_le(at + 32, info->standardised);
    memcpy(at + 40, info->feature_space, strlen(info->feature_space));
    store_double(at + HEADER_SIZE, info->total_variance);
    size_t count = number_count(info->features, info->k);
    for (size_t i = 1; i < count; i++) store_double(at + HEADER_SIZE + 8 * i, pca->numbers[i - 1]);
    sha256_of(at, size - SHA256_SIZE, at + size - SHA256_SIZE);
    out->size += size;
    return POMONA_OK;
}

pomona_status pomona_pca_write(const struct pomona_pca *pca, const char *path, struct pomona_error *error) {
    struct buffer file = BUFFER_INIT(pca_file_size(pca->info.features, pca->info.k));
    pomona_status status = pca_format(pca, &file, error);
    if (status == POMONA_OK) status = file_write(path, file.data, file.size, error);
    buffer_free(&file);
    return status;
}

static pomona_status corrupt(const char *path, const char *what, struct pomona_error *error) {
    return fail(error, POMONA_E_CORRUPT, path, "damaged PCA model: %s", what);
}

/* Finite everywhere, and nothing negative among eigenvalues and scales. */
static bool makes_sense(struct pomona_pca *pca) {
    size_t features = (size_t)pca->info.features, count = number_count(pca->info.features, pca->info.k) - 1;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(pca->numbers[i])) return false;
    for (size_t i = 0; i < features; i++)
        if (pca_eigenvalues(pca)[i] < 0 || pca_scale(pca)[i] < 0) return false;
    return isfinite(pca->info.total_variance) && pca->info.total_variance > 0;
}

static pomona_status parse(const char *path, const uint8_t *at, size_t size, struct pomona_pca **pca,
                           struct pomona_error *error) {
    uint8_t digest[SHA256_SIZE];
    if (size < HEADER_SIZE + SHA256_SIZE || memcmp(at, magic, 8) != 0)
        return fail(error, POMONA_E_INPUT, path, "not a PCA model");
    uint32_t version = load_u32_le(at + 8), features = load_u32_le(at + 12), k = load_u32_le(at + 16);
    if (version != VERSION)
        return fail(error, POMONA_E_UNSUPPORTED, path, "PCA model of version %u; this pomona reads %d",
                    version, VERSION);
    if (features < 1 || features > FEATURES_MAX || k < 1 || k > features || load_u32_le(at + 32) > 1)
        return corrupt(path, "its header makes no sense", error);
    if (size != pca_file_size((int)features, (int)k)) return corrupt(path, "its length is wrong", error);
    sha256_of(at, size - SHA256_SIZE, digest);
    if (memcmp(digest, at + size - SHA256_SIZE, sizeof digest) != 0)
        return corrupt(path, "its checksum is wrong", error);
    TRY(pca_new((int)features, (int)k, pca, error));
    struct pomona_pca_info *info = &(*pca)->info;
    info->rank = (int)(load_u32_le(at + 20) & INT32_MAX);
    info->rows = (int64_t)(load_u64_le(at + 24) & INT64_MAX);
    info->standardised = load_u32_le(at + 32) == 1;
    memcpy(info->feature_space, at + 40, sizeof info->feature_space - 1);
    info->total_variance = load_double(at + HEADER_SIZE);
    size_t count = number_count((int)features, (int)k);
    for (size_t i = 1; i < count; i++) (*pca)->numbers[i - 1] = load_double(at + HEADER_SIZE + 8 * i);
    if (!makes_sense(*pca)) return corrupt(path, "its numbers make no sense", error);
    return pca_complete(*pca, error);
}

pomona_status pomona_pca_to_bytes(const struct pomona_pca *pca, uint8_t **bytes, size_t *size,
                                  struct pomona_error *error) {
    struct buffer file = BUFFER_INIT(pca_file_size(pca->info.features, pca->info.k));
    pomona_status status = pca_format(pca, &file, error);
    if (status != POMONA_OK) buffer_free(&file);
    *bytes = file.data;
    *size = file.size;
    return status;
}

pomona_status pomona_pca_from_bytes(const char *name, const void *bytes, size_t size, struct pomona_pca **pca,
                                    struct pomona_error *error) {
    *pca = NULL;
    pomona_status status = parse(name, bytes, size, pca, error);
    if (status != POMONA_OK) pomona_pca_free(pca);
    return status;
}

pomona_status pomona_pca_read(const char *path, struct pomona_pca **pca, struct pomona_error *error) {
    struct buffer file = BUFFER_INIT(pca_file_size(FEATURES_MAX, FEATURES_MAX) + 1);
    *pca = NULL;
    pomona_status status = file_read(path, &file, error);
    if (status == POMONA_OK) status = pomona_pca_from_bytes(path, file.data, file.size, pca, error);
    buffer_free(&file);
    return status;
}
