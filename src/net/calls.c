#include "net/calls.h"

#include "kernels/conv0_rgbx/conv0_rgbx.h"
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/dwconv_f32/dwconv_f32.h"
#include "kernels/dwconv_u8s8/dwconv_u8s8.h"
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/gemm_u8s8/gemm_u8s8.h"

static void call_integer_gemm(const struct call *call, size_t rows) {
    const struct step *step = call->step;
    struct gemm_u8s8_args args = {.m = (int)rows,
                                  .n = step->out_channels,
                                  .k = step->in_channels,
                                  .x = call->x,
                                  .x_stride = (size_t)step->in_channels,
                                  .packed = call->packed,
                                  .residual = call->residual,
                                  .residual_stride = (size_t)step->out_channels,
                                  .residual_scale = step->integer->second,
                                  .output = step->integer->output,
                                  .y = call->y,
                                  .y_stride = (size_t)step->out_channels};
    call->kernels->gemm_u8s8->run(&args);
}

void call_gemm(const struct call *call, size_t rows) {
    const struct step *step = call->step;
    if (step->integer) {
        call_integer_gemm(call, rows);
        return;
    }
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
    const float *x = call->x, *residual = call->residual;
    float *y = call->y;
    for (size_t i = 0; i < (size_t)step->groups; i++) {
        struct conv_f32_args args = {.window = *window,
                                     .images = images,
                                     .in_channels = (int)in,
                                     .out_channels = (int)out,
                                     .x = x + i * in,
                                     .x_stride = (size_t)step->in_channels,
                                     .packed = call->packed + i * step->packed_stride,
                                     .residual = residual ? residual + i * out : NULL,
                                     .residual_stride = (size_t)step->out_channels,
                                     .low = step->low,
                                     .high = step->high,
                                     .y = y + i * out,
                                     .y_stride = (size_t)step->out_channels,
                                     .scratch = call->scratch};
        call->kernels->conv_f32->run(&args);
    }
}

static struct conv0_rgbx_args first_conv_args(const struct call *call, int first, int last) {
    const struct step *step = call->step;
    return (struct conv0_rgbx_args){.window = step->window,
                                    .out_channels = step->out_channels,
                                    .x = call->x,
                                    .table = step->integer->table,
                                    .padding = step->integer->padding,
                                    .packed = call->packed,
                                    .output = step->integer->output,
                                    .y = call->y,
                                    .first = first,
                                    .last = last,
                                    .scratch = call->pixels};
}

void call_pixels(const struct call *call) {
    struct conv0_rgbx_args args = first_conv_args(call, 0, 0);
    call->kernels->conv0_rgbx->prepare(&args);
}

void call_first_conv(const struct call *call, int first, int last) {
    struct conv0_rgbx_args args = first_conv_args(call, first, last);
    call->kernels->conv0_rgbx->run(&args);
}

static void call_integer_depthwise(const struct call *call, const struct window *window, int images) {
    const struct step *step = call->step;
    struct dwconv_u8s8_args args = {.window = *window,
                                    .images = images,
                                    .channels = step->in_channels,
                                    .x = call->x,
                                    .padding = step->integer->padding,
                                    .packed = call->packed,
                                    .output = step->integer->output,
                                    .y = call->y,
                                    .scratch = call->scratch};
    call->kernels->dwconv_u8s8->run(&args);
}

void call_depthwise(const struct call *call, const struct window *window, int images) {
    const struct step *step = call->step;
    if (step->integer) {
        call_integer_depthwise(call, window, images);
        return;
    }
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
