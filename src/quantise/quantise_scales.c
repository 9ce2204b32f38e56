#include "base/memory.h"
#include "quantise/quantise.h"

#include <math.h>
#include <string.h>

/* Scales of tensors, weights and biases. */

#define SCALE_MIN 0x1p-39f /* int8.md asks for 2^-40 or more, of the products too */
#define BIAS_MAX  0x1p29   /* leaves room for the sums */

enum { HISTOGRAM_BINS = 1024, CLIP_STEPS = 40, WEIGHT_STEPS = 32 };
#define RANGE_MAX   0x1p40f
#define CLIP_STEP   0.02
#define CUT_WEIGHT  2 /* what is cut off errs to one side, so it counts more than rounding; measured */
#define WEIGHT_STEP 0.015

/* A tensor's values in one histogram, each counted as much as its channel's noise matters. */
struct tensor_histogram {
    double low, high;
    double weight[HISTOGRAM_BINS];
};

/* Range of a tensor's channels, with 0 inside and within its clamp. */
static void find_range(const struct quantised_plan *q, const struct step *maker, double *low, double *high) {
    const struct tensor_code *code = &q->tensors[maker->output];
    *low = 0, *high = 0;
    for (size_t c = 0; c < (size_t)code->channels; c++) {
        *low = fmin(*low, (double)q->statistics.low[code->first + c]);
        *high = fmax(*high, (double)q->statistics.high[code->first + c]);
    }
    if (*low < (double)maker->low && maker->low <= 0) *low = (double)maker->low;
    if (*high > (double)maker->high && maker->high >= 0) *high = (double)maker->high;
}

static void fill_histogram(const struct quantised_plan *q, int tensor, struct tensor_histogram *h) {
    const struct tensor_code *code = &q->tensors[tensor];
    const struct channel_statistics *s = &q->statistics;
    memset(h->weight, 0, sizeof h->weight);
    for (size_t at = code->first; at < code->first + (size_t)code->channels; at++) {
        double least = (double)s->low[at], width = ((double)s->high[at] - least) / CALIBRATION_BINS;
        double weight = s->counted[at] ? q->facts.gain[at] / (double)s->counted[at] : 0;
        for (int b = 0; b < CALIBRATION_BINS; b++) {
            double value = least + width * (b + 0.5);
            int bin = (int)((value - h->low) / (h->high - h->low) * HISTOGRAM_BINS);
            bin = bin < 0 ? 0 : bin >= HISTOGRAM_BINS ? HISTOGRAM_BINS - 1 : bin;
            h->weight[bin] += weight * s->histogram[at * CALIBRATION_BINS + (size_t)b];
        }
    }
}

static double range_noise(const struct tensor_histogram *h, double low, double high) {
    double width = (h->high - h->low) / HISTOGRAM_BINS, step = (high - low) / CODES, noise = 0;
    for (int b = 0; b < HISTOGRAM_BINS; b++) {
        double value = h->low + width * (b + 0.5);
        double cut = value < low ? low - value : value > high ? value - high : 0;
        noise += h->weight[b] * (step * step / 12 + CUT_WEIGHT * cut * cut);
    }
    return noise;
}

/* The part of the range that makes the least noise: either end cut by steps. */
static void clip_range(struct tensor_histogram *h, double *low, double *high) {
    double least = INFINITY;
    for (int i = 0; i < CLIP_STEPS; i++)
        for (int j = 0; j < CLIP_STEPS; j++) {
            double from = h->low * (1 - CLIP_STEP * i), to = h->high * (1 - CLIP_STEP * j);
            if ((h->low == 0 && i > 0) || (h->high == 0 && j > 0)) continue;
            double noise = range_noise(h, from, to);
            if (noise < least) least = noise, *low = from, *high = to;
        }
}

static void set_scale(struct tensor_code *code, double low, double high) {
    double width = high - low;
    code->scale = width > 0 ? (float)(width / CODES) : 1;
    if (code->scale < SCALE_MIN) code->scale = SCALE_MIN;
    code->zero = (int)rint(-low / (double)code->scale);
    if (code->zero > CODES) code->zero = CODES;
}

static bool all_finite(const struct quantised_plan *q, int index) {
    const struct step *step = &q->plan->steps[index];
    if (!step_is_linear(step)) return true;
    for (size_t o = 0; o < (size_t)step->out_channels; o++) {
        if (!isfinite(step->bias[o]) || !isfinite(q->statistics.mean[q->tensors[step->output].first + o]))
            return false;
        for (size_t i = 0; i < q->steps[index].per_channel; i++)
            if (!isfinite(step->weights[o * q->steps[index].per_channel + i])) return false;
    }
    return true;
}

pomona_status quantisation_choose_tensors(struct quantised_plan *q, bool clip) {
    struct tensor_histogram h;
    for (int i = 0; i < q->plan->step_count; i++) {
        const struct step *step = &q->plan->steps[i];
        struct tensor_code *code = &q->tensors[step->output];
        h.low = h.high = 0;
        if (code->role == TENSOR_CODED) find_range(q, step, &h.low, &h.high);
        double low = h.low, high = h.high;
        if (!all_finite(q, i) || !(high - low <= (double)RANGE_MAX))
            return fail(q->error, POMONA_E_UNSUPPORTED, q->file,
                        "layer '%.160s' can't be quantised: its weights or values are not finite or absurd",
                        step->name ? step->name : "?");
        if (code->role != TENSOR_CODED) continue;
        if (clip && high > low) {
            fill_histogram(q, step->output, &h);
            clip_range(&h, &low, &high);
        }
        set_scale(code, low, high);
    }
    return POMONA_OK;
}

/* Weights of one channel to codes. */
static void round_weights(const float *weights, size_t count, float scale, int8_t *codes) {
    for (size_t i = 0; i < count; i++) {
        float code = rintf(weights[i] / scale);
        codes[i] = (int8_t)fmaxf(-WEIGHT_CODES, fminf(WEIGHT_CODES, code));
    }
}

/* The least scale for which bias and products stay in range. */
static float least_scale(const struct quantised_plan *q, const struct step *step, int channel) {
    double input = (double)q->tensors[step->input].scale;
    double output =
        q->tensors[step->output].role == TENSOR_CODED ? (double)q->tensors[step->output].scale : 1;
    double least = (double)SCALE_MIN;
    least = fmax(least, fabs((double)step->bias[channel]) / (input * BIAS_MAX));
    least = fmax(least, (double)SCALE_MIN * output / input);
    return (float)fmax(least, (double)SCALE_MIN / input);
}

/* Squared error of one channel's weights at a scale, each counted as much as its input moves. */
static double weights_noise(const struct quantised_plan *q, const struct step *step,
                            const struct step_code *code, size_t o, double scale) {
    const float *weights = step->weights + o * code->per_channel;
    const double *square = q->statistics.square + q->tensors[step->input].first;
    bool pixels = step->input == q->plan->input;
    double noise = 0;
    for (size_t i = 0; i < code->per_channel; i++) {
        double rounded = rint((double)weights[i] / scale);
        rounded = fmax(-WEIGHT_CODES, fmin(WEIGHT_CODES, rounded));
        double error = (double)weights[i] - rounded * scale;
        noise += error * error * (pixels ? 1 : square[step_input_channel(step, code, o, i)]);
    }
    return noise;
}

static float weight_scale(const struct quantised_plan *q, const struct step *step,
                          const struct step_code *code, size_t o, bool clip) {
    float most = 0;
    for (size_t i = 0; i < code->per_channel; i++)
        most = fmaxf(most, fabsf(step->weights[o * code->per_channel + i]));
    double whole = (double)most / WEIGHT_CODES, best = whole, least = INFINITY;
    for (int k = 0; clip && most > 0 && k < WEIGHT_STEPS; k++) {
        double scale = whole * (1 - WEIGHT_STEP * k), noise = weights_noise(q, step, code, o, scale);
        if (noise < least) least = noise, best = scale;
    }
    return (float)best;
}

double quantisation_bias_limit(const struct quantised_plan *q, int step, size_t channel) {
    return BIAS_MAX * (double)q->tensors[q->plan->steps[step].input].scale *
           (double)q->steps[step].scales[channel];
}

void quantisation_choose_weights(struct quantised_plan *q, bool clip) {
    for (int i = 0; i < q->plan->step_count; i++) {
        const struct step *step = &q->plan->steps[i];
        struct step_code *code = &q->steps[i];
        if (!step_is_linear(step)) continue;
        for (size_t o = 0; o < (size_t)step->out_channels; o++) {
            code->scales[o] = fmaxf(weight_scale(q, step, code, o, clip), least_scale(q, step, (int)o));
            round_weights(step->weights + o * code->per_channel, code->per_channel, code->scales[o],
                          code->weights + o * code->per_channel);
        }
    }
}

void quantisation_round(const struct quantised_plan *q, int tensor, float *values) {
    const struct tensor_code *code = &q->tensors[tensor];
    if (code->role != TENSOR_CODED) return;
    float scale = code->scale, low = (float)-code->zero, high = (float)(CODES - code->zero);
    for (size_t i = 0; i < q->plan->tensors[tensor].elements; i++) {
        float value = rintf(values[i] / scale);
        value = value > low ? value : low;
        values[i] = (value < high ? value : high) * scale;
    }
}

pomona_status quantisation_simulate(const struct quantised_plan *q, struct observable *observable) {
    struct plan copy = *q->plan;
    struct arena weights = ARENA_INIT(SIZE_MAX);
    pomona_status status = POMONA_OK;
    copy.steps = arena_new(&weights, (size_t)copy.step_count, sizeof *copy.steps);
    if (!copy.steps) return fail_memory(q->error, "plan");
    memcpy(copy.steps, q->plan->steps, (size_t)copy.step_count * sizeof *copy.steps);
    for (int i = 0; i < copy.step_count && status == POMONA_OK; i++) {
        const struct step_code *code = &q->steps[i];
        struct step *step = &copy.steps[i];
        if (!step_is_linear(step)) continue;
        size_t out = (size_t)step->out_channels, count = out * code->per_channel;
        step->weights = arena_new(&weights, count, sizeof(float));
        if (!step->weights) {
            status = fail_memory(q->error, "weights");
            break;
        }
        for (size_t j = 0; j < count; j++)
            step->weights[j] = (float)code->weights[j] * code->scales[j / code->per_channel];
    }
    if (status == POMONA_OK) status = observable_make(&copy, q->kernels, observable, q->error);
    arena_free(&weights);
    return status;
}
