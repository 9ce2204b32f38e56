#include "quantise/quantise.h"

#include <math.h>
#include <string.h>

/* A model of the noise that rounding adds: independent from value to value, even within a code. It decides where bits go; what
 * comes of it is measured. */

enum { REACH_STEPS = 64 };

static size_t rows_of(const struct quantised_plan *q, int tensor) {
    return q->plan->tensors[tensor].elements / (size_t)q->tensors[tensor].channels;
}

/* A convolution's outputs pass their noise on to what it reads. */
static void pass_linear(struct quantised_plan *q, int index) {
    const struct step *step = &q->plan->steps[index];
    const struct step_code *code = &q->steps[index];
    const struct tensor_code *output = &q->tensors[step->output];
    double *gain = q->facts.gain, share = (double)rows_of(q, step->output) / (double)rows_of(q, step->input);
    for (size_t o = 0; o < (size_t)output->channels; o++) {
        double behind = gain[output->first + o] * q->statistics.active[output->first + o];
        const float *weights = step->weights + o * code->per_channel;
        for (size_t i = 0; i < code->per_channel; i++)
            gain[q->tensors[step->input].first + step_input_channel(step, code, o, i)] +=
                behind * share * (double)weights[i] * (double)weights[i];
        if (step->second >= 0) gain[q->tensors[step->second].first + o] += behind;
    }
}

void quantisation_find_gains(struct quantised_plan *q) {
    double *gain = q->facts.gain;
    for (size_t i = 0; i < q->channels; i++) gain[i] = 0;
    for (int i = q->plan->step_count; i-- > 0;) {
        const struct step *step = &q->plan->steps[i];
        const struct tensor_code *input = &q->tensors[step->input], *output = &q->tensors[step->output];
        double rows = (double)rows_of(q, step->input);
        if (step_is_linear(step)) {
            pass_linear(q, i);
            continue;
        }
        for (size_t c = 0; c < (size_t)input->channels; c++) /* slopes of unary functions: about 1 */
            gain[input->first + c] += step->kind == STEP_MEAN ? 1 / (rows * rows) : gain[output->first + c];
    }
}

double channel_noise(const struct quantised_plan *q, size_t channel, double low, double high, double step) {
    const struct channel_statistics *s = &q->statistics;
    const uint32_t *histogram = s->histogram + channel * CALIBRATION_BINS;
    double least = (double)s->low[channel], width = ((double)s->high[channel] - least) / CALIBRATION_BINS;
    double noise = 0, inside = step * step / 12;
    if (s->counted[channel] == 0) return 0;
    for (int b = 0; b < CALIBRATION_BINS; b++) {
        double value = least + width * (b + 0.5);
        double cut = value < low ? low - value : value > high ? value - high : 0;
        noise += histogram[b] * (inside + cut * cut);
    }
    return noise / (double)s->counted[channel];
}

static double find_reach(const struct quantised_plan *q, size_t channel) {
    double low = fmin(0, (double)q->statistics.low[channel]),
           high = fmax(0, (double)q->statistics.high[channel]);
    double most = fmax(-low, high), best = most, least = INFINITY;
    double codes = low < 0 ? CODES / 2.0 : CODES;
    for (int k = REACH_STEPS; k > REACH_STEPS / 4 && most > 0; k--) {
        double reach = most * k / REACH_STEPS;
        double noise = channel_noise(q, channel, fmax(low, -reach), fmin(high, reach), reach / codes);
        if (noise < least) least = noise, best = reach;
    }
    return best;
}

void quantisation_find_reaches(struct quantised_plan *q) {
    for (size_t i = 0; i < q->channels; i++) q->facts.reach[i] = find_reach(q, i);
}
