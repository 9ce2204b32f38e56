#include "stats/fit/moments.h"

#include "base/error.h"
#include "base/memory.h"
#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

static size_t padded(const struct pomona_moments *m) { return (size_t)m->panels * SYRK_S16_PANEL; }

pomona_status pomona_moments_new(const struct pomona_context *context, int features,
                                 const char *feature_space, struct pomona_moments **moments,
                                 struct pomona_error *error) {
    *moments = NULL;
    if (features < 1 || features > POMONA_MOMENTS_FEATURES_MAX)
        return fail(error, POMONA_E_LIMIT, NULL, "moments of %d features: only 1 to %d are possible",
                    features, POMONA_MOMENTS_FEATURES_MAX);
    size_t space = feature_space ? strlen(feature_space) : 0;
    if (space >= POMONA_HASH_TEXT_SIZE)
        return fail(error, POMONA_E_USAGE, NULL, "a feature space is a hash of at most %d characters",
                    POMONA_HASH_TEXT_SIZE - 1);
    struct pomona_moments *m = memory_new(1, sizeof *m);
    if (!m) return fail_memory(error, "moments");
    m->syrk = context_kernels(context)->syrk_s16;
    m->features = features;
    m->panels = (features + SYRK_S16_PANEL - 1) / SYRK_S16_PANEL;
    if (space) memcpy(m->feature_space, feature_space, space);
    size_t block = MOMENTS_BLOCK_ROWS * padded(m);
    m->sums = memory_new((size_t)features, sizeof *m->sums);
    m->products = memory_new(moments_tiles(m) * SYRK_S16_TILE, sizeof *m->products);
    m->pending = memory_new(block, sizeof *m->pending);
    m->planes = memory_new_aligned(MOMENTS_PLANES * block, sizeof *m->planes);
    if (!m->sums || !m->products || !m->pending || !m->planes) {
        pomona_moments_free(&m);
        return fail_memory(error, "moments");
    }
    *moments = m;
    return POMONA_OK;
}

void pomona_moments_free(struct pomona_moments **moments) {
    if (!moments || !*moments) return;
    struct pomona_moments *m = *moments;
    for (int i = 0; i < m->label_count; i++) {
        memory_free(m->labels[i]->name);
        memory_free(m->labels[i]);
    }
    memory_free(m->labels);
    memory_free(m->sums);
    memory_free(m->products);
    memory_free(m->pending);
    memory_free(m->planes);
    memory_free(m);
    *moments = NULL;
}

/* "No label" comes first, then the order of the bytes. */
static int compare_labels(const char *a, const char *b) {
    if (!a || !b) return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

int moments_find_label(const struct pomona_moments *m, const char *name, bool *found) {
    int low = 0, high = m->label_count, last = m->label_last;
    *found = last < m->label_count && compare_labels(m->labels[last]->name, name) == 0;
    if (*found) return last;
    while (low < high) {
        int middle = low + (high - low) / 2, order = compare_labels(m->labels[middle]->name, name);
        *found = order == 0;
        if (*found) return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct moment_label *moments_insert_label(struct pomona_moments *m, int place, const char *name) {
    if (m->label_count == m->label_capacity) {
        int capacity = m->label_capacity ? 2 * m->label_capacity : 16;
        struct moment_label **grown = memory_resize(m->labels, (size_t)capacity, sizeof *grown);
        if (!grown) return NULL;
        m->labels = grown;
        m->label_capacity = capacity;
    }
    struct moment_label *label = memory_new(sizeof *label + (size_t)m->features * sizeof *label->sums, 1);
    if (!label) return NULL;
    if (name && !(label->name = memory_copy_string(name))) {
        memory_free(label);
        return NULL;
    }
    memmove(m->labels + place + 1, m->labels + place, (size_t)(m->label_count - place) * sizeof *m->labels);
    m->labels[place] = label;
    m->label_count++;
    return label;
}

void moments_drop_empty_labels(struct pomona_moments *m) {
    int kept = 0;
    for (int i = 0; i < m->label_count; i++) {
        struct moment_label *label = m->labels[i];
        if (label->rows > 0) {
            m->labels[kept++] = label;
            continue;
        }
        memory_free(label->name);
        memory_free(label);
    }
    m->label_count = kept;
    m->label_last = 0;
}

/* Rounds features to fixed point. Returns the first that can't be, or -1; *largest is the greatest magnitude. */
static int quantise(const float *features, int count, int32_t *fixed, uint32_t *largest) {
    /* Adding 1.5 * 2^52 leaves the integer nearest to the value (ties to even) in the low bits of the sum. */
    const double magic = 6755399441055744.0, scale = 1 << MOMENTS_FRACTION_BITS;
    uint32_t most = 0;
    for (int i = 0; i < count; i++) {
        double value = (double)features[i] * scale + magic; /* the product is exact */
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        fixed[i] = (int32_t)(uint32_t)bits;
        uint32_t magnitude = fixed[i] < 0 ? 0u - (uint32_t)fixed[i] : (uint32_t)fixed[i];
        most = magnitude > most ? magnitude : most;
    }
    *largest = most;
    int bad = 0;
    for (int i = 0; i < count; i++) bad |= !(fabsf(features[i]) < 2048.0f);
    if (!bad) return -1;
    int at = 0;
    while (fabsf(features[at]) < 2048.0f) at++;
    return at;
}

pomona_status pomona_moments_add(struct pomona_moments *m, const char *path, const char *label,
                                 const float *features, struct pomona_error *error) {
    int32_t *row = m->pending + (size_t)m->pending_rows * padded(m);
    uint32_t largest;
    bool found;
    int bad = quantise(features, m->features, row, &largest);
    if (bad >= 0)
        return fail(error, POMONA_E_INPUT, path,
                    "feature %d is %g: moments take finite values between -2048 and 2048", bad,
                    (double)features[bad]);
    if (m->rows >= UINT32_MAX)
        return fail(error, POMONA_E_LIMIT, path, "moments take at most %u rows", UINT32_MAX);
    int place = moments_find_label(m, label, &found);
    if (!found && m->label_count >= POMONA_MOMENTS_LABELS_MAX)
        return fail(error, POMONA_E_LIMIT, path, "moments take at most %d labels", POMONA_MOMENTS_LABELS_MAX);
    struct moment_label *entry = found ? m->labels[place] : moments_insert_label(m, place, label);
    if (!entry) return fail_memory(error, "label");
    m->label_last = place;
    for (int i = 0; i < m->features; i++) m->sums[i] += row[i];
    for (int i = 0; i < m->features; i++) entry->sums[i] += row[i];
    entry->rows++;
    m->rows++;
    m->pending_max = largest > m->pending_max ? largest : m->pending_max;
    if (++m->pending_rows == MOMENTS_BLOCK_ROWS) moments_flush(m);
    return POMONA_OK;
}

int128 moments_product(const struct pomona_moments *m, int i, int j) {
    int row = i > j ? i : j, column = i > j ? j : i;
    size_t panel = (size_t)(row / SYRK_S16_PANEL), other = (size_t)(column / SYRK_S16_PANEL);
    const int128 *tile = m->products + (panel * (panel + 1) / 2 + other) * SYRK_S16_TILE;
    return tile[row % SYRK_S16_PANEL * SYRK_S16_PANEL + column % SYRK_S16_PANEL];
}

int128 moments_comoment(const struct pomona_moments *m, int i, int j) {
    return (int128)m->rows * moments_product(m, i, j) - (int128)m->sums[i] * m->sums[j];
}

void pomona_moments_get_info(const struct pomona_moments *m, struct pomona_moments_info *info) {
    *info = (struct pomona_moments_info){.rows = (int64_t)m->rows,
                                         .features = m->features,
                                         .labels = m->label_count,
                                         .has_null = m->label_count > 0 && !m->labels[0]->name};
    memcpy(info->feature_space, m->feature_space, sizeof info->feature_space);
}

bool pomona_moments_label(const struct pomona_moments *m, int index, const char **name, int64_t *rows) {
    if (index < 0 || index >= m->label_count) return false;
    *name = m->labels[index]->name;
    *rows = (int64_t)m->labels[index]->rows;
    return true;
}

void pomona_moments_statistics(struct pomona_moments *m, double *mean, double *deviation) {
    const double step = 1.0 / (1 << MOMENTS_FRACTION_BITS), rows = (double)m->rows;
    moments_flush(m);
    for (int i = 0; i < m->features; i++) {
        if (mean) mean[i] = m->rows ? (double)m->sums[i] / rows * step : 0;
        if (deviation)
            deviation[i] =
                m->rows > 1 ? sqrt((double)moments_comoment(m, i, i) / (rows * (rows - 1))) * step : 0;
    }
}
