#include "base/io.h"
#include "base/memory.h"
#include "job/table_source.h"
#include "job/trainer.h"

#include <stdio.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 30, CELLS_MAX = 1 << 26 };

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static pomona_status open_model(struct trainer *t, const struct pomona_model_options *options,
                                struct pomona_error *error) {
    const char *path = t->options->backbone;
    if (!path) return pomona_model_open_embedded(t->context, options, &t->backbone, error);
    if (!t->backbone_file.data) TRY(file_read(path, &t->backbone_file, error));
    return pomona_model_open_memory(t->context, path, t->backbone_file.data, t->backbone_file.size, options,
                                    &t->backbone, error);
}

static pomona_status wrong_backbone(struct trainer *t, const char *path, const char *space,
                                    const char *model) {
    return fail(
        t->error, POMONA_E_INPUT, path,
        "its features are not those of the backbone %s: they come from %s%.100s (feature space %.16s, the "
        "backbone's is %.16s)%s",
        t->info.name, *model ? "" : "another model", model, *space ? space : "unknown", t->info.feature_space,
        t->options->backbone ? "" : "; --backbone names the ONNX file that made them");
}

/* Opens the backbone at the layer and with the profile, views and size that the features say. */
static pomona_status open_backbone(struct trainer *t, const struct labelled_table *origin) {
    struct pomona_model_options options = {.layer = *origin->layer ? origin->layer : NULL,
                                           .profile = *origin->profile ? origin->profile : NULL,
                                           .precision = *origin->precision ? origin->precision : NULL};
    pomona_status status = open_model(t, &options, t->error);
    if (status != POMONA_OK && *origin->model_hash) {
        /* A layer or a profile that it does not have: is it the model that the features name? */
        static const struct pomona_model_options defaults = {0};
        if (open_model(t, &defaults, NULL) != POMONA_OK) return status;
        pomona_model_get_info(t->backbone, &t->info);
        bool same = strcmp(t->info.hash, origin->model_hash) == 0;
        return same ? status
                    : wrong_backbone(t, t->options->sources[0], origin->feature_space, origin->model);
    }
    TRY(status);
    pomona_model_get_info(t->backbone, &t->info);
    snprintf(t->result->backbone_hash, sizeof t->result->backbone_hash, "%s", t->info.hash);
    snprintf(t->result->feature_space, sizeof t->result->feature_space, "%s", t->info.feature_space);
    return POMONA_OK;
}
/* Whether features of this origin are those of the backbone. */
static pomona_status check_space(struct trainer *t, const char *path, const char *space, const char *model,
                                 int width) {
    if (*space && strcmp(space, t->info.feature_space) != 0) return wrong_backbone(t, path, space, model);
    if (width != t->info.features)
        return fail(t->error, POMONA_E_INPUT, path, "has %d features, the backbone %s gives %d", width,
                    t->info.name, t->info.features);
    t->result->unproven |= !*space;
    return POMONA_OK;
}

static pomona_status describe_classes(struct trainer *t, const char *const *names, int classes) {
    if (classes < 2)
        return fail(t->error, POMONA_E_INPUT, t->options->sources[0],
                    "a classifier needs photos of at least two classes, here is one: '%.160s'",
                    classes ? names[0] : "");
    if ((int64_t)classes * t->info.features > CELLS_MAX)
        return fail(t->error, POMONA_E_LIMIT, t->options->sources[0],
                    "%d classes x %d features are more than the %d weights that a head may have", classes,
                    t->info.features, CELLS_MAX);
    t->result->classes = classes;
    t->result->features = t->info.features;
    if (!t->options->hierarchy) return POMONA_OK;
    TRY(hierarchy_read(t->options->hierarchy, names, classes, &t->hierarchy, t->error));
    t->result->groups = t->hierarchy.group_count;
    t->result->ungrouped = t->hierarchy.unnamed;
    return POMONA_OK;
}

static pomona_status read_tables(struct trainer *t) {
    const struct pomona_train_options *options = t->options;
    struct labelled_table *table = &t->table;
    TRY(labelled_table_read(options->sources, options->source_count, options->should_stop, options->user,
                            table, t->error));
    TRY(open_backbone(t, table));
    TRY(check_space(t, options->sources[0], table->feature_space, table->model, table->width));
    t->leaf = memory_new(table->rows, sizeof *t->leaf);
    if (!t->leaf) return fail_memory(t->error, "labels");
    TRY(label_list_of(table, &t->classes, t->leaf, t->error));
    t->result->rows = (int64_t)table->rows;
    t->result->unlabelled = table->unlabelled;
    return describe_classes(t, t->classes.names, t->classes.count);
}

static pomona_status read_given_moments(struct trainer *t) {
    const char *path = t->options->sources[0];
    struct pomona_moments_info info;
    TRY(pomona_moments_read(t->context, path, &t->given, t->error));
    pomona_moments_get_info(t->given, &info);
    t->given_names = memory_new((size_t)info.labels + 1, sizeof *t->given_names);
    if (!t->given_names) return fail_memory(t->error, "labels");
    t->result->moments = true;
    t->result->rows = info.rows;
    for (int i = 0; i < info.labels; i++) {
        int64_t rows;
        (void)pomona_moments_label(t->given, i, &t->given_names[t->classes.count], &rows);
        t->classes.count += t->given_names[t->classes.count] != NULL;
    }
    TRY(open_backbone(t, &t->validation)); /* a table says more about its origin than moments do */
    TRY(check_space(t, path, info.feature_space, "", info.features));
    return describe_classes(t, t->given_names, t->classes.count);
}

static const char *const *class_names(const struct trainer *t) {
    return t->given ? t->given_names : t->classes.names;
}

static int find_class(const struct trainer *t, const char *label) {
    const char *const *names = class_names(t);
    int low = 0, high = t->classes.count;
    while (low < high) { /* both lists are sorted by their bytes */
        int middle = low + (high - low) / 2, order = strcmp(names[middle], label);
        if (order == 0) return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* Keeps the rows of the validation table whose class is known. */
static pomona_status take_validation(struct trainer *t) {
    struct labelled_table *table = &t->validation;
    const char *path = t->options->validation;
    size_t kept = 0, width = (size_t)t->info.features;
    TRY(check_space(t, path, table->feature_space, table->model, table->width));
    t->truth = memory_new(table->rows, sizeof *t->truth);
    if (!t->truth) return fail_memory(t->error, "labels");
    for (size_t i = 0; i < table->rows; i++) {
        int class = find_class(t, table->row[i].label);
        if (class < 0) {
            if (t->result->unseen++ == 0)
                snprintf(t->result->unseen_label, sizeof t->result->unseen_label, "%s", table->row[i].label);
            continue;
        }
        memmove(table->features + kept * width, table->features + i * width, width * sizeof(float));
        t->truth[kept++] = class;
    }
    t->judged_count = kept;
    if (kept > 0) return POMONA_OK;
    return fail(t->error, POMONA_E_INPUT, path,
                "none of its labels is one of the training's, for instance '%.160s'",
                t->result->unseen_label);
}

static pomona_status find_smallest(struct trainer *t) {
    struct pomona_train_result *result = t->result;
    const char *name = NULL;
    int64_t rows;
    int64_t *count = memory_new((size_t)t->classes.count, sizeof *count);
    if (!count) return fail_memory(t->error, "labels");
    for (size_t i = 0; i < t->table.rows; i++) count[t->leaf[i]]++;
    for (int i = 0, c = 0; t->given && pomona_moments_label(t->given, i, &name, &rows); i++)
        if (name) count[c++] = rows;
    int smallest = 0;
    for (int c = 1; c < t->classes.count; c++)
        if (count[c] < count[smallest]) smallest = c;
    result->smallest_class = (int)count[smallest];
    snprintf(result->smallest_label, sizeof result->smallest_label, "%s", class_names(t)[smallest]);
    memory_free(count);
    return POMONA_OK;
}

pomona_status trainer_read(struct trainer *t) {
    const struct pomona_train_options *options = t->options;
    bool moments = false;
    for (int i = 0; i < options->source_count; i++) moments |= ends_with(options->sources[i], ".pom");
    if (moments && options->source_count > 1)
        return fail(t->error, POMONA_E_USAGE, NULL,
                    "one file of moments, or tables: pomona moments merge joins several");
    if (options->validation)
        TRY(labelled_table_read(&options->validation, 1, options->should_stop, options->user, &t->validation,
                                t->error));
    TRY(moments ? read_given_moments(t) : read_tables(t));
    if (options->validation) TRY(take_validation(t));
    return find_smallest(t);
}
