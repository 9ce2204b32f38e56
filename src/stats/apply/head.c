#include "stats/apply/head.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { CHAINS = 8 }; /* leaves summed side by side, so that additions of one need not wait for each other */

#define SMALLEST_WEIGHT 1e-12

/* Where head_run keeps what it works on, all in one block of doubles. */
struct scratch {
    double *logits;  /* [leaves] */
    double *scaled;  /* [features]: u */
    double *nearest; /* [neighbours] similarities, descending */
    double *which;   /* [neighbours] their prototypes */
};

size_t head_scratch(const struct head *head) {
    return (size_t)head->leaves + (size_t)head->features + 2 * (size_t)head->neighbours;
}

static struct scratch divide_scratch(const struct head *head, double *block) {
    struct scratch s = {block, block + head->leaves, NULL, NULL};
    s.nearest = s.scaled + head->features;
    s.which = s.nearest + head->neighbours;
    return s;
}

/* sums [count] of `rows` [count][features] with x, each in the order of the features after its start value; inlined with a
 * constant count. */
static inline void dot_some(const float *rows, size_t features, const float *x, int count, double *sums) {
    for (size_t i = 0; i < features; i++)
        for (int c = 0; c < count; c++) sums[c] += (double)rows[(size_t)c * features + i] * (double)x[i];
}

static void linear_logits(const struct head *head, const float *x, double *logits) {
    size_t features = (size_t)head->features;
    for (int first = 0; first < head->leaves; first += CHAINS) {
        int count = head->leaves - first < CHAINS ? head->leaves - first : CHAINS;
        const float *rows = head->weight + (size_t)first * features;
        double sums[CHAINS];
        for (int c = 0; c < count; c++) sums[c] = (double)head->bias[first + c];
        if (count == CHAINS)
            dot_some(rows, features, x, CHAINS, sums);
        else
            dot_some(rows, features, x, count, sums);
        memcpy(logits + first, sums, (size_t)count * sizeof *sums);
    }
}

/* u = (x - mean) * scale; returns |u|^2. */
static double scale_features(const float *mean, const float *scale, const float *x, int features, double *u) {
    double square = 0;
    for (int i = 0; i < features; i++) {
        u[i] = ((double)x[i] - (double)mean[i]) * (double)scale[i];
        square += u[i] * u[i];
    }
    return square;
}

static double dot_scaled(const float *row, const double *u, int features) {
    double sum = 0;
    for (int i = 0; i < features; i++) sum += (double)row[i] * u[i];
    return sum;
}

/* Puts a prototype among the nearest; `held` of them are there. */
static void keep_nearest(const struct head *head, const struct scratch *s, int held, double similarity,
                         int prototype) {
    int at = held < head->neighbours ? held : head->neighbours - 1;
    if (held == head->neighbours && !(similarity > s->nearest[at])) return;
    for (; at > 0 && similarity > s->nearest[at - 1]; at--) {
        s->nearest[at] = s->nearest[at - 1];
        s->which[at] = s->which[at - 1];
    }
    s->nearest[at] = similarity;
    s->which[at] = prototype;
}

static void neighbour_logits(const struct head *head, const float *x, const struct scratch *s) {
    double length = sqrt(scale_features(head->mean, head->scale, x, head->features, s->scaled));
    for (int i = 0; i < head->features && length > 0; i++) s->scaled[i] /= length;
    for (int p = 0; p < head->prototype_count; p++) {
        const float *row = head->prototypes + (size_t)p * (size_t)head->features;
        double similarity = dot_scaled(row, s->scaled, head->features);
        keep_nearest(head, s, p < head->neighbours ? p : head->neighbours, similarity, p);
    }
    for (int c = 0; c < head->leaves; c++) s->logits[c] = SMALLEST_WEIGHT;
    for (int i = 0; i < head->neighbours; i++)
        s->logits[head->prototype_leaf[(int)s->which[i]]] +=
            exp((double)head->sharpness * (s->nearest[i] - 1));
    for (int c = 0; c < head->leaves; c++) s->logits[c] = log(s->logits[c]) / head->temperature;
}

/* log(sum exp(factor * logits)), without overflow. */
static double log_sum_exp(const double *logits, int count, double factor) {
    double largest = factor * logits[0], sum = 0;
    for (int c = 1; c < count; c++) largest = factor * logits[c] > largest ? factor * logits[c] : largest;
    for (int c = 0; c < count; c++) sum += exp(factor * logits[c] - largest);
    return largest + log(sum);
}

double head_residual(const struct head_novelty *novelty, int features, const float *x, double *scratch) {
    double left = scale_features(novelty->mean, novelty->scale, x, features, scratch);
    for (int k = 0; k < novelty->rank; k++) {
        double seen = dot_scaled(novelty->projection + (size_t)k * (size_t)features, scratch, features);
        left -= seen * seen;
    }
    return left > 0 ? sqrt(left) : left <= 0 ? 0 : left; /* NaN stays NaN */
}

static double known_score(const struct head *head, const float *x, const struct scratch *s) {
    const struct head_novelty *novelty = &head->novelty;
    double score = novelty->energy_weight * log_sum_exp(s->logits, head->leaves, head->temperature);
    if (novelty->rank > 0)
        score -= novelty->residual_weight * head_residual(novelty, head->features, x, s->scaled);
    return score;
}

void head_run(const struct head *head, const float *x, double *scratch, double *probabilities,
              double *known) {
    struct scratch s = divide_scratch(head, scratch);
    if (head->kind == HEAD_LINEAR)
        linear_logits(head, x, s.logits);
    else
        neighbour_logits(head, x, &s);
    double all = log_sum_exp(s.logits, head->leaves, 1);
    for (int c = 0; c < head->classes; c++) probabilities[c] = 0;
    for (int c = 0; c < head->leaves; c++) probabilities[head->leaf_class[c]] += exp(s.logits[c] - all);
    if (known) *known = known_score(head, x, &s);
}

void head_decide(const struct head *head, const double *probabilities, double known,
                 struct head_decision *decision) {
    *decision = (struct head_decision){.best = 0, .group = -1, .level = HEAD_FINE};
    for (int c = 1; c < head->classes; c++)
        if (probabilities[c] > probabilities[decision->best]) decision->best = c;
    double best = -1;
    for (int g = 0; g < head->groups; g++) {
        double sum = 0;
        for (int c = 0; c < head->classes; c++) sum += head->class_group[c] == g ? probabilities[c] : 0;
        if (sum > best) best = sum, decision->group = g;
    }
    decision->group_probability = head->groups ? best : 0;
    if (!(known >= head->novelty.threshold))
        decision->level = HEAD_REJECTED;
    else if (head->groups && !(probabilities[decision->best] >= head->fine_confidence) &&
             best >= head->coarse_confidence)
        decision->level = HEAD_COARSE;
}

static bool all_finite(const float *values, size_t count) {
    bool finite = true;
    for (size_t i = 0; i < count; i++) finite &= isfinite(values[i]) != 0;
    return finite;
}

static bool all_below(const int *values, int count, int limit) {
    for (int i = 0; i < count; i++)
        if (values[i] < 0 || values[i] >= limit) return false;
    return true;
}

static bool sizes_make_sense(const struct head *head) {
    return head->features >= 1 && head->features <= HEAD_FEATURES_MAX && head->leaves >= 1 &&
           head->leaves <= HEAD_LEAVES_MAX && head->classes >= 1 && head->classes <= head->leaves &&
           head->groups >= 0 && head->groups <= head->classes && head->novelty.rank >= 0 &&
           head->novelty.rank <= HEAD_RANK_MAX;
}

static bool weights_make_sense(const struct head *head) {
    size_t features = (size_t)head->features, leaves = (size_t)head->leaves;
    if (head->kind == HEAD_LINEAR)
        return all_finite(head->weight, leaves * features) && all_finite(head->bias, leaves);
    return head->prototype_count >= 1 && head->prototype_count <= HEAD_PROTOTYPES_MAX &&
           head->neighbours >= 1 && head->neighbours <= HEAD_NEIGHBOURS_MAX &&
           head->neighbours <= head->prototype_count && isfinite(head->sharpness) && head->sharpness > 0 &&
           all_finite(head->prototypes, (size_t)head->prototype_count * features) &&
           all_below(head->prototype_leaf, head->prototype_count, head->leaves) &&
           all_finite(head->mean, features) && all_finite(head->scale, features);
}

static bool novelty_makes_sense(const struct head *head) {
    const struct head_novelty *novelty = &head->novelty;
    size_t features = (size_t)head->features;
    if (!isfinite(novelty->energy_weight) || !isfinite(novelty->residual_weight) || isnan(novelty->threshold))
        return false;
    return novelty->rank == 0 ||
           (all_finite(novelty->projection, (size_t)novelty->rank * features) &&
            all_finite(novelty->mean, features) && all_finite(novelty->scale, features));
}

pomona_status head_check(const struct head *head, const char *where, struct pomona_error *error) {
    const char *wrong = NULL;
    if (!sizes_make_sense(head))
        wrong = "its sizes";
    else if (!(head->temperature > 0) || !isfinite(head->temperature))
        wrong = "its temperature";
    else if (!all_below(head->leaf_class, head->leaves, head->classes))
        wrong = "the classes of its leaves";
    else if (head->groups > 0 && !all_below(head->class_group, head->classes, head->groups))
        wrong = "the groups of its classes";
    else if (!weights_make_sense(head))
        wrong = "its weights";
    else if (!novelty_makes_sense(head))
        wrong = "its score of being known";
    else if (!(head->fine_confidence >= 0 && head->fine_confidence <= 1 && head->coarse_confidence >= 0 &&
               head->coarse_confidence <= 1))
        wrong = "its confidences";
    if (!wrong) return POMONA_OK;
    return fail(error, POMONA_E_CORRUPT, where, "damaged classifier: %s make no sense", wrong);
}

void head_free(struct head *head) {
    void *const owned[] = {head->leaf_class,         head->class_group,    head->weight,       head->bias,
                           head->prototypes,         head->prototype_leaf, head->mean,         head->scale,
                           head->novelty.projection, head->novelty.mean,   head->novelty.scale};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) memory_free(owned[i]);
    *head = (struct head){0};
}
