#include "base/clock.h"
#include "base/memory.h"
#include "job/trainer.h"
#include "stats/fit/calibrate.h"
#include "stats/fit/neighbours.h"

#include <stdio.h>
#include <string.h>

const char *const trainer_kind_names[KIND_COUNT] = {"logistic", "ridge", "lda", "knn", "prototype"};

enum { GRID_MAX = 8, JUDGED_CELLS_MAX = 1 << 28 /* logits: 2 GiB, twice */ };

/* From strong to weak: each logistic fit starts from the one before. */
static const double grids[KIND_COUNT][GRID_MAX] = {
    [KIND_LOGISTIC] = {1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003},
    [KIND_RIDGE] = {10, 3, 1, 0.3, 0.1, 0.03, 0.01},
    [KIND_LDA] = {0.9, 0.7, 0.55, 0.4, 0.25, 0.1, 0.03},
    [KIND_KNN] = {1, 3, 5, 10, 20},
    [KIND_PROTOTYPE] = {NEIGHBOURS_NEAREST}}; /* or as many as there are classes */

static void tell(struct trainer *t, const char *kind, double regularisation, int split) {
    char what[96];
    const struct pomona_train_options *options = t->options;
    if (!options->progress) return;
    int used = snprintf(what, sizeof what, "%s %.3g", kind, regularisation);
    if (t->split_count > 1 && split + 1 < t->split_count)
        snprintf(what + used, sizeof what - (size_t)used, ", fold %d of %d", split + 1, t->split_count - 1);
    struct pomona_train_progress progress = {++t->done, t->total, what};
    options->progress(options->user, &progress);
}

static const char *const *names_of(const struct trainer *t) {
    return t->given_names ? t->given_names : t->classes.names;
}

pomona_status trainer_fit(struct trainer *t, struct trainer_split *split, enum trainer_kind kind,
                          double regularisation, struct linear_model *model,
                          struct pomona_train_candidate *candidate) {
    if (kind == KIND_LOGISTIC) {
        struct logistic_info info;
        const struct logistic_options options = {.l2 = regularisation,
                                                 .weight = split->weight,
                                                 .start = split->last.weight ? &split->last : NULL,
                                                 .should_stop = t->options->should_stop,
                                                 .user = t->options->user};
        if (!t->logistic) TRY(logistic_problem_new(t->context, &t->rows, t->threads, &t->logistic, t->error));
        TRY(logistic_fit(t->logistic, &options, model, &info, t->error));
        candidate->converged &= info.converged;
        candidate->iterations += info.iterations;
        return POMONA_OK;
    }
    if (!split->moments)
        return fail(t->error, POMONA_E_LIMIT, t->options->sources[0],
                    "%s needs moments, and there are none of more than %d features", trainer_kind_names[kind],
                    POMONA_MOMENTS_FEATURES_MAX);
    if (!split->form)
        TRY(closed_form_new(split->moments, names_of(t), t->classes.count, &split->form, t->error));
    /* What balances classes, or does not, where rows have no weights. */
    bool balanced = !t->options->no_class_weights;
    TRY(kind == KIND_LDA ? lda_fit(split->form, regularisation, model, t->error)
                         : ridge_fit(split->form, regularisation, model, t->error));
    if (kind == KIND_LDA && !balanced) lda_use_shares(split->form, model);
    if (kind == KIND_RIDGE && balanced) ridge_balance(split->form, model);
    return POMONA_OK;
}

/* The rows that a split is judged on, one behind the other: all of them with one split, else a copy of its fold's. */
struct judged_rows {
    const float *features; /* [count][width] */
    size_t count;
    size_t *row;    /* [count], of the judged rows; owned, as is the next */
    float *copy;    /* NULL where `features` are the judged rows themselves */
    double *logits; /* [count][classes], owned */
};

static pomona_status gather(const struct trainer *t, const struct trainer_split *split,
                            struct judged_rows *judged) {
    size_t width = (size_t)t->rows.width, count = 0;
    for (size_t i = 0; i < t->judged_count; i++) count += !t->fold || t->fold[i] == split->fold;
    *judged = (struct judged_rows){.features = t->judged, .row = memory_new(count, sizeof *judged->row)};
    judged->logits = memory_new(size_multiply(count, (size_t)t->classes.count), sizeof *judged->logits);
    if (t->fold)
        judged->features = judged->copy = memory_new(size_multiply(count, width), sizeof *judged->copy);
    if (!judged->row || !judged->logits || !judged->features) return fail_memory(t->error, "answers");
    for (size_t i = 0; i < t->judged_count; i++) {
        if (t->fold && t->fold[i] != split->fold) continue;
        if (t->fold)
            memcpy(judged->copy + judged->count * width, t->judged + i * width, width * sizeof *judged->copy);
        judged->row[judged->count++] = i;
    }
    return POMONA_OK;
}

/* Puts the answers where they belong among all. */
static void scatter(struct trainer *t, struct judged_rows *judged) {
    size_t classes = (size_t)t->classes.count;
    for (size_t i = 0; i < judged->count; i++)
        memcpy(t->logits + judged->row[i] * classes, judged->logits + i * classes,
               classes * sizeof *t->logits);
}

static void judged_free(struct judged_rows *judged) {
    memory_free(judged->row);
    memory_free(judged->copy);
    memory_free(judged->logits);
}

static pomona_status judge_neighbours(struct trainer *t, const struct trainer_split *split, int k,
                                      struct judged_rows *judged) {
    enum { CHUNK = 512 };
    size_t width = (size_t)t->rows.width, classes = (size_t)t->classes.count;
    double *similarity = memory_new(CHUNK * NEIGHBOURS_NEAREST, sizeof *similarity);
    int *leaf = memory_new(CHUNK * NEIGHBOURS_NEAREST, sizeof *leaf);
    pomona_status status = similarity && leaf ? POMONA_OK : fail_memory(t->error, "neighbours");
    for (size_t at = 0; at < judged->count && status == POMONA_OK; at += CHUNK) {
        size_t count = judged->count - at < CHUNK ? judged->count - at : CHUNK;
        status = neighbours_nearest(t->context, &split->neighbours, judged->features + at * width, count,
                                    t->threads, similarity, leaf, t->error);
        for (size_t i = 0; i < count && status == POMONA_OK; i++)
            neighbours_logits(&split->neighbours, similarity + i * NEIGHBOURS_NEAREST,
                              leaf + i * NEIGHBOURS_NEAREST, k, judged->logits + (at + i) * classes);
    }
    memory_free(similarity);
    memory_free(leaf);
    return status;
}

static pomona_status build_neighbours(struct trainer *t, struct trainer_split *split,
                                      enum trainer_kind kind) {
    struct training_rows rows = t->rows;
    if (split->neighbours.prototypes && split->neighbours_kind == kind) return POMONA_OK;
    head_free(&split->neighbours);
    rows.weight = split->weight;
    split->neighbours_kind = kind;
    split->neighbours.leaves = t->classes.count;
    split->neighbours.sharpness = (float)TRAINER_SHARPNESS;
    return kind == KIND_KNN ? neighbours_build(&rows, &split->neighbours, t->error)
                            : neighbours_build_means(&rows, &split->neighbours, t->error);
}

static pomona_status fit_and_judge(struct trainer *t, struct trainer_split *split, enum trainer_kind kind,
                                   double regularisation, struct judged_rows *judged,
                                   struct pomona_train_candidate *candidate) {
    struct linear_model model;
    if (is_neighbours(kind)) {
        TRY(build_neighbours(t, split, kind));
        return judge_neighbours(t, split, (int)regularisation, judged);
    }
    TRY(trainer_fit(t, split, kind, regularisation, &model, candidate));
    pomona_status status = linear_model_logits(t->context, &model, judged->features, judged->count,
                                               t->threads, judged->logits, t->error);
    if (kind == KIND_LOGISTIC) {
        linear_model_free(&split->last);
        split->last = model;
    } else {
        linear_model_free(&model);
    }
    return status;
}

/* Answers of one candidate on the rows of one split. */
static pomona_status judge_split(struct trainer *t, struct trainer_split *split, enum trainer_kind kind,
                                 double regularisation, struct pomona_train_candidate *candidate) {
    struct judged_rows judged;
    pomona_status status = gather(t, split, &judged);
    if (status == POMONA_OK) status = fit_and_judge(t, split, kind, regularisation, &judged, candidate);
    if (status == POMONA_OK) scatter(t, &judged);
    judged_free(&judged);
    return status;
}

static void score(struct trainer *t, struct pomona_train_candidate *candidate) {
    size_t right = 0, classes = (size_t)t->classes.count;
    for (size_t i = 0; i < t->judged_count; i++) {
        const double *logits = t->logits + i * classes;
        size_t best = 0;
        for (size_t c = 1; c < classes; c++)
            if (logits[c] > logits[best]) best = c;
        right += (int)best == t->truth[i];
    }
    candidate->top1 = (double)right / (double)t->judged_count;
    candidate->temperature =
        calibrate_temperature(t->logits, t->calibration_truth, t->judged_count, t->classes.count);
    candidate->log_loss = calibrate_log_loss(t->logits, t->calibration_truth, t->judged_count,
                                             t->classes.count, candidate->temperature);
}

static bool is_better(const struct pomona_train_candidate *a, const struct pomona_train_candidate *b) {
    return a->top1 > b->top1 || (a->top1 == b->top1 && a->log_loss < b->log_loss);
}

static pomona_status try_candidate(struct trainer *t, enum trainer_kind kind, double regularisation) {
    struct pomona_train_result *result = t->result;
    struct pomona_train_candidate *candidate = &result->candidates[result->candidate_count];
    double start = clock_seconds();
    *candidate = (struct pomona_train_candidate){.head = trainer_kind_names[kind],
                                                 .regularisation = regularisation,
                                                 .temperature = 1,
                                                 .converged = true};
    int judging = t->split_count > 1 ? t->split_count - 1 : 1;
    for (int s = 0; s < judging && t->judged_count > 0; s++) {
        if (t->options->should_stop && t->options->should_stop(t->options->user))
            return fail(t->error, POMONA_E_INTERRUPTED, NULL, "interrupted: nothing was written");
        tell(t, candidate->head, regularisation, s);
        TRY(judge_split(t, &t->splits[s], kind, regularisation, candidate));
    }
    if (t->judged_count > 0) score(t, candidate);
    candidate->seconds = clock_seconds() - start;
    if (result->candidate_count == 0 || is_better(candidate, &result->candidates[result->chosen])) {
        double *swap = t->best_logits;
        t->best_logits = t->logits;
        t->logits = swap;
        result->chosen = result->candidate_count;
    }
    result->candidate_count++;
    return POMONA_OK;
}

/* Which kinds are tried. */
static pomona_status choose_kinds(struct trainer *t, bool kinds[KIND_COUNT]) {
    const char *head = t->options->head ? t->options->head : t->given_names ? "lda" : "logistic";
    bool known = strcmp(head, "auto") == 0;
    for (int k = 0; k < KIND_COUNT; k++) {
        kinds[k] = strcmp(head, "auto") == 0 || strcmp(head, trainer_kind_names[k]) == 0;
        known |= kinds[k];
    }
    if (!known)
        return fail(t->error, POMONA_E_USAGE, "head",
                    "'%.60s' is none of logistic, ridge, lda, knn, prototype, auto", head);
    bool rows_needed =
        strcmp(head, "logistic") == 0 || strcmp(head, "knn") == 0 || strcmp(head, "prototype") == 0;
    if (t->given_names && rows_needed)
        return fail(t->error, POMONA_E_USAGE, "head",
                    "%s needs tables of features; from moments come lda and ridge", head);
    if (t->given_names) kinds[KIND_LOGISTIC] = kinds[KIND_KNN] = kinds[KIND_PROTOTYPE] = false;
    if (strcmp(head, "auto") == 0 && t->pca) kinds[KIND_KNN] = kinds[KIND_PROTOTYPE] = false;
    if (strcmp(head, "auto") == 0 && !t->splits[0].moments) kinds[KIND_LDA] = kinds[KIND_RIDGE] = false;
    return POMONA_OK;
}

static pomona_status check_fixed(struct trainer *t, enum trainer_kind kind, double value) {
    if (kind == KIND_LDA && value > 1)
        return fail(t->error, POMONA_E_USAGE, "strength", "the shrinkage of lda lies in (0, 1], not %g",
                    value);
    if (is_neighbours(kind) && (value != (int)value || value > NEIGHBOURS_NEAREST))
        return fail(t->error, POMONA_E_USAGE, "strength", "neighbours are a whole number of 1 to %d, not %g",
                    NEIGHBOURS_NEAREST, value);
    return POMONA_OK;
}

pomona_status trainer_choose(struct trainer *t) {
    bool kinds[KIND_COUNT];
    double fixed = t->options->regularisation;
    size_t cells = size_multiply(t->judged_count, (size_t)t->classes.count);
    int folds = t->split_count > 1 ? t->split_count - 1 : 1;
    TRY(choose_kinds(t, kinds));
    if (cells > JUDGED_CELLS_MAX)
        return fail(
            t->error, POMONA_E_LIMIT, t->options->sources[0],
            "judging %zu photos over %d classes takes more than %d answers: --val with fewer photos does",
            t->judged_count, t->classes.count, JUDGED_CELLS_MAX);
    t->logits = memory_new(cells, sizeof *t->logits);
    t->best_logits = memory_new(cells, sizeof *t->best_logits);
    if (!t->logits || !t->best_logits) return fail_memory(t->error, "answers");
    for (int k = 0; k < KIND_COUNT; k++)
        for (int g = 0; g < GRID_MAX && kinds[k]; g++)
            t->total += (fixed > 0 ? g == 0 : grids[k][g] > 0) ? folds : 0;
    for (int k = 0; k < KIND_COUNT; k++) {
        if (!kinds[k]) continue;
        if (fixed > 0) TRY(check_fixed(t, (enum trainer_kind)k, fixed));
        if (fixed > 0) TRY(try_candidate(t, (enum trainer_kind)k, fixed));
        for (int g = 0; g < GRID_MAX && fixed <= 0 && grids[k][g] > 0; g++)
            TRY(try_candidate(t, (enum trainer_kind)k, grids[k][g]));
    }
    return POMONA_OK;
}
