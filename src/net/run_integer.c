#include "kernels/head_gap_f32/head_gap_f32.h"
#include "kernels/lut_u8/lut_u8.h"
#include "net/calls.h"
#include "net/plan.h"

/* Operands of one step, resolved. */
struct operands {
    const struct run_state *state;
    const struct step *step;
    int photo, images;
    const uint8_t *x, *second; /* NULL when the step has none, or reads pixels */
    void *y;
};

static struct call call_of(const struct operands *o) {
    const struct plan *plan = o->state->plan;
    return (struct call){o->step,
                         o->state->kernels,
                         plan->packed + o->step->packed,
                         o->x,
                         o->second,
                         o->y,
                         o->state->scratch,
                         o->state->scratch + plan->kernel_scratch_floats};
}

static void run_first_conv(const struct operands *o) {
    const struct step *step = o->step;
    size_t photo = pixels_size(&step->window), out = o->state->plan->tensors[step->output].elements;
    for (size_t i = 0; i < (size_t)o->images; i++) {
        struct call call = call_of(o);
        call.x = o->state->pixels + ((size_t)o->photo + i) * photo;
        call.y = (uint8_t *)o->y + i * out;
        call_pixels(&call);
        call_first_conv(&call, 0, step->window.out_height);
    }
}

static void run_head(const struct operands *o) {
    const struct step *step = o->step;
    struct head_gap_f32_args args = {.images = o->images,
                                     .pixels = (int)step->rows,
                                     .n = step->out_channels,
                                     .k = step->in_channels,
                                     .x = o->x,
                                     .packed = o->state->plan->packed + step->packed,
                                     .low = step->low,
                                     .high = step->high,
                                     .y = o->y};
    o->state->kernels->head_gap_f32->run(&args);
}

/* The mean over rows of bytes: an exact sum, rounded to float once and scaled once. */
static void run_mean(const struct operands *o) {
    const struct step *step = o->step;
    size_t channels = (size_t)step->out_channels, elements = step->rows * channels;
    const struct requantise_residual *scale = &step->integer->first;
    float *y = o->y;
    for (size_t i = 0; i < (size_t)o->images; i++)
        for (size_t c = 0; c < channels; c++) {
            int64_t sum = 0;
            for (size_t row = 0; row < step->rows; row++)
                sum += (int)o->x[i * elements + row * channels + c] - scale->zero_point;
            *y++ = (float)sum * scale->factor;
        }
}

static void run_add(const struct operands *o) {
    const struct integer_step *integer = o->step->integer;
    size_t count = o->state->plan->tensors[o->step->output].elements * (size_t)o->images;
    const uint8_t *second = run_tensor(o->state, o->step->second, o->photo);
    uint8_t *y = o->y;
    for (size_t i = 0; i < count; i++) {
        float value = requantise_add(0, o->x[i], integer->first);
        y[i] = requantise_round(requantise_add(value, second[i], integer->second), integer->output);
    }
}

/* QuantizeLinear and its inverse, on the few numbers behind the mean. */
static void run_quantize(const struct operands *o) {
    const struct plan_tensor *y = &o->state->plan->tensors[o->step->output];
    struct requantise_output output = {y->quantisation.zero_point, 0, 255};
    const float *x = (const float *)(const void *)o->x;
    uint8_t *bytes = o->y;
    for (size_t i = 0; i < y->elements * (size_t)o->images; i++) {
        float value = x[i] / y->quantisation.scale;
        /* beyond this the result is the same, and the rounded value an integer that fits */
        value = value < -1024 ? -1024 : value > 1024 ? 1024 : value;
        bytes[i] = requantise_round(value, output);
    }
}

static void run_dequantize(const struct operands *o) {
    const struct plan_tensor *x = &o->state->plan->tensors[o->step->input];
    float *y = o->y;
    for (size_t i = 0; i < x->elements * (size_t)o->images; i++)
        y[i] = (float)(o->x[i] - x->quantisation.zero_point) * x->quantisation.scale;
}

void run_integer_step(const struct run_state *state, const struct step *step, int photo, int photos) {
    struct operands o = {.state = state,
                         .step = step,
                         .photo = photo,
                         .images = photos,
                         .x = step_reads_pixels(step) ? NULL : run_tensor(state, step->input, photo),
                         .second = step->second < 0 ? NULL : run_tensor(state, step->second, photo),
                         .y = run_tensor(state, step->output, photo)};
    struct call call = call_of(&o);
    switch (step->kind) {
    case STEP_CONV: run_first_conv(&o); break;
    case STEP_GEMM: call_gemm(&call, step->rows * (size_t)photos); break;
    case STEP_DEPTHWISE: call_depthwise(&call, &step->window, photos); break;
    case STEP_HEAD: run_head(&o); break;
    case STEP_MEAN: run_mean(&o); break;
    case STEP_ADD: run_add(&o); break;
    case STEP_QUANTIZE: run_quantize(&o); break;
    case STEP_DEQUANTIZE: run_dequantize(&o); break;
    case STEP_TABLE:
        state->kernels->lut_u8->run(state->plan->tensors[step->output].elements * (size_t)photos, o.x,
                                    step->integer->table, o.y);
        break;
    default: break;
    }
}
