#include "base/memory.h"
#include "quantise/quantise.h"

#include <math.h>
#include <string.h>

/* Channels of one tensor share a scale, so those with small values lose bits. A channel may be multiplied by any positive factor
 * where the next layers' weights are divided by it: after a linear layer and after a ReLU exactly (Nagel et al. 2019), after a ReLU6 for
 * factors >= 1 as long as its values stay below the bound. Tensors that residuals tie together share their factors.
 *
 * It costs nothing where the reader is a depthwise layer, whose weights have a scale a channel; elsewhere the weights of a row
 * become less alike. Factors are (reach of the largest / reach of the channel)^strength, and the strength with the least noise by
 * the model of quantise_noise.c is taken. */

enum { STRENGTHS = 11 };
#define FACTOR_MAX 64.0
/* The error of a weight is the same at every place of an image, so the mean over places does not make it smaller as it does
 * that of values; how much more it counts was measured. */
#define WEIGHT_NOISE 10.0

struct equalising {
    struct quantised_plan *q;
    int *group;     /* [tensor_count] the first tensor of the group that it belongs to */
    double *reach;  /* [largest channel count] */
    double *factor; /* likewise */
};

static int group_of(const struct equalising *e, int tensor) {
    while (e->group[tensor] != tensor) tensor = e->group[tensor];
    return tensor;
}

static void tie(struct equalising *e, int a, int b) {
    a = group_of(e, a), b = group_of(e, b);
    if (a < b)
        e->group[b] = a;
    else
        e->group[a] = b;
}

/* The greatest value that clamps leave to a group's tensors; negative: the group can't be scaled. */
static float group_bound(const struct equalising *e, int group) {
    const struct quantised_plan *q = e->q;
    float bound = INFINITY;
    if (q->tensors[group].role != TENSOR_CODED || group_of(e, q->plan->input) == group) return -1;
    for (int i = 0; i < q->plan->step_count; i++) {
        const struct step *step = &q->plan->steps[i];
        bool makes = group_of(e, step->output) == group, reads = group_of(e, step->input) == group;
        if (reads && (!step_is_linear(step) || (step->groups > 1 && step->kind != STEP_DEPTHWISE))) return -1;
        if (!makes) continue;
        if (!step_is_linear(step) || (step->low != 0 && step->low > -INFINITY)) return -1;
        if (step->high < bound) bound = step->high;
    }
    return bound > 0 ? bound : -1;
}

/* What rounding makes of one row of a reader's weights, divided by the factors: noise in one of its outputs. */
static double row_noise(const struct equalising *e, const struct step *step, const struct step_code *code,
                        size_t o) {
    const double *square = e->q->statistics.square + e->q->tensors[step->input].first;
    const float *weights = step->weights + o * code->per_channel;
    double most = 0, noise = 0;
    for (size_t j = 0; j < code->per_channel; j++)
        most = fmax(most, fabs((double)weights[j]) / e->factor[step_input_channel(step, code, o, j)]);
    double scale = most / WEIGHT_CODES;
    for (size_t j = 0; j < code->per_channel && scale > 0; j++) {
        size_t c = step_input_channel(step, code, o, j);
        double weight = (double)weights[j] / e->factor[c] / scale;
        double error = (weight - rint(weight)) * scale * e->factor[c];
        noise += error * error * square[c];
    }
    return noise;
}

/* Noise in the features that the weights of a group's readers make. Their errors are taken as they are and not as even within a
 * code: weights that were 8 bits before stay so only with factors of 1. */
static double weight_noise(const struct equalising *e, int group) {
    const struct quantised_plan *q = e->q;
    double noise = 0;
    for (int i = 0; i < q->plan->step_count; i++) {
        const struct step *step = &q->plan->steps[i];
        if (group_of(e, step->input) != group || step->kind == STEP_DEPTHWISE) continue;
        size_t output = q->tensors[step->output].first;
        for (size_t o = 0; o < (size_t)step->out_channels; o++)
            noise += (double)step->rows * q->facts.gain[output + o] * q->statistics.active[output + o] *
                     row_noise(e, step, &q->steps[i], o);
    }
    return noise;
}

/* And that rounding its tensors makes, with ranges that just hold every channel's reach. */
static double tensor_noise(const struct equalising *e, int group, double bound) {
    const struct quantised_plan *q = e->q;
    double noise = 0;
    for (int t = 0; t < q->plan->tensor_count; t++) {
        const struct tensor_code *code = &q->tensors[t];
        if (code->role != TENSOR_CODED || group_of(e, t) != group) continue;
        double low = 0, high = 0;
        for (size_t c = 0; c < (size_t)code->channels; c++) {
            double reach = q->facts.reach[code->first + c];
            low = fmin(low, e->factor[c] * fmax((double)q->statistics.low[code->first + c], -reach));
            high = fmax(high, e->factor[c] * fmin((double)q->statistics.high[code->first + c], reach));
        }
        high = fmin(high, bound);
        for (size_t c = 0; c < (size_t)code->channels; c++)
            noise += (double)q->plan->tensors[t].elements / code->channels * q->facts.gain[code->first + c] *
                     channel_noise(q, code->first + c, low / e->factor[c], high / e->factor[c],
                                   (high - low) / CODES / e->factor[c]);
    }
    return noise;
}

static void set_factors(struct equalising *e, size_t channels, double largest, double strength) {
    for (size_t c = 0; c < channels; c++) {
        double ratio = e->reach[c] > largest / FACTOR_MAX ? largest / e->reach[c] : FACTOR_MAX;
        if (e->reach[c] <= 0) ratio = 1;
        e->factor[c] = pow(ratio, strength);
    }
}

static void apply(struct equalising *e, int group) {
    struct quantised_plan *q = e->q;
    struct channel_statistics *s = &q->statistics;
    for (int t = 0; t < q->plan->tensor_count; t++) {
        if (q->tensors[t].role != TENSOR_CODED || group_of(e, t) != group) continue;
        for (size_t c = 0; c < (size_t)q->tensors[t].channels; c++) {
            size_t at = q->tensors[t].first + c;
            double factor = e->factor[c];
            s->low[at] = (float)((double)s->low[at] * factor);
            s->high[at] = (float)((double)s->high[at] * factor);
            s->mean[at] *= factor;
            s->square[at] *= factor * factor;
            q->facts.gain[at] /= factor * factor;
            q->facts.reach[at] *= factor;
            q->facts.factor[at] *= factor;
        }
    }
    for (int i = 0; i < q->plan->step_count; i++) {
        const struct step *step = &q->plan->steps[i];
        const struct step_code *code = &q->steps[i];
        if (!step_is_linear(step)) continue;
        bool makes = group_of(e, step->output) == group, reads = group_of(e, step->input) == group;
        for (size_t o = 0; o < (size_t)step->out_channels; o++) {
            double scale = makes ? e->factor[o] : 1;
            step->bias[o] = (float)((double)step->bias[o] * scale);
            float *weights = step->weights + o * code->per_channel;
            for (size_t j = 0; j < code->per_channel; j++) {
                double over = reads ? e->factor[step_input_channel(step, code, o, j)] : 1;
                weights[j] = (float)((double)weights[j] * scale / over);
            }
        }
    }
}

static void equalise_group(struct equalising *e, int group) {
    const struct quantised_plan *q = e->q;
    size_t channels = (size_t)q->tensors[group].channels;
    float bound = group_bound(e, group);
    double largest = 0, least = INFINITY, best = 0;
    if (bound < 0) return;
    memset(e->reach, 0, channels * sizeof *e->reach);
    for (int t = 0; t < q->plan->tensor_count; t++) {
        if (q->tensors[t].role != TENSOR_CODED || group_of(e, t) != group) continue;
        for (size_t c = 0; c < channels; c++)
            e->reach[c] = fmax(e->reach[c], q->facts.reach[q->tensors[t].first + c]);
    }
    for (size_t c = 0; c < channels; c++) largest = fmax(largest, e->reach[c]);
    if (bound < INFINITY) largest = (double)bound;
    if (largest <= 0) return;
    for (int k = 0; k < STRENGTHS; k++) {
        double strength = (double)k / (STRENGTHS - 1);
        set_factors(e, channels, largest, strength);
        double noise = tensor_noise(e, group, (double)bound) + WEIGHT_NOISE * weight_noise(e, group);
        if (noise < least) least = noise, best = strength;
    }
    set_factors(e, channels, largest, best);
    apply(e, group);
}

pomona_status quantisation_equalise(struct quantised_plan *q) {
    const struct plan *plan = q->plan;
    struct equalising e = {.q = q};
    int widest = 1;
    for (int t = 0; t < plan->tensor_count; t++)
        if (q->tensors[t].channels > widest) widest = q->tensors[t].channels;
    e.group = memory_new((size_t)plan->tensor_count, sizeof *e.group);
    e.reach = memory_new((size_t)widest, sizeof *e.reach);
    e.factor = memory_new((size_t)widest, sizeof *e.factor);
    pomona_status status = e.group && e.reach && e.factor ? POMONA_OK : fail_memory(q->error, "equalisation");
    if (status == POMONA_OK) {
        quantisation_find_reaches(q);
        for (int t = 0; t < plan->tensor_count; t++) e.group[t] = t;
        for (int i = 0; i < plan->step_count; i++)
            if (plan->steps[i].second >= 0) tie(&e, plan->steps[i].output, plan->steps[i].second);
        for (int t = 0; t < plan->tensor_count; t++)
            if (e.group[t] == t) equalise_group(&e, t);
    }
    memory_free(e.group);
    memory_free(e.reach);
    memory_free(e.factor);
    return status;
}
