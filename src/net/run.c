#include "kernels/conv_f32/conv_f32.h"
#include "kernels/dwconv_f32/dwconv_f32.h"
#include "kernels/eltwise_f32/eltwise_f32.h"
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/pool_f32/pool_f32.h"
#include "net/loops.h"
#include "net/plan.h"

/* Operands of one step, resolved. */
struct operands {
    const struct plan *plan;
    const struct step *step;
    const struct kernels *kernels;
    int images;
    const size_t *offsets;
    float *tensors;
    const float *x, *second; /* second: NULL when the step has none */
    float *y, *scratch;
    const float *packed;
};

static void run_gemm(const struct operands *o) {
    const struct step *step = o->step;
    struct gemm_f32_args args = {.m = (int)(step->rows * (size_t)o->images),
                                 .n = step->out_channels,
                                 .k = step->in_channels,
                                 .x = o->x,
                                 .x_stride = (size_t)step->in_channels,
                                 .packed = o->packed,
                                 .residual = o->second,
                                 .residual_stride = (size_t)step->out_channels,
                                 .low = step->low,
                                 .high = step->high,
                                 .y = o->y,
                                 .y_stride = (size_t)step->out_channels};
    o->kernels->gemm_f32->run(&args);
}

static void run_conv(const struct operands *o) {
    const struct step *step = o->step;
    int in = step->in_channels / step->groups, out = step->out_channels / step->groups;
    for (int i = 0; i < step->groups; i++) {
        struct conv_f32_args args = {.window = step->window,
                                     .images = o->images,
                                     .in_channels = in,
                                     .out_channels = out,
                                     .x = o->x + (size_t)i * (size_t)in,
                                     .x_stride = (size_t)step->in_channels,
                                     .packed = o->packed + (size_t)i * step->packed_stride,
                                     .residual = o->second ? o->second + (size_t)i * (size_t)out : NULL,
                                     .residual_stride = (size_t)step->out_channels,
                                     .low = step->low,
                                     .high = step->high,
                                     .y = o->y + (size_t)i * (size_t)out,
                                     .y_stride = (size_t)step->out_channels,
                                     .scratch = o->scratch};
        o->kernels->conv_f32->run(&args);
    }
}

static void run_depthwise(const struct operands *o) {
    const struct step *step = o->step;
    struct dwconv_f32_args args = {.window = step->window,
                                   .images = o->images,
                                   .channels = step->in_channels,
                                   .x = o->x,
                                   .packed = o->packed,
                                   .low = step->low,
                                   .high = step->high,
                                   .y = o->y,
                                   .scratch = o->scratch};
    o->kernels->dwconv_f32->run(&args);
}

static void run_pool(const struct operands *o) {
    const struct step *step = o->step;
    struct pool_f32_args args = {.window = step->window,
                                 .images = o->images,
                                 .channels = step->in_channels,
                                 .count_padding = step->count_padding,
                                 .x = o->x,
                                 .y = o->y};
    if (step->kind == STEP_MAX_POOL)
        o->kernels->pool_f32->max(&args);
    else
        o->kernels->pool_f32->average(&args);
}

static void run_scale(const struct operands *o) {
    const struct step *step = o->step;
    size_t channels = (size_t)step->out_channels, elements = step->rows * channels;
    const struct eltwise_f32_impl *eltwise = o->kernels->eltwise_f32;
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
    const struct eltwise_f32_impl *eltwise = o->kernels->eltwise_f32;
    size_t count = o->plan->tensors[step->output].elements * (size_t)o->images;
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
        size_t columns = o->plan->tensors[step->inputs[i]].elements / step->rows;
        loop_copy_rows(rows, columns, o->tensors + o->offsets[step->inputs[i]], o->y + to,
                       (size_t)step->out_channels);
        to += columns;
    }
}

static void run_loop(const struct operands *o) {
    const struct step *step = o->step;
    size_t out = o->plan->tensors[step->output].elements, in = o->plan->tensors[step->input].elements;
    size_t second = step->second < 0 ? 0 : o->plan->tensors[step->second].elements;
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

void step_run(const struct plan *plan, const struct step *step, const struct kernels *kernels, int images,
              const size_t *offsets, float *tensors, float *scratch) {
    struct operands o = {.plan = plan,
                         .step = step,
                         .kernels = kernels,
                         .images = images,
                         .offsets = offsets,
                         .tensors = tensors,
                         .x = step->input < 0 ? NULL : tensors + offsets[step->input],
                         .second = step->second < 0 ? NULL : tensors + offsets[step->second],
                         .y = tensors + offsets[step->output],
                         .scratch = scratch,
                         .packed = plan->packed + step->packed};
    switch (step->kind) {
    case STEP_NONE: break;
    case STEP_GEMM: run_gemm(&o); break;
    case STEP_CONV: run_conv(&o); break;
    case STEP_DEPTHWISE: run_depthwise(&o); break;
    case STEP_MAX_POOL:
    case STEP_AVERAGE_POOL: run_pool(&o); break;
    case STEP_MEAN:
        kernels->pool_f32->global_average(images, (int)step->rows, step->out_channels, o.x, o.y);
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
}
