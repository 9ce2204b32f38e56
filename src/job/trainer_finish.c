#include "base/memory.h"
#include "job/trainer.h"
#include "stats/apply/pca.h"
#include "stats/fit/calibrate.h"
#include "stats/fit/metrics.h"
#include "stats/fit/neighbours.h"
#include "stats/fit/novelty.h"

#include <math.h>
#include <string.h>

/* With the smallest confidence at which an answer is more likely right than wrong. */
#define CONFIDENCE 0.5

static enum trainer_kind chosen_kind(const struct trainer *t) {
    const char *name = t->result->candidates[t->result->chosen].head;
    int kind = 0;
    while (strcmp(name, trainer_kind_names[kind]) != 0) kind++;
    return (enum trainer_kind)kind;
}

/* A model of principal components as one of the features: the projection is linear. */
static pomona_status unproject(struct trainer *t, struct linear_model *model) {
    struct linear_model wide;
    struct pomona_pca_info info;
    pomona_pca_get_info(t->pca, &info);
    TRY(linear_model_new(model->classes, info.features, &wide, t->error));
    size_t width = (size_t)info.features, k = (size_t)info.k;
    for (int c = 0; c < model->classes; c++) {
        double *out = wide.weight + (size_t)c * width;
        wide.bias[c] = model->bias[c];
        for (size_t j = 0; j < k; j++) wide.bias[c] -= model->weight[(size_t)c * k + j] * t->pca->offset[j];
        for (size_t i = 0; i < width; i++)
            for (size_t j = 0; j < k; j++)
                out[i] += model->weight[(size_t)c * k + j] * t->pca->weights[i * k + j];
    }
    linear_model_free(model);
    *model = wide;
    return POMONA_OK;
}

/* The temperature goes into weights and biases. */
static pomona_status take_model(struct trainer *t, const struct linear_model *model) {
    struct head *head = &t->head;
    size_t cells = (size_t)model->classes * (size_t)model->width;
    head->features = model->width;
    head->weight = memory_new(cells, sizeof *head->weight);
    head->bias = memory_new((size_t)model->classes, sizeof *head->bias);
    if (!head->weight || !head->bias) return fail_memory(t->error, "head");
    for (size_t i = 0; i < cells; i++) {
        head->weight[i] = (float)(model->weight[i] / head->temperature);
        if (fpclassify(head->weight[i]) == FP_SUBNORMAL) head->weight[i] = 0; /* as ONNX files are read */
    }
    for (int c = 0; c < model->classes; c++) head->bias[c] = (float)(model->bias[c] / head->temperature);
    return POMONA_OK;
}

static pomona_status fit_linear(struct trainer *t, enum trainer_kind kind, double regularisation) {
    struct linear_model model;
    struct trainer_split *all = &t->splits[t->split_count - 1];
    TRY(trainer_fit(t, all, kind, regularisation, &model, &t->result->candidates[t->result->chosen]));
    pomona_status status = t->pca ? unproject(t, &model) : POMONA_OK;
    if (status == POMONA_OK) status = take_model(t, &model);
    linear_model_free(&model);
    return status;
}

static pomona_status fit_neighbours(struct trainer *t, enum trainer_kind kind, int k) {
    struct head *head = &t->head;
    struct training_rows rows = t->rows;
    rows.weight = t->splits[t->split_count - 1].weight;
    head->kind = HEAD_NEIGHBOURS;
    head->sharpness = (float)TRAINER_SHARPNESS;
    TRY(kind == KIND_KNN ? neighbours_build(&rows, head, t->error)
                         : neighbours_build_means(&rows, head, t->error));
    head->neighbours = k < head->prototype_count ? k : head->prototype_count;
    return POMONA_OK;
}

static pomona_status name_classes(struct trainer *t) {
    struct head *head = &t->head;
    head->leaves = head->classes = t->classes.count;
    head->groups = t->hierarchy.group_count;
    head->leaf_class = memory_new((size_t)head->leaves, sizeof *head->leaf_class);
    head->class_group = memory_new((size_t)head->classes, sizeof *head->class_group);
    if (!head->leaf_class || !head->class_group) return fail_memory(t->error, "head");
    for (int i = 0; i < head->leaves; i++) {
        head->leaf_class[i] = i;
        head->class_group[i] = head->groups ? t->hierarchy.class_group[i] : 0;
    }
    return POMONA_OK;
}

static double log_sum_exp(const double *logits, int classes) {
    double most = logits[0], sum = 0;
    for (int c = 1; c < classes; c++) most = logits[c] > most ? logits[c] : most;
    for (int c = 0; c < classes; c++) sum += exp(logits[c] - most);
    return most + log(sum);
}

/* Residuals of the judged rows, each by the components of photos without it. */
static pomona_status measure_residuals(struct trainer *t, double *residuals) {
    int judging = t->split_count > 1 ? t->split_count - 1 : 1;
    size_t width = (size_t)t->info.features;
    const float *features = t->fold ? t->table.features : t->validation.features;
    double *scratch = memory_new(width, sizeof *scratch);
    pomona_status status = scratch ? POMONA_OK : fail_memory(t->error, "residuals");
    for (int s = 0; s < judging && status == POMONA_OK; s++) {
        struct head_novelty novelty = {.rank = 0};
        status = novelty_fit(t->splits[s].moments, &novelty, t->error);
        for (size_t i = 0; i < t->judged_count && status == POMONA_OK && novelty.rank > 0; i++)
            if (!t->fold || t->fold[i] == t->splits[s].fold)
                residuals[i] = head_residual(&novelty, (int)width, features + i * width, scratch);
        if (status == POMONA_OK) novelty_free(&novelty);
    }
    memory_free(scratch);
    return status;
}

/* Moves the values of the rows that are calibrated on to the front. */
static void keep_calibrated(const struct trainer *t, double *values) {
    size_t kept = 0;
    for (size_t i = 0; i < t->judged_count; i++)
        if (t->calibration_truth[i] >= 0) values[kept++] = values[i];
}

/* Weights and threshold of the score of being known. `scores` and `residuals` [judged_count]. */
static pomona_status set_threshold(struct trainer *t, double *scores, double *residuals) {
    struct head_novelty *novelty = &t->head.novelty;
    double share = t->options->false_reject > 0 ? t->options->false_reject : 0.05;
    bool has_residual = t->splits[0].moments && !t->pca;
    for (size_t i = 0; i < t->judged_count; i++)
        scores[i] = log_sum_exp(t->best_logits + i * (size_t)t->classes.count, t->classes.count);
    if (has_residual) {
        TRY(novelty_fit(t->splits[t->split_count - 1].moments, novelty, t->error));
        TRY(measure_residuals(t, residuals));
    }
    size_t count = t->calibrated_count, below = 0;
    keep_calibrated(t, scores);
    keep_calibrated(t, residuals);
    novelty_weigh(novelty, scores, residuals, count);
    for (size_t i = 0; i < count; i++)
        scores[i] = novelty->energy_weight * scores[i] - novelty->residual_weight * residuals[i];
    novelty->threshold = calibrate_threshold(scores, count, share);
    calibrate_reject_interval(count, share, &t->result->rejected_low, &t->result->rejected_high);
    while (below < count && scores[below] < novelty->threshold) below++;
    t->result->rejected = (double)below / (double)count;
    return POMONA_OK;
}

static pomona_status calibrate_known(struct trainer *t) {
    t->head.novelty.threshold = -INFINITY;
    t->result->threshold = -INFINITY;
    if (t->options->false_reject < 0 || t->calibrated_count == 0) return POMONA_OK;
    double *scores = memory_new(t->judged_count, sizeof *scores);
    double *residuals = memory_new(t->judged_count, sizeof *residuals);
    pomona_status status =
        scores && residuals ? set_threshold(t, scores, residuals) : fail_memory(t->error, "scores");
    t->result->threshold = t->head.novelty.threshold;
    memory_free(scores);
    memory_free(residuals);
    return status;
}

/* Probabilities of one judged row at a temperature; returns the best class. */
static int soften(const double *logits, int classes, double temperature, double *probabilities) {
    double most = logits[0], sum = 0;
    int best = 0;
    for (int c = 1; c < classes; c++)
        if (logits[c] > most) most = logits[c], best = c;
    for (int c = 0; c < classes; c++) sum += probabilities[c] = exp((logits[c] - most) / temperature);
    for (int c = 0; c < classes; c++) probabilities[c] /= sum;
    return best;
}

static int best_group(const struct head *head, const double *probabilities, double *sums) {
    int best = 0;
    for (int g = 0; g < head->groups; g++) sums[g] = 0;
    for (int c = 0; c < head->classes; c++) sums[head->class_group[c]] += probabilities[c];
    for (int g = 1; g < head->groups; g++)
        if (sums[g] > sums[best]) best = g;
    return best;
}

/* What the chosen head's held-out answers say of it. */
static pomona_status describe(struct trainer *t) {
    struct pomona_train_result *result = t->result;
    const struct head *head = &t->head;
    struct metrics_calibration before = {0}, after = {0};
    double *probabilities = memory_new(2 * (size_t)head->classes, sizeof *probabilities);
    size_t right = 0, coarse = 0, n = t->judged_count;
    if (!probabilities) return fail_memory(t->error, "answers");
    for (size_t i = 0; i < n; i++) {
        const double *logits = t->best_logits + i * (size_t)head->classes;
        int best = soften(logits, head->classes, 1, probabilities), truth = t->truth[i];
        bool calibrated = t->calibration_truth[i] >= 0;
        if (calibrated) metrics_calibration_add(&before, probabilities[best], best == truth);
        (void)soften(logits, head->classes, head->temperature, probabilities);
        if (calibrated) metrics_calibration_add(&after, probabilities[best], best == truth);
        right += best == truth;
        if (head->groups)
            coarse +=
                best_group(head, probabilities, probabilities + head->classes) == head->class_group[truth];
    }
    memory_free(probabilities);
    result->top1 = n ? (double)right / (double)n : 0;
    result->coarse = n ? (double)coarse / (double)n : 0;
    metrics_wilson(right, n, &result->top1_low, &result->top1_high);
    metrics_wilson(coarse, n, &result->coarse_low, &result->coarse_high);
    result->ece = metrics_calibration_error(&after);
    result->ece_before = metrics_calibration_error(&before);
    result->log_loss = result->candidates[result->chosen].log_loss;
    result->temperature = head->temperature;
    return POMONA_OK;
}

pomona_status trainer_finish(struct trainer *t) {
    const struct pomona_train_candidate *chosen = &t->result->candidates[t->result->chosen];
    enum trainer_kind kind = chosen_kind(t);
    t->head.temperature = chosen->temperature;
    t->head.fine_confidence = t->head.coarse_confidence = CONFIDENCE;
    TRY(name_classes(t));
    TRY(is_neighbours(kind) ? fit_neighbours(t, kind, (int)chosen->regularisation)
                            : fit_linear(t, kind, chosen->regularisation));
    TRY(calibrate_known(t));
    return describe(t);
}
