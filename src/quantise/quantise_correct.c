#include "base/memory.h"
#include "quantise/quantise.h"

#include <math.h>
#include <string.h>

/* Bias correction (Nagel et al. 2019, section 4.2, the empirical form): layer by layer, each after all before it were corrected. A
 * step runs twice: once to see the mean of every channel, once to round its corrected outputs for the steps behind it. */

enum { CODES_BYTES_MAX = 192 << 20 };

int quantisation_correctable(const struct quantised_plan *q, int photos, int *each) {
    size_t bytes = 1;
    for (int i = 0; i < q->plan->tensor_count; i++)
        if (q->tensors[i].role != TENSOR_UNUSED && q->plan->tensors[i].elements > bytes)
            bytes = q->plan->tensors[i].elements;
    size_t most = CODES_BYTES_MAX / (2 * bytes) + 1;
    *each = (int)(((size_t)photos + most - 1) / most);
    return (photos + *each - 1) / *each;
}

pomona_status correction_make(struct quantised_plan *q, int photos, struct correction *correction) {
    const struct plan *plan = q->plan;
    int widest = 1;
    pomona_status status = POMONA_OK;
    *correction = (struct correction){.q = q, .photos = photos};
    for (int i = 0; i < plan->tensor_count; i++)
        if (q->tensors[i].channels > widest) widest = q->tensors[i].channels;
    correction->widest = (size_t)widest;
    correction->offsets = memory_new((size_t)plan->tensor_count, sizeof(size_t));
    correction->means = memory_new(size_multiply((size_t)photos, (size_t)widest), sizeof(double));
    correction->shift = memory_new((size_t)widest, sizeof(float));
    if (!correction->offsets || !correction->means || !correction->shift) {
        status = fail_memory(q->error, "bias correction");
        goto end;
    }
    TRY_GOTO(quantisation_simulate(q, &correction->plan), status, end);
    TRY_GOTO(plan_place(&correction->plan.plan, 1, correction->offsets, &correction->stride, q->error),
             status, end);
    for (int i = 0; i < plan->tensor_count; i++)
        correction->offsets[i] /= sizeof(float); /* codes are bytes */
    correction->stride /= sizeof(float);
    correction->codes = memory_new(size_multiply((size_t)photos, correction->stride), 1);
    if (!correction->codes) status = fail_memory(q->error, "bias correction");
end:
    if (status != POMONA_OK) correction_free(correction);
    return status;
}

void correction_free(struct correction *correction) {
    observable_free(&correction->plan);
    memory_free(correction->offsets);
    memory_free(correction->means);
    memory_free(correction->shift);
    memory_free(correction->codes);
    memset(correction, 0, sizeof *correction);
}

static uint8_t *codes_of(const struct correction *c, int tensor, int photo) {
    return c->codes + (size_t)photo * c->stride + c->offsets[tensor];
}

void correction_pixels(struct correction *correction, int photo, const uint8_t *pixels) {
    const struct plan *plan = correction->q->plan;
    memcpy(codes_of(correction, plan->input, photo), pixels, plan->tensors[plan->input].elements);
}

static void fill(const struct correction *c, int tensor, int photo, float *x) {
    const struct quantised_plan *q = c->q;
    const struct tensor_code *code = &q->tensors[tensor];
    const uint8_t *codes = codes_of(c, tensor, photo);
    size_t count = q->plan->tensors[tensor].elements;
    if (tensor == q->plan->input) {
        quantisation_fill(q->pixels, codes, count / 3, x);
        return;
    }
    for (size_t i = 0; i < count; i++) x[i] = (float)(codes[i] - code->zero) * code->scale;
}

/* Runs the step at hand on one photo's codes. */
static float *run(const struct correction *c, struct observer *observer, int photo) {
    const struct step *step = &c->q->plan->steps[c->step];
    fill(c, step->input, photo, observer_slot(observer, 0));
    if (step->second >= 0) fill(c, step->second, photo, observer_slot(observer, 1));
    return observer_step(observer, c->step);
}

bool correction_begin(struct correction *correction, int step) {
    correction->step = step;
    memset(correction->shift, 0, correction->widest * sizeof *correction->shift);
    return step_is_linear(&correction->q->plan->steps[step]);
}

void correction_measure(struct correction *correction, struct observer *observer, int photo) {
    const struct quantised_plan *q = correction->q;
    int tensor = q->plan->steps[correction->step].output;
    size_t channels = (size_t)q->tensors[tensor].channels, count = q->plan->tensors[tensor].elements;
    const float *y = run(correction, observer, photo);
    double *mean = correction->means + (size_t)photo * correction->widest;
    memset(mean, 0, channels * sizeof *mean);
    for (size_t i = 0; i < count; i += channels)
        for (size_t c = 0; c < channels; c++) mean[c] += (double)y[i + c];
    size_t positions = count / channels;
    for (size_t c = 0; c < channels; c++) mean[c] /= (double)positions;
}

void correction_settle(struct correction *correction) {
    struct quantised_plan *q = correction->q;
    struct step *step = &q->plan->steps[correction->step];
    size_t first = q->tensors[step->output].first;
    for (size_t c = 0; c < (size_t)step->out_channels; c++) {
        double mean = 0;
        for (int photo = 0; photo < correction->photos; photo++)
            mean += correction->means[(size_t)photo * correction->widest + c];
        double limit = quantisation_bias_limit(q, correction->step, c), before = (double)step->bias[c];
        double after = before + q->statistics.mean[first + c] - mean / correction->photos;
        after = fmax(-limit, fmin(limit, after)); /* also of what is not a number */
        step->bias[c] = (float)after;
        correction->shift[c] = (float)(after - before);
    }
}

void correction_round(struct correction *correction, struct observer *observer, int photo) {
    const struct quantised_plan *q = correction->q;
    const struct step *step = &q->plan->steps[correction->step];
    const struct tensor_code *code = &q->tensors[step->output];
    size_t channels = (size_t)code->channels, count = q->plan->tensors[step->output].elements;
    if (code->role != TENSOR_CODED) return;
    float *y = run(correction, observer, photo);
    uint8_t *codes = codes_of(correction, step->output, photo);
    for (size_t i = 0; i < count; i += channels)
        for (size_t c = 0; c < channels; c++) y[i + c] += correction->shift[c];
    observe_clamp(y, count, step->low, step->high);
    for (size_t i = 0; i < count; i++) {
        float scaled = rintf(y[i] / code->scale) + (float)code->zero;
        codes[i] = (uint8_t)(scaled < 0 ? 0 : scaled > CODES ? CODES : scaled);
    }
}
