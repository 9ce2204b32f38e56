#include "job/labelled_table.h"

#include "base/memory.h"
#include "job/table_source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS_MAX = 131072 };

static void copy_property(const struct table_source *source, const char *key, char *out, size_t size) {
    const char *value = pomona_feature_reader_property(source->reader, key);
    snprintf(out, size, "%s", value ? value : "");
}

static void describe(struct labelled_table *table, const struct table_source *source) {
    memcpy(table->feature_space, source->feature_space, sizeof table->feature_space);
    copy_property(source, "pomona.model_hash", table->model_hash, sizeof table->model_hash);
    copy_property(source, "pomona.model", table->model, sizeof table->model);
    copy_property(source, "pomona.layer", table->layer, sizeof table->layer);
    copy_property(source, "pomona.profile", table->profile, sizeof table->profile);
    copy_property(source, "pomona.precision", table->precision, sizeof table->precision);
    table->width = source->info.features;
}

static pomona_status check_same(const struct labelled_table *table, const struct table_source *source,
                                const char *path, struct pomona_error *error) {
    if (source->info.features != table->width)
        return fail(error, POMONA_E_INPUT, path, "has %d features, the tables before it %d",
                    source->info.features, table->width);
    if (strcmp(source->feature_space, table->feature_space) != 0)
        return fail(
            error, POMONA_E_INPUT, path,
            "its features are of another space (model, layer, profile or precision) than those before it: "
            "%.16s and %.16s",
            source->feature_space, table->feature_space);
    return POMONA_OK;
}

static pomona_status make_room(struct labelled_table *table, size_t extra, struct pomona_error *error) {
    size_t rows = size_add(table->rows, extra);
    float *features =
        memory_resize(table->features, size_multiply(rows, (size_t)table->width), sizeof *features);
    if (features) table->features = features;
    struct labelled_row *row = features ? memory_resize(table->row, rows, sizeof *row) : NULL;
    if (row) table->row = row;
    return row ? POMONA_OK : fail_memory(error, "features");
}

static pomona_status add_row(struct labelled_table *table, const struct pomona_feature_row *row,
                             struct pomona_error *error) {
    if (!row->label) {
        table->unlabelled++;
        return POMONA_OK;
    }
    for (int i = 0; i < table->width; i++)
        if (!isfinite(row->features[i]))
            return fail(error, POMONA_E_INPUT, row->path, "feature %d is %g, not a finite number", i,
                        (double)row->features[i]);
    struct labelled_row *added = &table->row[table->rows];
    added->path = arena_copy_text(&table->texts, row->path, strlen(row->path));
    added->label = arena_copy_text(&table->texts, row->label, strlen(row->label));
    added->features = table->rows;
    if (!added->path || !added->label) return fail_memory(error, "labels");
    memcpy(table->features + table->rows * (size_t)table->width, row->features,
           (size_t)table->width * sizeof *row->features);
    table->rows++;
    return POMONA_OK;
}

static pomona_status add_table(struct labelled_table *table, const char *path, bool first,
                               bool (*should_stop)(void *), void *user, struct pomona_error *error) {
    struct table_source source;
    struct pomona_feature_row row;
    bool has_row = true;
    pomona_status status = table_source_open(&source, path, error);
    if (status == POMONA_OK && first) describe(table, &source);
    if (status == POMONA_OK) status = check_same(table, &source, path, error);
    if (status == POMONA_OK) status = make_room(table, (size_t)source.info.rows, error);
    while (status == POMONA_OK) {
        status = pomona_feature_reader_next(source.reader, &row, &has_row, error);
        if (status != POMONA_OK || !has_row) break;
        status = add_row(table, &row, error);
        if (status == POMONA_OK && should_stop && row.index % 256 == 0 && should_stop(user))
            status = fail(error, POMONA_E_INTERRUPTED, path, "interrupted");
    }
    table_source_close(&source);
    return status;
}

/* What the order of rows is decided by: qsort has no room for the matrix. */
struct sort_key {
    struct labelled_row row;
    const float *features;
    size_t bytes;
};

static int compare_keys(const void *a, const void *b) {
    const struct sort_key *left = a, *right = b;
    int order = strcmp(left->row.path, right->row.path);
    if (order == 0) order = strcmp(left->row.label, right->row.label);
    return order ? order : memcmp(left->features, right->features, left->bytes);
}

/* Moves the rows of the matrix to where `row` wants them, cycle by cycle. */
static pomona_status move_features(struct labelled_table *table, struct pomona_error *error) {
    size_t width = (size_t)table->width, bytes = width * sizeof(float);
    float *held = memory_new(width, sizeof *held);
    if (!held) return fail_memory(error, "features");
    for (size_t start = 0; start < table->rows; start++) {
        if (table->row[start].features == start) continue;
        memcpy(held, table->features + start * width, bytes);
        size_t at = start;
        for (size_t from; (from = table->row[at].features) != start; at = from) {
            memcpy(table->features + at * width, table->features + from * width, bytes);
            table->row[at].features = at;
        }
        memcpy(table->features + at * width, held, bytes);
        table->row[at].features = at;
    }
    memory_free(held);
    return POMONA_OK;
}

static pomona_status sort_rows(struct labelled_table *table, struct pomona_error *error) {
    struct sort_key *keys = memory_new(table->rows, sizeof *keys);
    if (!keys) return fail_memory(error, "features");
    size_t width = (size_t)table->width;
    for (size_t i = 0; i < table->rows; i++)
        keys[i] = (struct sort_key){table->row[i], table->features + i * width, width * sizeof(float)};
    qsort(keys, table->rows, sizeof *keys, compare_keys);
    for (size_t i = 0; i < table->rows; i++) table->row[i] = keys[i].row;
    memory_free(keys);
    return move_features(table, error);
}

pomona_status labelled_table_read(const char *const *sources, int count, bool (*should_stop)(void *user),
                                  void *user, struct labelled_table *table, struct pomona_error *error) {
    *table = LABELLED_TABLE_INIT;
    for (int i = 0; i < count; i++) TRY(add_table(table, sources[i], i == 0, should_stop, user, error));
    if (table->rows == 0)
        return fail(error, POMONA_E_INPUT, count ? sources[0] : NULL,
                    "none of its %lld rows has a label to learn from", (long long)table->unlabelled);
    return sort_rows(table, error);
}

void labelled_table_free(struct labelled_table *table) {
    arena_free(&table->texts);
    memory_free(table->features);
    memory_free(table->row);
    *table = LABELLED_TABLE_INIT;
}

static int compare_labels(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

pomona_status label_list_of(const struct labelled_table *table, struct label_list *list, int *leaf,
                            struct pomona_error *error) {
    *list = (struct label_list){memory_new(table->rows, sizeof *list->names), 0};
    if (!list->names) return fail_memory(error, "labels");
    for (size_t i = 0; i < table->rows; i++) list->names[i] = table->row[i].label;
    qsort(list->names, table->rows, sizeof *list->names, compare_labels);
    size_t distinct = 0;
    for (size_t i = 0; i < table->rows; i++)
        if (i == 0 || strcmp(list->names[i], list->names[distinct - 1]) != 0)
            list->names[distinct++] = list->names[i];
    if (distinct > LABELS_MAX) {
        label_list_free(list);
        return fail(error, POMONA_E_LIMIT, NULL, "%zu different labels, more than %d", distinct, LABELS_MAX);
    }
    list->count = (int)distinct;
    for (size_t i = 0; i < table->rows; i++) leaf[i] = label_list_find(list, table->row[i].label);
    return POMONA_OK;
}

int label_list_find(const struct label_list *list, const char *label) {
    const char **found =
        bsearch(&label, list->names, (size_t)list->count, sizeof *list->names, compare_labels);
    return found ? (int)(found - list->names) : -1;
}

void label_list_free(struct label_list *list) {
    memory_free(list->names);
    *list = (struct label_list){NULL, 0};
}
