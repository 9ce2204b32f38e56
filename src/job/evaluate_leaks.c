#include "base/memory.h"
#include "job/evaluation.h"
#include "job/labelled_table.h"
#include "job/path_group.h"
#include "stats/fit/neighbours.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 512 };

/* The nearest photo of `train` to each judged one: rows of the table are prototypes, each a leaf of its own. */
static pomona_status compare(struct evaluation *e, const struct labelled_table *train,
                             const struct head *head) {
    size_t width = (size_t)train->width;
    double similarity[CHUNK * NEIGHBOURS_NEAREST];
    int row[CHUNK * NEIGHBOURS_NEAREST];
    for (size_t at = 0; at < e->source_count; at += CHUNK) {
        size_t count = e->source_count - at < CHUNK ? e->source_count - at : CHUNK;
        TRY(neighbours_nearest(e->context, head, e->features + at * width, count, e->threads, similarity, row,
                               e->error));
        for (size_t i = 0; i < count; i++) {
            struct evaluated *photo = &e->photos[at + i];
            int nearest = row[i * NEIGHBOURS_NEAREST];
            if (nearest < 0) continue;
            const struct labelled_row *found = &train->row[nearest];
            photo->alike = similarity[i * NEIGHBOURS_NEAREST];
            photo->nearest = arena_copy_text(&e->texts, found->path, strlen(found->path));
            photo->nearest_label = arena_copy_text(&e->texts, found->label, strlen(found->label));
            if (!photo->nearest || !photo->nearest_label) return fail_memory(e->error, "photos");
        }
    }
    return POMONA_OK;
}

static pomona_status find_duplicates(struct evaluation *e, const struct labelled_table *train) {
    struct head head = {.kind = HEAD_NEIGHBOURS};
    double least = e->options->similarity > 0 ? e->options->similarity : POMONA_EVALUATE_SIMILARITY_DEFAULT;
    double *weight = memory_new(train->rows, sizeof *weight);
    int *leaf = memory_new(train->rows, sizeof *leaf);
    pomona_status status = weight && leaf ? POMONA_OK : fail_memory(e->error, "photos");
    for (size_t i = 0; i < train->rows && status == POMONA_OK; i++) weight[i] = 1, leaf[i] = (int)i;
    const struct training_rows rows = {.rows = train->rows,
                                       .width = train->width,
                                       .classes = (int)train->rows,
                                       .features = train->features,
                                       .leaf = leaf,
                                       .weight = weight};
    if (status == POMONA_OK) status = neighbours_build(&rows, &head, e->error);
    if (status == POMONA_OK) status = compare(e, train, &head);
    for (size_t i = 0; i < e->source_count && status == POMONA_OK; i++) {
        struct evaluated *photo = &e->photos[i];
        photo->leaked = photo->truth >= 0 && photo->alike >= least;
        e->result->duplicates += photo->leaked;
    }
    memory_free(weight);
    memory_free(leaf);
    head_free(&head);
    return status;
}

static int compare_keys(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static pomona_status take_groups(struct evaluation *e, const struct path_group *group,
                                 const struct labelled_table *train, const char **keys, size_t *count) {
    for (size_t i = 0; i < train->rows; i++) {
        TRY(path_group_copy(group, train->row[i].path, &e->texts, &keys[*count], e->error));
        *count += keys[*count] != NULL;
    }
    qsort(keys, *count, sizeof *keys, compare_keys);
    return POMONA_OK;
}

static pomona_status find_shared(struct evaluation *e, const struct path_group *group,
                                 const char *const *keys, size_t count) {
    size_t found = 0;
    e->shared_groups = memory_new(e->source_count, sizeof *e->shared_groups);
    if (!e->shared_groups) return fail_memory(e->error, "groups");
    for (size_t i = 0; i < e->source_count; i++) {
        const char *key;
        TRY(path_group_copy(group, e->photos[i].path, &e->texts, &key, e->error));
        if (e->photos[i].truth < 0 || !key || !bsearch(&key, keys, count, sizeof *keys, compare_keys))
            continue;
        e->photos[i].leaked = true;
        e->shared_groups[found++] = key;
    }
    qsort(e->shared_groups, found, sizeof *e->shared_groups, compare_keys);
    for (size_t i = 0; i < found; i++)
        if (i == 0 || strcmp(e->shared_groups[i], e->shared_groups[e->shared_group_count - 1]) != 0)
            e->shared_groups[e->shared_group_count++] = e->shared_groups[i];
    e->result->shared_groups = (int64_t)e->shared_group_count;
    return POMONA_OK;
}

static pomona_status find_groups(struct evaluation *e, const struct labelled_table *train) {
    struct path_group group = {.open = false};
    size_t count = 0;
    TRY(path_group_open(&group, e->options->group, e->error));
    const char **keys = memory_new(train->rows, sizeof *keys);
    pomona_status status =
        keys ? take_groups(e, &group, train, keys, &count) : fail_memory(e->error, "groups");
    if (status == POMONA_OK) status = find_shared(e, &group, keys, count);
    memory_free(keys);
    path_group_close(&group);
    return status;
}

static pomona_status check_train(struct evaluation *e, const struct labelled_table *train) {
    const struct pomona_model_info *model = &e->info.model;
    bool same = !train->feature_space[0] || strcmp(train->feature_space, model->feature_space) == 0;
    if (train->width == model->features && same) return POMONA_OK;
    return fail(e->error, POMONA_E_INPUT, e->options->train,
                "its features are not the classifier's: they can't be compared");
}

pomona_status evaluation_find_leaks(struct evaluation *e) {
    const struct pomona_evaluate_options *options = e->options;
    struct labelled_table train;
    if (!options->train) return POMONA_OK;
    pomona_status status =
        labelled_table_read(&options->train, 1, options->should_stop, options->user, &train, e->error);
    if (status == POMONA_OK) status = check_train(e, &train);
    if (status == POMONA_OK) status = find_duplicates(e, &train);
    if (status == POMONA_OK && options->group) status = find_groups(e, &train);
    labelled_table_free(&train);
    return status;
}
