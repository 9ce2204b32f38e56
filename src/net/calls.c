#include "net/calls.h"

#include "kernels/conv_f32/conv_f32.h"
#include "kernels/dwconv_f32/dwconv_f32.h"
#include "kernels/gemm_f32/gemm_f32.h"

void call_gemm(const struct call *call, size_t rows) {
    const struct step *step = call->step;
    struct gemm_f32_args args = {.m = (int)rows,
                                 .n = step->out_channels,
                                 .k = step->in_channels,
                                 .x = call->x,
                                 .x_stride = (size_t)step->in_channels,
                                 .packed = call->packed,
                                 .residual = call->residual,
                                 .residual_stride = (size_t)step->out_channels,
                                 .low = step->low,
                                 .high = step->high,
                                 .y = call->y,
                                 .y_stride = (size_t)step->out_channels};
    call->kernels->gemm_f32->run(&args);
}

void call_conv(const struct call *call, const struct window *window, int images) {
    const struct step *step = call->step;
    size_t in = (size_t)(step->in_channels / step->groups), out = (size_t)(step->out_channels / step->groups);
    for (size_t i = 0; i < (size_t)step->groups; i++) {
        struct conv_f32_args args = {.window = *window,
                                     .images = images,
                                     .in_channels = (int)in,
                                     .out_channels = (int)out,
                                     .x = call->x + i * in,
                                     .x_stride = (size_t)step->in_channels,
                                     .packed = call->packed + i * step->packed_stride,
                                     .residual = call->residual ? call->residual + i * out : NULL,
                                     .residual_stride = (size_t)step->out_channels,
                                     .low = step->low,
                                     .high = step->high,
                                     .y = call->y + i * out,
                                     .y_stride = (size_t)step->out_channels,
                                     .scratch = call->scratch};
        call->kernels->conv_f32->run(&args);
    }
}

void call_depthwise(const struct call *call, const struct window *window, int images) {
    const struct step *step = call->step;
    struct dwconv_f32_args args = {.window = *window,
                                   .images = images,
                                   .channels = step->in_channels,
                                   .x = call->x,
                                   .packed = call->packed,
                                   .low = step->low,
                                   .high = step->high,
                                   .y = call->y,
                                   .scratch = call->scratch};
    call->kernels->dwconv_f32->run(&args);
}
