/* Moments as a group: merge and subtract. */
#include "base/error.h"
#include "stats/fit/moments.h"

#include <string.h>

static pomona_status check_kinship(const struct pomona_moments *a, const struct pomona_moments *b,
                                   struct pomona_error *error) {
    if (a->features != b->features)
        return fail(error, POMONA_E_INPUT, NULL, "moments of %d and of %d features can't be combined",
                    a->features, b->features);
    if (strcmp(a->feature_space, b->feature_space) != 0)
        return fail(
            error, POMONA_E_INPUT, NULL,
            "moments of different feature spaces (model, layer, profile or precision): %.16s and %.16s",
            a->feature_space[0] ? a->feature_space : "unknown",
            b->feature_space[0] ? b->feature_space : "unknown");
    return POMONA_OK;
}

/* Tile elements outside the lower triangle and beyond the last feature are sums like any other (or zeros), so whole
 * tiles are added. */
static void add_products(struct pomona_moments *a, const struct pomona_moments *b, int sign) {
    size_t count = moments_tiles(a) * SYRK_S16_TILE;
    if (sign > 0)
        for (size_t i = 0; i < count; i++) a->products[i] += b->products[i];
    else
        for (size_t i = 0; i < count; i++) a->products[i] -= b->products[i];
}

/* Unsigned: a table that is no part of the other may wrap, which is_possible then finds out. */
static void add_sums(int64_t *a, const int64_t *b, int features, int sign) {
    for (int i = 0; i < features; i++)
        a[i] = (int64_t)(sign > 0 ? (uint64_t)a[i] + (uint64_t)b[i] : (uint64_t)a[i] - (uint64_t)b[i]);
}

/* Makes a's labels hold all of b's. On failure those already inserted are taken out again. */
static pomona_status make_labels(struct pomona_moments *a, const struct pomona_moments *b,
                                 struct pomona_error *error) {
    for (int i = 0; i < b->label_count; i++) {
        bool found;
        int place = moments_find_label(a, b->labels[i]->name, &found);
        if (found) continue;
        pomona_status status = POMONA_OK;
        if (a->label_count >= POMONA_MOMENTS_LABELS_MAX)
            status = fail(error, POMONA_E_LIMIT, NULL, "moments take at most %d labels",
                          POMONA_MOMENTS_LABELS_MAX);
        else if (!moments_insert_label(a, place, b->labels[i]->name))
            status = fail_memory(error, "label");
        if (status == POMONA_OK) continue;
        moments_drop_empty_labels(a);
        return status;
    }
    return POMONA_OK;
}

/* Adds or takes b's rows where every label of b is one of a's and has enough rows. */
static void add_all(struct pomona_moments *a, const struct pomona_moments *b, int sign) {
    for (int i = 0; i < b->label_count; i++) {
        bool found;
        struct moment_label *label = a->labels[moments_find_label(a, b->labels[i]->name, &found)];
        add_sums(label->sums, b->labels[i]->sums, a->features, sign);
        label->rows += sign > 0 ? b->labels[i]->rows : 0 - b->labels[i]->rows;
    }
    add_products(a, b, sign);
    add_sums(a->sums, b->sums, a->features, sign);
    a->rows += sign > 0 ? b->rows : 0 - b->rows;
}

pomona_status pomona_moments_merge(struct pomona_moments *a, struct pomona_moments *b,
                                   struct pomona_error *error) {
    TRY(check_kinship(a, b, error));
    if (a->rows + b->rows > UINT32_MAX)
        return fail(error, POMONA_E_LIMIT, NULL, "moments take at most %u rows", UINT32_MAX);
    TRY(make_labels(a, b, error));
    moments_flush(a);
    moments_flush(b);
    add_all(a, b, 1);
    return POMONA_OK;
}

static pomona_status not_a_part(struct pomona_error *error) {
    return fail(error, POMONA_E_INPUT, NULL,
                "the rows to subtract were never added to these moments: nothing is changed");
}

/* Whether rows could have these sums: none has none, and no square is negative. */
static bool is_possible(const struct pomona_moments *m) {
    for (int i = 0; i < m->features; i++) {
        int128 square = moments_product(m, i, i);
        if (square < 0 || (m->rows == 0 && (square != 0 || m->sums[i] != 0))) return false;
        if (m->rows > 0 && moments_comoment(m, i, i) < 0) return false;
    }
    for (int i = 0; i < m->label_count; i++)
        for (int f = 0; f < m->features; f++)
            if (m->labels[i]->rows == 0 && m->labels[i]->sums[f] != 0) return false;
    return true;
}

pomona_status pomona_moments_subtract(struct pomona_moments *a, struct pomona_moments *b,
                                      struct pomona_error *error) {
    TRY(check_kinship(a, b, error));
    for (int i = 0; i < b->label_count; i++) {
        bool found;
        int place = moments_find_label(a, b->labels[i]->name, &found);
        if (!found || a->labels[place]->rows < b->labels[i]->rows) return not_a_part(error);
    }
    moments_flush(a);
    moments_flush(b);
    add_all(a, b, -1);
    if (!is_possible(a)) {
        add_all(a, b, 1);
        return not_a_part(error);
    }
    moments_drop_empty_labels(a);
    return POMONA_OK;
}
