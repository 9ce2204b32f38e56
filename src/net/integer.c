/* From a fused plan between STEP_QUANTIZE and STEP_DEQUANTIZE to one whose steps read and write bytes: docs/internals/int8.md has
 * the numbers. */
#include "base/memory.h"
#include "net/plan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define SCALE_MIN 0x1p-40
#define SCALE_MAX 0x1p40
#define VALUE_MAX                                                                                            \
    (0x1p31 - 1024) /* before rounding, so that every tier may convert to int32 before it clamps */

/* A plan at work. */
struct conversion {
    struct plan *plan;
    const char *file;
    const float *pixel_scale, *pixel_shift; /* [3] */
    int *makers;                            /* [tensor_count] step that writes it, -1 for the pixels */
    int *readers; /* [tensor_count] the one step that reads it, -1 for none or several */
    int *uses;    /* [tensor_count] */
    int current;  /* step, for the visitor */
    struct pomona_error *error;
};

/* fail() with the step in front. */
__attribute__((format(printf, 4, 5))) static pomona_status
step_fail(const struct conversion *c, const struct step *step, pomona_status code, const char *format, ...) {
    char what[160], why[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    step_describe(c->plan, step, what, sizeof what);
    return fail(c->error, code, c->file, "step %d (%s) can't run in 8 bits: %s", (int)(step - c->plan->steps),
                what, why);
}

static void note_reader(void *user, int tensor) {
    struct conversion *c = user;
    c->readers[tensor] = c->uses[tensor]++ == 0 ? c->current : -1;
}

static void note_all(struct conversion *c) {
    struct plan *plan = c->plan;
    for (int i = 0; i < plan->tensor_count; i++) {
        c->makers[i] = c->readers[i] = -1;
        c->uses[i] = 0;
    }
    c->uses[plan->output]++;
    for (int i = 0; i < plan->step_count; i++) {
        if (plan->steps[i].kind == STEP_NONE) continue;
        c->makers[plan->steps[i].output] = c->current = i;
        step_each_input(&plan->steps[i], note_reader, c);
    }
}

static struct step *maker_of(const struct conversion *c, int tensor) {
    return tensor < 0 || c->makers[tensor] < 0 ? NULL : &c->plan->steps[c->makers[tensor]];
}

/* The one step that reads a tensor and nothing else does. */
static struct step *reader_of(const struct conversion *c, int tensor) {
    return c->readers[tensor] < 0 ? NULL : &c->plan->steps[c->readers[tensor]];
}

/* The quantised tensor behind an operand, or -1. */
static int bytes_behind(const struct conversion *c, int tensor) {
    const struct step *maker = maker_of(c, tensor);
    return maker && maker->kind == STEP_DEQUANTIZE ? maker->input : -1;
}

static const struct quantisation *quantisation_of(const struct conversion *c, int tensor) {
    return &c->plan->tensors[tensor].quantisation;
}

static double nearest(double value) { return nearbyint(value); } /* the default rounding mode: ties to even */

static int clamp_byte(double value) { return value < 0 ? 0 : value > 255 ? 255 : (int)value; }

/* Bounds of a clamp as bytes of the output. */
static struct requantise_output output_of(const struct quantisation *y, float low, float high) {
    struct requantise_output output = {y->zero_point, 0, 255};
    if (low > -INFINITY) output.low = clamp_byte(nearest((double)low / y->scale) + y->zero_point);
    if (high < INFINITY) output.high = clamp_byte(nearest((double)high / y->scale) + y->zero_point);
    return output;
}

static pomona_status residual_of(const struct conversion *c, const struct step *step, int tensor,
                                 double y_scale, struct requantise_residual *residual) {
    const struct quantisation *r = quantisation_of(c, tensor);
    double factor = (double)r->scale / y_scale;
    if (!(factor >= SCALE_MIN && factor <= SCALE_MAX / 0x1p16))
        return step_fail(c, step, POMONA_E_CORRUPT, "absurd scale %g of an operand", factor);
    *residual = (struct requantise_residual){r->zero_point, (float)factor};
    return POMONA_OK;
}

static struct integer_step *integer_new(struct conversion *c, struct step *step) {
    struct integer_step *integer = arena_new(&c->plan->arena, 1, sizeof *integer);
    if (integer) *integer = (struct integer_step){.output = {0, 0, 255}};
    step->integer = integer;
    return integer;
}

/* Weights, biases and multipliers of one channel, checked. `addend`: the most that a residual adds. */
static pomona_status convert_channel(struct conversion *c, const struct step *step,
                                     const struct quantisation *x, double y_scale, double addend,
                                     size_t channel, size_t per_channel, int32_t *bias, float *multiplier) {
    const struct integer_weights *w = step->integers;
    const int8_t *values = w->values + channel * per_channel;
    int64_t sum = 0, magnitude = 0;
    for (size_t i = 0; i < per_channel; i++) {
        sum += values[i];
        magnitude += values[i] < 0 ? -values[i] : values[i];
    }
    double scale = (double)x->scale * (double)w->scales[w->scale_count == 1 ? 0 : channel];
    double factor = scale / y_scale, offset = step->bias ? nearest((double)step->bias[channel] / scale) : 0;
    if (!(factor >= SCALE_MIN && factor <= SCALE_MAX))
        return step_fail(c, step, POMONA_E_CORRUPT, "absurd scale %g of channel %zu", factor, channel);
    double total = offset - (double)x->zero_point * (double)sum;
    double bound = fabs(total) + 255.0 * (double)magnitude;
    if (!(bound < 0x1p31))
        return step_fail(c, step, POMONA_E_UNSUPPORTED, "sums of channel %zu reach %g, beyond 32 bits",
                         channel, bound);
    if (!(bound * factor + addend < VALUE_MAX))
        return step_fail(c, step, POMONA_E_CORRUPT,
                         "values of channel %zu reach %g steps of its output's scale", channel,
                         bound * factor + addend);
    *bias = (int32_t)total;
    *multiplier = (float)factor;
    return POMONA_OK;
}

static pomona_status convert_weights(struct conversion *c, struct step *step, struct integer_step *integer,
                                     const struct quantisation *x, double y_scale) {
    size_t channels = (size_t)step->out_channels,
           per_channel = step->kind == STEP_DEPTHWISE ? 1 : (size_t)(step->in_channels / step->groups);
    if (step->kind == STEP_DEPTHWISE || step->kind == STEP_CONV)
        per_channel *= (size_t)(step->window.kernel_height * step->window.kernel_width);
    if (!step->integers)
        return step_fail(c, step, POMONA_E_UNSUPPORTED,
                         "its weights are not int8 constants with zero point 0, or a scale follows them");
    if (step->integers->scale_count != 1 && step->integers->scale_count != channels)
        return step_fail(c, step, POMONA_E_CORRUPT, "%zu scales of weights for %zu channels",
                         step->integers->scale_count, channels);
    int32_t *bias = arena_new(&c->plan->arena, channels, sizeof *bias);
    float *multiplier = arena_new(&c->plan->arena, channels, sizeof *multiplier);
    if (!bias || !multiplier) return fail_memory(c->error, "quantised weights");
    double addend = step->second < 0 ? 0 : 255.0 * (double)integer->second.factor;
    for (size_t i = 0; i < channels; i++)
        TRY(convert_channel(c, step, x, y_scale, addend, i, per_channel, &bias[i], &multiplier[i]));
    integer->weights = step->integers->values;
    integer->bias = bias;
    integer->multiplier = multiplier;
    integer->padding = x->zero_point;
    return POMONA_OK;
}

/* ---- the first convolution: pixels to bytes ---- */

static int to_byte(const struct quantisation *q, float x) {
    return clamp_byte(nearest((double)x) + q->zero_point);
}

/* The steps from the pixels to a quantised tensor, last first: each a function of one value of one channel. */
struct pixel_path {
    const struct step *steps[8];
    int count;
};

static bool find_pixel_path(const struct conversion *c, int tensor, struct pixel_path *path) {
    path->count = 0;
    while (tensor != c->plan->input) {
        const struct step *step = maker_of(c, tensor);
        if (!step || path->count == 8) return false;
        bool scale = step->kind == STEP_SCALE && (step->out_channels == 3 || step->out_channels == 1);
        if (!scale && step->kind != STEP_QUANTIZE && step->kind != STEP_DEQUANTIZE &&
            step->kind != STEP_TABLE)
            return false;
        path->steps[path->count++] = step;
        tensor = step->input;
    }
    return path->count > 0;
}

/* -1 where the file makes something of the pixel that is no number. */
static int pixel_byte(const struct conversion *c, const struct pixel_path *path, int channel, int pixel) {
    float x = (float)pixel * c->pixel_scale[channel];
    int byte = 0;
    x += c->pixel_shift[channel];
    for (int i = path->count; i-- > 0;) {
        const struct step *step = path->steps[i];
        const struct quantisation *in = quantisation_of(c, step->input),
                                  *out = quantisation_of(c, step->output);
        int at = step->out_channels == 1 ? 0 : channel;
        switch (step->kind) {
        case STEP_SCALE:
            x *= step->scale[at];
            x += step->bias[at];
            x = x < step->low ? step->low : x > step->high ? step->high : x;
            break;
        case STEP_QUANTIZE:
            if (isnan(x)) return -1;
            byte = to_byte(out, x / out->scale);
            break;
        case STEP_DEQUANTIZE: x = (float)(byte - in->zero_point) * in->scale; break;
        default: byte = step->integer->table[byte]; break;
        }
    }
    return byte;
}

static pomona_status pixel_tables(struct conversion *c, const struct step *step,
                                  const struct pixel_path *path, struct integer_step *integer) {
    uint8_t *table = arena_new(&c->plan->arena, (size_t)3 * 256, 1);
    bool identity = true;
    if (!table) return fail_memory(c->error, "table of pixels");
    for (int channel = 0; channel < 3; channel++)
        for (int pixel = 0; pixel < 256; pixel++) {
            int byte = pixel_byte(c, path, channel, pixel);
            if (byte < 0)
                return step_fail(c, step, POMONA_E_CORRUPT, "what it reads of a pixel of %d is no number",
                                 pixel);
            table[channel * 256 + pixel] = (uint8_t)byte;
            identity &= byte == pixel;
        }
    integer->table = identity ? NULL : table;
    return POMONA_OK;
}

static pomona_status convert_first(struct conversion *c, struct step *step, struct integer_step *integer,
                                   int x) {
    struct pixel_path path;
    const struct window *window = &step->window;
    if (!find_pixel_path(c, x, &path) || step->groups != 1 || step->in_channels != 3 || step->second >= 0 ||
        window->dilation_x != 1 || window->dilation_y != 1)
        return step_fail(
            c, step, POMONA_E_UNSUPPORTED,
            "only the first convolution, of the photo's three colours, may have a window and be dense");
    TRY(pixel_tables(c, step, &path, integer));
    step->input = -1;
    return POMONA_OK;
}

/* ---- steps ---- */

static bool is_unary(const struct step *step) {
    return step->kind == STEP_CLAMP || step->kind == STEP_SIGMOID || step->kind == STEP_HARD_SIGMOID ||
           step->kind == STEP_HARD_SWISH;
}

static double unary(const struct step *step, double x) {
    double gate;
    switch (step->kind) {
    case STEP_CLAMP: return fmin(fmax(x, (double)step->low), (double)step->high);
    case STEP_SIGMOID: return 1 / (1 + exp(-x));
    case STEP_HARD_SIGMOID: return fmin(fmax((double)step->alpha * x + (double)step->beta, 0), 1);
    case STEP_HARD_SWISH: gate = x / 6 + 0.5; return x * fmin(fmax(gate, 0), 1);
    default: return x;
    }
}

/* Any function of one quantised value: a table. */
static pomona_status convert_unary(struct conversion *c, struct step *step, int x, int y) {
    struct integer_step *integer = integer_new(c, step);
    uint8_t *table = arena_new(&c->plan->arena, 256, 1);
    if (!integer || !table) return fail_memory(c->error, "table");
    const struct quantisation *in = quantisation_of(c, x), *out = quantisation_of(c, y);
    for (int q = 0; q < 256; q++) {
        double value = unary(step, (double)(q - in->zero_point) * (double)in->scale);
        table[q] = (uint8_t)clamp_byte(nearest(value / (double)out->scale) + out->zero_point);
    }
    integer->table = table;
    step->kind = STEP_TABLE;
    step->input = x;
    step->output = y;
    return POMONA_OK;
}

static pomona_status convert_mean(struct conversion *c, struct step *mean, int x) {
    struct integer_step *integer = integer_new(c, mean);
    if (!integer) return fail_memory(c->error, "mean");
    const struct quantisation *q = quantisation_of(c, x);
    integer->first =
        (struct requantise_residual){q->zero_point, (float)((double)q->scale / (double)mean->rows)};
    mean->input = x;
    return POMONA_OK;
}

static pomona_status convert_add(struct conversion *c, struct step *step, int x, int second, int y) {
    struct integer_step *integer = integer_new(c, step);
    if (!integer) return fail_memory(c->error, "sum");
    const struct quantisation *out = quantisation_of(c, y);
    TRY(residual_of(c, step, x, (double)out->scale, &integer->first));
    TRY(residual_of(c, step, second, (double)out->scale, &integer->second));
    integer->output = output_of(out, step->low, step->high);
    step->input = x;
    step->second = second;
    step->output = y;
    return POMONA_OK;
}

/* A convolution between bytes and the mean of its output. */
static pomona_status convert_head(struct conversion *c, struct step *step, struct step *mean, int x) {
    struct integer_step *integer = integer_new(c, step);
    if (!integer) return fail_memory(c->error, "quantised weights");
    if (mean->rows != step->rows || step->second >= 0)
        return step_fail(c, step, POMONA_E_UNSUPPORTED,
                         "its mean is not over all pixels of a plain convolution");
    TRY(convert_weights(c, step, integer, quantisation_of(c, x), 1));
    step->kind = STEP_HEAD;
    step->input = x;
    step->output = mean->output;
    mean->kind = STEP_NONE;
    return POMONA_OK;
}

static pomona_status convert_linear(struct conversion *c, struct step *step, int x) {
    struct step *reader = reader_of(c, step->output);
    if (reader && reader->kind == STEP_MEAN && step->kind == STEP_GEMM)
        return convert_head(c, step, reader, x);
    if (!reader || reader->kind != STEP_QUANTIZE)
        return step_fail(c, step, POMONA_E_UNSUPPORTED,
                         "its result is not quantised, or is also read unquantised");
    struct integer_step *integer = integer_new(c, step);
    if (!integer) return fail_memory(c->error, "quantised weights");
    int y = reader->output;
    const struct quantisation *out = quantisation_of(c, y);
    if (step->second >= 0) {
        int residual = bytes_behind(c, step->second);
        if (residual < 0)
            return step_fail(c, step, POMONA_E_UNSUPPORTED, "what is added to it is not quantised");
        TRY(residual_of(c, step, residual, (double)out->scale, &integer->second));
        step->second = residual;
    }
    TRY(convert_weights(c, step, integer, quantisation_of(c, x), (double)out->scale));
    integer->output = output_of(out, step->low, step->high);
    step->input = x;
    if (step->kind == STEP_CONV) TRY(convert_first(c, step, integer, x));
    step->output = y;
    reader->kind = STEP_NONE;
    return POMONA_OK;
}

static pomona_status convert_step(struct conversion *c, struct step *step) {
    int x = bytes_behind(c, step->input), second = bytes_behind(c, step->second);
    struct step *reader = step->kind == STEP_NONE ? NULL : reader_of(c, step->output);
    bool to_bytes = reader && reader->kind == STEP_QUANTIZE;
    bool linear = step->kind == STEP_GEMM || step->kind == STEP_CONV || step->kind == STEP_DEPTHWISE;
    if (linear && x >= 0) return convert_linear(c, step, x);
    if (step->kind == STEP_MEAN && x >= 0) return convert_mean(c, step, x);
    if (step->kind == STEP_ADD && x >= 0 && second >= 0 && to_bytes) {
        TRY(convert_add(c, step, x, second, reader->output));
        reader->kind = STEP_NONE;
    } else if (is_unary(step) && x >= 0 && to_bytes) {
        TRY(convert_unary(c, step, x, reader->output));
        reader->kind = STEP_NONE;
    } else if (step->kind == STEP_QUANTIZE && x >= 0) { /* the same value in another scale */
        TRY(convert_unary(c, step, x, step->output));
    }
    if (step->kind != STEP_NONE) c->makers[step->output] = (int)(step - c->plan->steps);
    return POMONA_OK;
}

/* Steps behind the mean may quantise its few numbers and turn them back: the file says that features are rounded. Floats may be
 * copied into another order; bytes not, and the pixels are nowhere as floats. */
static bool is_feature_step(const struct conversion *c, const struct step *step) {
    const struct step *maker = maker_of(c, step->input);
    if (!maker) return false;
    if (step->kind == STEP_COPY) return !tensor_is_bytes(&c->plan->tensors[step->input]);
    bool follows = maker->integer || maker->kind == STEP_COPY || maker->kind == STEP_QUANTIZE;
    bool few = c->plan->tensors[step->output].elements == c->plan->tensors[c->plan->output].elements;
    return follows && few && (step->kind == STEP_QUANTIZE || step->kind == STEP_DEQUANTIZE);
}

/* The features are floats that a step makes. */
static pomona_status check_output(const struct conversion *c) {
    const struct plan *plan = c->plan;
    if (tensor_is_bytes(&plan->tensors[plan->output]))
        return fail(c->error, POMONA_E_UNSUPPORTED, c->file,
                    "the layer's values are quantised: name the DequantizeLinear behind it");
    if (!maker_of(c, plan->output))
        return fail(c->error, POMONA_E_UNSUPPORTED, c->file,
                    "nothing is quantised up to the layer; --precision fp32 runs the model unquantised");
    return POMONA_OK;
}

/* Drops what nothing reads any more; what is left must run in 8 bits, or be behind the features' mean. */
static pomona_status keep_integer_steps(struct conversion *c) {
    struct plan *plan = c->plan;
    bool changed = true;
    while (changed) {
        changed = false;
        note_all(c);
        for (int i = plan->step_count; i-- > 0;) {
            struct step *step = &plan->steps[i];
            if (step->kind == STEP_NONE || c->uses[step->output] > 0) continue;
            step->kind = STEP_NONE;
            changed = true;
        }
    }
    for (int i = 0; i < plan->step_count; i++) {
        const struct step *step = &plan->steps[i];
        if (step->kind != STEP_NONE && !step->integer && !is_feature_step(c, step))
            return step_fail(
                c, step, POMONA_E_UNSUPPORTED,
                "it has no integer kernel; with --precision fp32 the model runs unquantised, and "
                "'pomona model info' shows its plan");
    }
    TRY(check_output(c));
    int kept = 0;
    for (int i = 0; i < plan->step_count; i++)
        if (plan->steps[i].kind != STEP_NONE) plan->steps[kept++] = plan->steps[i];
    plan->step_count = kept;
    return POMONA_OK;
}

pomona_status plan_make_integer(struct plan *plan, const float scale[3], const float shift[3],
                                const char *file, struct pomona_error *error) {
    size_t tensors = (size_t)plan->tensor_count;
    struct conversion c = {.plan = plan,
                           .file = file,
                           .pixel_scale = scale,
                           .pixel_shift = shift,
                           .makers = memory_new(tensors, sizeof(int)),
                           .readers = memory_new(tensors, sizeof(int)),
                           .uses = memory_new(tensors, sizeof(int)),
                           .error = error};
    pomona_status status = POMONA_OK;
    if (!c.makers || !c.readers || !c.uses) {
        status = fail_memory(error, "plan");
        goto end;
    }
    note_all(&c);
    for (int i = 0; i < plan->step_count; i++) TRY_GOTO(convert_step(&c, &plan->steps[i]), status, end);
    TRY_GOTO(keep_integer_steps(&c), status, end);
    plan->integer = true;
end:
    memory_free(c.makers);
    memory_free(c.readers);
    memory_free(c.uses);
    return status;
}
