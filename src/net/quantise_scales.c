#include "base/memory.h"
#include "net/quantise.h"

#include <math.h>
#include <string.h>

/* Scales of tensors, weights and biases. */

#define SCALE_MIN 0x1p-39f /* int8.md asks for 2^-40 or more, of the products too */
#define BIAS_MAX  0x1p29   /* leaves room for the sums */

/* Least and greatest value of a tensor's channels, with 0 among them. */
static void tensor_range(const struct quantisation *q, int tensor, float *low, float *high) {
    const struct tensor_code *code = &q->tensors[tensor];
    *low = 0, *high = 0;
    for (int c = 0; c < code->channels; c++) {
        *low = fminf(*low, q->statistics.low[code->first + (size_t)c]);
        *high = fmaxf(*high, q->statistics.high[code->first + (size_t)c]);
    }
}

static void set_scale(struct tensor_code *code, float low, float high) {
    float width = high - low;
    code->scale = width > 0 ? width / CODES : 1;
    if (code->scale < SCALE_MIN) code->scale = SCALE_MIN;
    code->zero = (int)rintf(-low / code->scale);
    if (code->zero > CODES) code->zero = CODES;
}

/* Weights of one channel to codes. */
static void round_weights(const float *weights, size_t count, float scale, int8_t *codes) {
    for (size_t i = 0; i < count; i++) {
        float code = rintf(weights[i] / scale);
        codes[i] = (int8_t)fmaxf(-WEIGHT_CODES, fminf(WEIGHT_CODES, code));
    }
}

/* The least scale for which bias and products stay in range. */
static float least_scale(const struct quantisation *q, const struct step *step, int channel) {
    double input = (double)q->tensors[step->input].scale;
    double output =
        q->tensors[step->output].role == TENSOR_CODED ? (double)q->tensors[step->output].scale : 1;
    double least = (double)SCALE_MIN;
    least = fmax(least, fabs((double)step->bias[channel]) / (input * BIAS_MAX));
    least = fmax(least, (double)SCALE_MIN * output / input);
    return (float)fmax(least, (double)SCALE_MIN / input);
}

static void choose_weights(struct quantisation *q, int index) {
    const struct step *step = &q->plan->steps[index];
    struct step_code *code = &q->steps[index];
    for (int o = 0; o < step->out_channels; o++) {
        const float *weights = step->weights + (size_t)o * code->per_channel;
        float most = 0;
        for (size_t i = 0; i < code->per_channel; i++) most = fmaxf(most, fabsf(weights[i]));
        code->scales[o] = fmaxf(most / WEIGHT_CODES, least_scale(q, step, o));
        round_weights(weights, code->per_channel, code->scales[o],
                      code->weights + (size_t)o * code->per_channel);
    }
}

pomona_status quantisation_choose(struct quantisation *q, const struct quantise_parts *parts) {
    (void)parts;
    for (int i = 0; i < q->plan->step_count; i++) {
        int tensor = q->plan->steps[i].output;
        float low, high;
        if (q->tensors[tensor].role != TENSOR_CODED) continue;
        tensor_range(q, tensor, &low, &high);
        set_scale(&q->tensors[tensor], low, high);
    }
    for (int i = 0; i < q->plan->step_count; i++)
        if (step_is_linear(&q->plan->steps[i])) choose_weights(q, i);
    return POMONA_OK;
}

void quantisation_round(const struct quantisation *q, int tensor, float *values) {
    const struct tensor_code *code = &q->tensors[tensor];
    if (code->role != TENSOR_CODED) return;
    float scale = code->scale, low = (float)-code->zero, high = (float)(CODES - code->zero);
    for (size_t i = 0; i < q->plan->tensors[tensor].elements; i++) {
        float value = rintf(values[i] / scale);
        value = value > low ? value : low;
        values[i] = (value < high ? value : high) * scale;
    }
}

pomona_status quantisation_simulate(const struct quantisation *q, struct observable *observable) {
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
