#include "quantise/quantise.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { SCALE_EXPONENT = 40 };

static pomona_status refuse(const struct quantised_plan *q, const struct step *step, const char *reason) {
    char text[192];
    step_describe(q->plan, step, text, sizeof text);
    return fail(q->error, POMONA_E_UNSUPPORTED, q->file, "layer '%.160s' (%s) can't be quantised: %s",
                step->name ? step->name : "?", text, reason);
}

static bool is_unary(const struct step *step) {
    return step->kind == STEP_CLAMP || step->kind == STEP_SIGMOID || step->kind == STEP_HARD_SIGMOID ||
           step->kind == STEP_HARD_SWISH;
}

/* Who reads a tensor. */
struct reader_count {
    int *steps, *means;
    bool mean;
};

static void count_reader(void *user, int tensor) {
    struct reader_count *count = user;
    count->steps[tensor]++;
    if (count->mean) count->means[tensor]++;
}

static bool is_coded(const struct quantised_plan *q, int tensor) {
    return tensor >= 0 && q->tensors[tensor].role == TENSOR_CODED;
}

static void set_role(struct quantised_plan *q, int tensor, enum tensor_role role, int channels) {
    struct tensor_code *code = &q->tensors[tensor];
    code->role = role;
    code->channels = channels;
    code->first = q->channels;
    q->channels += (size_t)channels;
}

static pomona_status set_linear(struct quantised_plan *q, const struct step *step,
                                const struct reader_count *readers) {
    bool image = step->kind != STEP_GEMM || step->window.kernel_height > 0;
    if (!image) return refuse(q, step, "a dense layer belongs into the head");
    if (!is_coded(q, step->input) || (step->second >= 0 && !is_coded(q, step->second)))
        return refuse(q, step, "it reads what is no image of 8 bits");
    bool pooled = readers->steps[step->output] == 1 && readers->means[step->output] == 1;
    set_role(q, step->output, pooled ? TENSOR_FLOAT : TENSOR_CODED, step->out_channels);
    return POMONA_OK;
}

static pomona_status set_step(struct quantised_plan *q, const struct step *step,
                              const struct reader_count *readers) {
    if (step_is_linear(step)) return set_linear(q, step, readers);
    if (is_unary(step)) {
        if (!is_coded(q, step->input) || step->input == q->plan->input)
            return refuse(q, step, "it reads what is no image of 8 bits");
        set_role(q, step->output, TENSOR_CODED, q->tensors[step->input].channels);
        return POMONA_OK;
    }
    if (step->kind != STEP_MEAN) return refuse(q, step, "there is no 8-bit form of it");
    if (step->output != q->plan->output)
        return refuse(q, step, "other layers read a mean over the image (squeeze and excitation)");
    set_role(q, step->output, TENSOR_FLOAT, step->out_channels);
    return POMONA_OK;
}

static pomona_status set_roles(struct quantised_plan *q) {
    struct plan *plan = q->plan;
    struct reader_count readers = {arena_new(&q->arena, (size_t)plan->tensor_count, sizeof(int)),
                                   arena_new(&q->arena, (size_t)plan->tensor_count, sizeof(int)), false};
    q->tensors = arena_new(&q->arena, (size_t)plan->tensor_count, sizeof *q->tensors);
    q->steps = arena_new(&q->arena, (size_t)plan->step_count, sizeof *q->steps);
    if (!readers.steps || !readers.means || !q->tensors || !q->steps)
        return fail_memory(q->error, "quantisation");
    for (int i = 0; i < plan->step_count; i++) {
        readers.mean = plan->steps[i].kind == STEP_MEAN;
        step_each_input(&plan->steps[i], count_reader, &readers);
    }
    set_role(q, plan->input, TENSOR_CODED, 3);
    for (int i = 0; i < plan->step_count; i++) TRY(set_step(q, &plan->steps[i], &readers));
    if (plan->step_count == 0 || plan->steps[plan->step_count - 1].kind != STEP_MEAN)
        return fail(q->error, POMONA_E_UNSUPPORTED, q->file,
                    "can't be quantised: its features are no global average pool");
    return POMONA_OK;
}

/* ---- weights of its own ---- */

static float *copy_floats(struct quantised_plan *q, const float *values, size_t count) {
    float *copy = arena_new(&q->arena, count, sizeof *copy);
    if (copy && values) memcpy(copy, values, count * sizeof *copy);
    return copy;
}

static pomona_status own_weights(struct quantised_plan *q) {
    for (int i = 0; i < q->plan->step_count; i++) {
        struct step *step = &q->plan->steps[i];
        struct step_code *code = &q->steps[i];
        if (!step_is_linear(step)) continue;
        size_t out = (size_t)step->out_channels;
        code->per_channel =
            step->kind == STEP_DEPTHWISE ? 1 : (size_t)step->in_channels / (size_t)step->groups;
        if (step->kind != STEP_GEMM)
            code->per_channel *= (size_t)step->window.kernel_height * (size_t)step->window.kernel_width;
        code->weights = arena_new(&q->arena, out, code->per_channel);
        code->scales = arena_new(&q->arena, out, sizeof *code->scales);
        step->weights = copy_floats(q, step->weights, out * code->per_channel);
        step->bias = copy_floats(q, step->bias, out);
        step->own_weights = true;
        if (!code->weights || !code->scales || !step->weights || !step->bias)
            return fail_memory(q->error, "weights");
    }
    return POMONA_OK;
}

/* ---- pixels ---- */

/* QuantizeLinear of what a byte becomes. */
static int code_of(const struct quantised_plan *q, int channel, int pixel, const struct tensor_code *code) {
    float value = q->reference_pixels[channel][pixel] + q->pixel_shift[channel];
    float scaled = rintf(value / code->scale) + (float)code->zero;
    return scaled < 0 ? 0 : scaled > CODES ? CODES : (int)scaled;
}

/* Where the channels have one deviation, pixels are shifted so that their codes are the bytes themselves. */
static bool shift_pixels(struct quantised_plan *q, struct tensor_code *code) {
    const float *mean = q->profile.mean, *std = q->profile.std;
    if (std[0] != std[1] || std[0] != std[2]) return false;
    double zero = rint(((double)mean[0] + (double)mean[1] + (double)mean[2]) / 3);
    if (!(zero >= 0 && zero <= CODES)) return false;
    code->scale = 1 / std[0];
    code->zero = (int)zero;
    for (int c = 0; c < 3; c++) q->pixel_shift[c] = (float)(((double)mean[c] - zero) / (double)std[c]);
    for (int c = 0; c < 3; c++)
        for (int p = 0; p < 256; p++)
            if (code_of(q, c, p, code) != p) return false;
    return true;
}

size_t step_input_channel(const struct step *step, const struct step_code *code, size_t o, size_t i) {
    if (step->kind == STEP_DEPTHWISE) return o;
    size_t groups = (size_t)step->groups, inside = (size_t)step->in_channels / groups;
    return o / ((size_t)step->out_channels / groups) * inside + i / (code->per_channel / inside);
}

/* What the constant shift takes away from the first convolutions' input they get back in their biases. */
static void shift_biases(struct quantised_plan *q) {
    for (int i = 0; i < q->plan->step_count; i++) {
        const struct step *step = &q->plan->steps[i];
        const struct step_code *code = &q->steps[i];
        if (step->input != q->plan->input) continue;
        for (size_t o = 0; o < (size_t)step->out_channels; o++) {
            double sum = (double)step->bias[o];
            for (size_t j = 0; j < code->per_channel; j++)
                sum -= (double)step->weights[o * code->per_channel + j] *
                       (double)q->pixel_shift[step_input_channel(step, code, o, j)];
            step->bias[o] = (float)sum;
        }
    }
}

/* The whole range of the normalised pixels. */
static void span_pixels(struct quantised_plan *q, struct tensor_code *code) {
    float low = 0, high = 0;
    memset(q->pixel_shift, 0, sizeof q->pixel_shift);
    for (int c = 0; c < 3; c++)
        for (int p = 0; p < 256; p += 255) {
            low = fminf(low, q->reference_pixels[c][p]);
            high = fmaxf(high, q->reference_pixels[c][p]);
        }
    code->scale = (high - low) / CODES;
    code->zero = (int)rintf(-low / code->scale);
}

static pomona_status set_pixels(struct quantised_plan *q) {
    struct tensor_code *code = &q->tensors[q->plan->input];
    for (int i = 0; i < q->plan->step_count; i++)
        if (q->plan->steps[i].input == q->plan->input && q->plan->steps[i].in_channels != 3)
            return refuse(q, &q->plan->steps[i], "it reads the pixels, but not as three channels");
    for (int c = 0; c < 3; c++) {
        float scale = 1 / q->profile.std[c], shift = -q->profile.mean[c] / q->profile.std[c];
        for (int p = 0; p < 256; p++) q->reference_pixels[c][p] = (float)p * scale + shift;
    }
    q->identity = shift_pixels(q, code);
    if (!q->identity) span_pixels(q, code);
    if (!(code->scale >= ldexpf(1, -SCALE_EXPONENT) && code->scale <= ldexpf(1, SCALE_EXPONENT)))
        return fail(q->error, POMONA_E_UNSUPPORTED, q->file, "can't be quantised: pixels of scale %g",
                    (double)code->scale);
    for (int c = 0; c < 3; c++)
        for (int p = 0; p < 256; p++)
            q->pixels[c][p] = (float)(code_of(q, c, p, code) - code->zero) * code->scale;
    shift_biases(q);
    return POMONA_OK;
}

void quantisation_fill(const float table[3][256], const uint8_t *pixels, size_t count, float *x) {
    for (size_t i = 0; i < 3 * count; i += 3)
        for (size_t c = 0; c < 3; c++) x[i + c] = table[c][pixels[i + c]];
}

static pomona_status new_statistics(struct quantised_plan *q) {
    struct channel_statistics *s = &q->statistics;
    size_t n = q->channels;
    s->low = arena_new(&q->arena, n, sizeof *s->low);
    s->high = arena_new(&q->arena, n, sizeof *s->high);
    s->mean = arena_new(&q->arena, n, sizeof *s->mean);
    s->square = arena_new(&q->arena, n, sizeof *s->square);
    s->active = arena_new(&q->arena, n, sizeof *s->active);
    s->histogram = arena_new(&q->arena, n, CALIBRATION_BINS * sizeof *s->histogram);
    s->counted = arena_new(&q->arena, n, sizeof *s->counted);
    q->facts.gain = arena_new(&q->arena, n, sizeof(double));
    q->facts.reach = arena_new(&q->arena, n, sizeof(double));
    q->facts.factor = arena_new(&q->arena, n, sizeof(double));
    for (size_t i = 0; q->facts.factor && i < n; i++) q->facts.factor[i] = 1;
    return s->low && s->high && s->mean && s->square && s->active && s->histogram && s->counted &&
                   q->facts.gain && q->facts.reach && q->facts.factor
               ? POMONA_OK
               : fail_memory(q->error, "statistics");
}

pomona_status quantisation_start(struct quantised_plan *q) {
    q->arena = ARENA_INIT(SIZE_MAX);
    TRY(set_roles(q));
    TRY(own_weights(q));
    TRY(set_pixels(q));
    return new_statistics(q);
}

void quantisation_free(struct quantised_plan *q) { arena_free(&q->arena); }
