#include "kernels/eltwise_f32/eltwise_f32.h"
#include "kernels/pool_f32/pool_f32.h"
#include "net/band.h"
#include "net/calls.h"
#include "net/loops.h"
#include "net/plan.h"

/* Operands of one step, resolved. */
struct operands {
    const struct run_state *state;
    const struct step *step;
    int photo, images;
    const float *x, *second; /* second: NULL when the step has none */
    float *y;
    const float *packed;
};

static void run_pool(const struct operands *o) {
    const struct step *step = o->step;
    struct pool_f32_args args = {.window = step->window,
                                 .images = o->images,
                                 .channels = step->in_channels,
                                 .count_padding = step->count_padding,
                                 .x = o->x,
                                 .y = o->y};
    if (step->kind == STEP_MAX_POOL)
        o->state->kernels->pool_f32->max(&args);
    else
        o->state->kernels->pool_f32->average(&args);
}

static void run_scale(const struct operands *o) {
    const struct step *step = o->step;
    size_t channels = (size_t)step->out_channels, elements = step->rows * channels;
    const struct eltwise_f32_impl *eltwise = o->state->kernels->eltwise_f32;
    if (step->kind == STEP_SCALE) {
        const float *shift = o->packed + (channels + 15) / 16 * 16;
        eltwise->scale_channels(step->rows * (size_t)o->images, step->out_channels, o->x, o->packed, shift,
                                step->low, step->high, o->y);
        return;
    }
    for (size_t i = 0; i < (size_t)o->images; i++)
        eltwise->scale_channels(step->rows, step->out_channels, o->x + i * elements, o->second + i * channels,
                                NULL, step->low, step->high, o->y + i * elements);
}

static void run_elementwise(const struct operands *o) {
    const struct step *step = o->step;
    const struct eltwise_f32_impl *eltwise = o->state->kernels->eltwise_f32;
    size_t count = o->state->plan->tensors[step->output].elements * (size_t)o->images;
    switch (step->kind) {
    case STEP_CLAMP: eltwise->clamp(count, o->x, step->low, step->high, o->y); break;
    case STEP_SIGMOID: eltwise->sigmoid(count, o->x, o->y); break;
    case STEP_HARD_SIGMOID: eltwise->hard_sigmoid(count, o->x, step->alpha, step->beta, o->y); break;
    case STEP_HARD_SWISH: eltwise->hard_swish(count, o->x, o->y); break;
    case STEP_ADD: eltwise->add(count, o->x, o->second, o->y); break;
    case STEP_MULTIPLY: eltwise->multiply(count, o->x, o->second, o->y); break;
    default: break;
    }
}

static void run_concat(const struct operands *o) {
    const struct step *step = o->step;
    size_t rows = step->rows * (size_t)o->images, to = 0;
    for (int i = 0; i < step->input_count; i++) {
        size_t columns = o->state->plan->tensors[step->inputs[i]].elements / step->rows;
        loop_copy_rows(rows, columns, run_tensor(o->state, step->inputs[i], o->photo), o->y + to,
                       (size_t)step->out_channels);
        to += columns;
    }
}

static void run_loop(const struct operands *o) {
    const struct step *step = o->step;
    size_t out = o->state->plan->tensors[step->output].elements,
           in = o->state->plan->tensors[step->input].elements;
    size_t second = step->second < 0 ? 0 : o->state->plan->tensors[step->second].elements;
    const float *right = o->second ? o->second : o->packed;
    for (size_t i = 0; i < (size_t)o->images; i++) {
        const float *x = o->x + i * in;
        float *y = o->y + i * out;
        switch (step->kind) {
        case STEP_COPY: loop_transpose(step->walk, x, y); break;
        case STEP_BINARY: loop_binary(step->walk, x, right + i * second, y); break;
        case STEP_PAD: loop_pad(&step->window, (size_t)step->out_channels, step->alpha, x, y); break;
        case STEP_SOFTMAX: loop_softmax(step->rows, (size_t)step->out_channels, x, y); break;
        default: break;
        }
    }
}

static void run_linear(const struct operands *o) {
    const struct step *step = o->step;
    struct call call = {step, o->state->kernels, o->packed, o->x, o->second, o->y, o->state->scratch, NULL};
    if (step->kind == STEP_GEMM)
        call_gemm(&call, step->rows * (size_t)o->images);
    else if (step->kind == STEP_CONV)
        call_conv(&call, &step->window, o->images);
    else
        call_depthwise(&call, &step->window, o->images);
}

void *run_tensor(const struct run_state *state, int tensor, int photo) {
    const struct plan_tensor *t = &state->plan->tensors[tensor];
    return state->tensors + state->offsets[tensor] + (t->batched ? (size_t)photo * tensor_size(t) : 0);
}

/* All steps of a chain, for one photo. */
static void run_chain(const struct run_state *state, const struct step *first, int photo) {
    const struct step *last = first + first->chain - 1;
    const void *x = step_reads_pixels(first) ? state->pixels + (size_t)photo * pixels_size(&first->window)
                                             : run_tensor(state, first->input, photo);
    band_run(state->plan, first, state->kernels, x,
             last->second < 0 ? NULL : run_tensor(state, last->second, photo),
             run_tensor(state, last->output, photo), state->scratch);
}

int run_step(const struct run_state *state, int index, int photo, int photos) {
    const struct step *step = &state->plan->steps[index];
    if (step->chain > 0) {
        for (int i = 0; i < photos; i++) run_chain(state, step, photo + i);
        return index + step->chain;
    }
    if (step->integer || step->kind == STEP_QUANTIZE || step->kind == STEP_DEQUANTIZE) {
        run_integer_step(state, step, photo, photos);
        return index + 1;
    }
    struct operands o = {.state = state,
                         .step = step,
                         .photo = photo,
                         .images = photos,
                         .x = step->input < 0 ? NULL : run_tensor(state, step->input, photo),
                         .second = step->second < 0 ? NULL : run_tensor(state, step->second, photo),
                         .y = run_tensor(state, step->output, photo),
                         .packed = state->plan->packed + step->packed};
    switch (step->kind) {
    case STEP_NONE:
    case STEP_QUANTIZE:   /* these four only in integer plans, */
    case STEP_DEQUANTIZE: /* which run_integer_step() runs */
    case STEP_HEAD:
    case STEP_TABLE: break;
    case STEP_GEMM:
    case STEP_CONV:
    case STEP_DEPTHWISE: run_linear(&o); break;
    case STEP_MAX_POOL:
    case STEP_AVERAGE_POOL: run_pool(&o); break;
    case STEP_MEAN:
        state->kernels->pool_f32->global_average(photos, (int)step->rows, step->out_channels, o.x, o.y);
        break;
    case STEP_SCALE:
    case STEP_SCALE_BY: run_scale(&o); break;
    case STEP_CLAMP:
    case STEP_SIGMOID:
    case STEP_HARD_SIGMOID:
    case STEP_HARD_SWISH:
    case STEP_ADD:
    case STEP_MULTIPLY: run_elementwise(&o); break;
    case STEP_CONCAT: run_concat(&o); break;
    case STEP_BINARY:
    case STEP_COPY:
    case STEP_PAD:
    case STEP_SOFTMAX: run_loop(&o); break;
    }
    return index + 1;
}
