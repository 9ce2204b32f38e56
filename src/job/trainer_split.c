#include "base/memory.h"
#include "job/path_group.h"
#include "job/trainer.h"
#include "stats/fit/folds.h"

#include <stdlib.h>
#include <string.h>

/* What keeps photos together: the text that the expression finds in the path, else the path. Texts are put in `arena`. */
static pomona_status group_keys(struct trainer *t, const char **keys, struct arena *arena) {
    struct path_group group = {.open = false};
    for (size_t i = 0; i < t->table.rows; i++) keys[i] = t->table.row[i].path;
    if (!t->options->group) return POMONA_OK;
    pomona_status status = path_group_open(&group, t->options->group, t->error);
    for (size_t i = 0; i < t->table.rows && status == POMONA_OK; i++) {
        const char *key;
        status = path_group_copy(&group, keys[i], arena, &key, t->error);
        if (key) keys[i] = key;
    }
    path_group_close(&group);
    return status;
}

static pomona_status assign_folds(struct trainer *t, int folds) {
    struct arena texts = ARENA_INIT(SIZE_MAX);
    const char **keys = memory_new(t->table.rows, sizeof *keys);
    t->fold = memory_new(t->table.rows, sizeof *t->fold);
    t->truth = memory_new(t->table.rows, sizeof *t->truth);
    pomona_status status =
        keys && t->fold && t->truth ? group_keys(t, keys, &texts) : fail_memory(t->error, "folds");
    if (status == POMONA_OK)
        status = folds_assign(keys, t->leaf, t->table.rows, folds, t->options->seed, t->fold, t->error);
    if (status == POMONA_OK) memcpy(t->truth, t->leaf, t->table.rows * sizeof *t->truth);
    memory_free(keys);
    arena_free(&texts);
    return status;
}

/* Weights of a split: each class counts the same, unless that is switched off. */
static pomona_status weigh(struct trainer *t, struct trainer_split *split) {
    size_t rows = t->table.rows, classes = (size_t)t->classes.count;
    size_t *count = memory_new(classes, sizeof *count);
    split->weight = memory_new(rows, sizeof *split->weight);
    if (!count || !split->weight) {
        memory_free(count);
        return fail_memory(t->error, "weights");
    }
    for (size_t i = 0; i < rows; i++) count[t->leaf[i]]++;
    for (size_t i = 0; i < rows; i++) {
        bool held_out = t->fold && t->fold[i] == split->fold;
        double even = (double)rows / ((double)classes * (double)count[t->leaf[i]]);
        split->weight[i] = held_out ? 0 : t->options->no_class_weights ? 1 : even;
    }
    memory_free(count);
    return POMONA_OK;
}

/* Moments of the rows of each fold (all rows are fold 0 without folds). */
static pomona_status sum_folds(struct trainer *t, struct pomona_moments **sums, int folds) {
    pomona_status status = POMONA_OK;
    for (int f = 0; f < folds && status == POMONA_OK; f++)
        status = pomona_moments_new(t->context, t->rows.width, NULL, &sums[f], t->error);
    for (size_t i = 0; i < t->table.rows && status == POMONA_OK; i++)
        status =
            pomona_moments_add(sums[t->fold ? t->fold[i] : 0], t->table.row[i].path, t->table.row[i].label,
                               t->rows.features + i * (size_t)t->rows.width, t->error);
    return status;
}

/* Gives every split the moments of what it learns from. */
static pomona_status sum_splits(struct trainer *t, struct pomona_moments **sums, int folds) {
    for (int s = 0; s < t->split_count; s++) {
        struct trainer_split *split = &t->splits[s];
        TRY(pomona_moments_new(t->context, t->rows.width, NULL, &split->moments, t->error));
        for (int f = 0; f < folds; f++)
            if (!t->fold || f != split->fold) TRY(pomona_moments_merge(split->moments, sums[f], t->error));
    }
    return POMONA_OK;
}

static void drop_moments(struct trainer *t) {
    for (int s = 0; s < t->split_count; s++) pomona_moments_free(&t->splits[s].moments);
}

/* Whether the head asked for can do without moments: then features that moments refuse are no reason to stop. */
static bool needs_moments(const struct trainer *t) {
    const char *head = t->options->head;
    return head && (strcmp(head, "lda") == 0 || strcmp(head, "ridge") == 0);
}

static pomona_status make_moments(struct trainer *t) {
    int folds = t->fold ? t->split_count - 1 : 1;
    if (t->given) {
        t->splits[0].moments = t->given;
        t->given = NULL;
        return POMONA_OK;
    }
    struct pomona_moments **sums = memory_new((size_t)folds, sizeof *sums);
    if (!sums) return fail_memory(t->error, "moments");
    pomona_status status = sum_folds(t, sums, folds);
    if (status == POMONA_OK) status = sum_splits(t, sums, folds);
    for (int f = 0; f < folds; f++) pomona_moments_free(&sums[f]);
    memory_free(sums);
    bool impossible = status == POMONA_E_INPUT || status == POMONA_E_LIMIT;
    if (!impossible || needs_moments(t)) return status;
    drop_moments(t);
    return POMONA_OK;
}

static void project(const struct trainer *t, const float *features, size_t rows, int k, float *scores) {
    double row[POMONA_MOMENTS_FEATURES_MAX];
    for (size_t i = 0; i < rows; i++) {
        pomona_pca_project(t->pca, 1, features + i * (size_t)t->info.features, false, row);
        for (int c = 0; c < k; c++) scores[i * (size_t)k + (size_t)c] = (float)row[c];
    }
}

/* Replaces the features by their first K principal components, found in all rows to learn from. */
static pomona_status apply_pca(struct trainer *t, int k) {
    struct pomona_moments *moments = NULL;
    const struct pomona_pca_options options = {.k = k};
    TRY(pomona_moments_new(t->context, t->info.features, NULL, &moments, t->error));
    pomona_status status = POMONA_OK;
    for (size_t i = 0; i < t->table.rows && status == POMONA_OK; i++)
        status = pomona_moments_add(moments, t->table.row[i].path, t->table.row[i].label,
                                    t->table.features + i * (size_t)t->info.features, t->error);
    if (status == POMONA_OK) status = pomona_pca_fit(moments, &options, &t->pca, t->error);
    pomona_moments_free(&moments);
    TRY(status);
    t->scores = memory_new(size_multiply(t->table.rows, (size_t)k), sizeof(float));
    t->validation_scores = memory_new(size_multiply(t->judged_count, (size_t)k), sizeof(float));
    if (!t->scores || !t->validation_scores) return fail_memory(t->error, "scores");
    project(t, t->table.features, t->table.rows, k, t->scores);
    if (t->options->validation) project(t, t->validation.features, t->judged_count, k, t->validation_scores);
    return POMONA_OK;
}

static pomona_status choose_space(struct trainer *t) {
    const char *on = t->options->on;
    int width = t->info.features;
    t->rows = (struct training_rows){.rows = t->table.rows,
                                     .width = width,
                                     .classes = t->classes.count,
                                     .features = t->table.features,
                                     .leaf = t->leaf};
    if (!on || strcmp(on, "features") == 0) return POMONA_OK;
    char *end = NULL;
    long k = strncmp(on, "pca:", 4) == 0 ? strtol(on + 4, &end, 10) : 0;
    if (k < 1 || k > width || *end != '\0')
        return fail(t->error, POMONA_E_USAGE, "on",
                    "'%.60s' is neither 'features' nor 'pca:K' with K in 1..%d", on, width);
    if (t->given)
        return fail(t->error, POMONA_E_USAGE, "on",
                    "principal components need tables of features, not moments");
    const char *head = t->options->head;
    if (head && (strcmp(head, "knn") == 0 || strcmp(head, "prototype") == 0))
        return fail(t->error, POMONA_E_USAGE, "on", "a head of neighbours works on the features themselves");
    TRY(apply_pca(t, (int)k));
    t->rows.width = (int)k;
    t->rows.features = t->scores;
    return POMONA_OK;
}

/* A class whose photos are all in one fold is unknown to the head that judges them: they are answered wrong, but say nothing
 * of how sure the final head may be. */
static pomona_status find_calibration_truth(struct trainer *t) {
    enum { NOWHERE = -1, PARTED = -2 };
    size_t classes = (size_t)t->classes.count;
    int *home = memory_new(classes, sizeof *home); /* the fold that holds all photos of a class */
    t->calibration_truth = memory_new(t->judged_count, sizeof *t->calibration_truth);
    bool enough = home && t->calibration_truth;
    for (size_t c = 0; enough && c < classes; c++) home[c] = NOWHERE;
    for (size_t i = 0; enough && t->fold && i < t->judged_count; i++) {
        int *of_class = &home[t->truth[i]];
        *of_class = *of_class == NOWHERE || *of_class == t->fold[i] ? t->fold[i] : PARTED;
    }
    for (size_t i = 0; enough && i < t->judged_count; i++) {
        bool learnt = !t->fold || home[t->truth[i]] == PARTED;
        t->calibration_truth[i] = learnt ? t->truth[i] : -1;
        t->calibrated_count += learnt;
    }
    memory_free(home);
    return enough ? POMONA_OK : fail_memory(t->error, "folds");
}

pomona_status trainer_split_rows(struct trainer *t) {
    const struct pomona_train_options *options = t->options;
    int folds = options->folds ? options->folds : POMONA_TRAIN_FOLDS_DEFAULT;
    bool use_folds = !options->validation && !t->given && options->folds != 1;
    if (t->given && !options->validation && !(options->regularisation > 0))
        return fail(t->error, POMONA_E_USAGE, NULL,
                    "moments hold no single photos to judge on: --val names a table, or --strength fixes the "
                    "regularisation");
    if (use_folds) TRY(assign_folds(t, folds));
    TRY(choose_space(t));
    if (use_folds) t->judged_count = t->table.rows;
    t->judged = use_folds ? t->rows.features : t->pca ? t->validation_scores : t->validation.features;
    /* The last split learns from everything: it is the result. */
    t->split_count = use_folds ? folds + 1 : 1;
    t->splits = memory_new((size_t)t->split_count, sizeof *t->splits);
    if (!t->splits) return fail_memory(t->error, "folds");
    for (int s = 0; s < t->split_count; s++) {
        t->splits[s].fold = use_folds && s < folds ? s : -1;
        if (!t->given) TRY(weigh(t, &t->splits[s]));
    }
    t->result->folds = use_folds ? folds : 0;
    t->result->validation = (int64_t)t->judged_count;
    TRY(find_calibration_truth(t));
    return make_moments(t);
}
