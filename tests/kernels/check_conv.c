/* Dense convolution. */
#include "check.h"
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/gemm_f32/gemm_f32.h"

#include <math.h>

/* x [images][in_height][in_width] pixels, w [out][in][kh][kw], bias [out], residual like y */
struct conv_problem {
    struct conv_f32_args args; /* x, y, packed, residual and scratch left out */
    struct tensor x, w, bias, residual;
    bool has_residual, has_bias;
};

static size_t output_pixels(const struct window *w) { return (size_t)w->out_height * (size_t)w->out_width; }

static size_t pixels_floats(size_t pixels, size_t stride, int channels) {
    return (pixels - 1) * stride + (size_t)channels;
}

static struct conv_problem problem_new(struct check *check, struct window window, int images, int in,
                                       int out) {
    struct conv_problem p = {.args = {.window = window,
                                      .images = images,
                                      .in_channels = in,
                                      .out_channels = out,
                                      .low = -INFINITY,
                                      .high = INFINITY}};
    size_t taps = (size_t)window.kernel_height * (size_t)window.kernel_width,
           pixels = output_pixels(&window) * images;
    size_t in_pixels = (size_t)images * (size_t)window.in_height * (size_t)window.in_width;
    p.args.x_stride = (size_t)(in + (check_coin(check) ? 0 : check_random(check, 1, 20)));
    p.args.y_stride = (size_t)(out + (check_coin(check) ? 0 : check_random(check, 1, 20)));
    p.args.residual_stride = (size_t)(out + check_random(check, 0, 3));
    if (check_coin(check)) p.args.low = 0, p.args.high = 6;
    p.has_residual = check_coin(check);
    p.has_bias = check_random(check, 0, 3) > 0;
    p.x = tensor_input(check, pixels_floats(in_pixels, p.args.x_stride, in), check_coin(check));
    p.w = tensor_input(check, (size_t)out * (size_t)in * taps, check_coin(check));
    p.bias = tensor_input(check, (size_t)out, check_coin(check));
    p.residual = tensor_input(check, pixels_floats(pixels, p.args.residual_stride, out), check_coin(check));
    char text[128];
    window_text(&window, text);
    check_case(check, "conv %s, images %d, channels %d %d, strides %zu %zu, residual %d, clamp %g", text,
               images, in, out, p.args.x_stride, p.args.y_stride, p.has_residual, (double)p.args.high);
    return p;
}

static void problem_free(struct conv_problem *p) {
    tensor_free(&p->x);
    tensor_free(&p->w);
    tensor_free(&p->bias);
    tensor_free(&p->residual);
}

/* Images [first, first + images) of the problem. */
static struct tensor problem_run(struct check *check, const struct conv_problem *p,
                                 const struct conv_f32_impl *impl, int first, int images, bool shifted) {
    struct conv_f32_args args = p->args;
    const struct window *g = &args.window;
    size_t pixels = output_pixels(g), in_pixels = (size_t)g->in_height * (size_t)g->in_width;
    struct tensor packed = tensor_aligned(
        impl->packed_floats(args.out_channels, args.in_channels, g->kernel_height, g->kernel_width));
    impl->pack(args.out_channels, args.in_channels, g->kernel_height, g->kernel_width, p->w.data,
               p->has_bias ? p->bias.data : NULL, packed.data);
    check_guards(check, &packed);
    struct tensor scratch = tensor_aligned(impl->scratch_floats(g, args.in_channels, args.out_channels));
    struct tensor y =
        tensor_output(pixels_floats(pixels * (size_t)images, args.y_stride, args.out_channels), shifted);
    args.images = images;
    args.x = p->x.data + (size_t)first * in_pixels * args.x_stride;
    args.packed = packed.data;
    if (p->has_residual) args.residual = p->residual.data + (size_t)first * pixels * args.residual_stride;
    args.y = y.data;
    args.scratch = scratch.data;
    impl->run(&args);
    check_guards(check, &scratch);
    tensor_free(&packed);
    tensor_free(&scratch);
    return y;
}

static struct tensor problem_scale(struct check *check, const struct conv_problem *p) {
    struct conv_problem absolute = *p;
    absolute.args.low = -INFINITY, absolute.args.high = INFINITY;
    absolute.x = tensor_absolute(&p->x);
    absolute.w = tensor_absolute(&p->w);
    absolute.bias = tensor_absolute(&p->bias);
    absolute.residual = tensor_absolute(&p->residual);
    struct tensor scale = problem_run(check, &absolute, &conv_f32_scalar, 0, p->args.images, false);
    problem_free(&absolute);
    return scale;
}

static void check_images_alone(struct check *check, const struct conv_problem *p,
                               const struct conv_f32_impl *impl, const struct tensor *y) {
    size_t pixels = output_pixels(&p->args.window), stride = p->args.y_stride;
    for (int image = 0; image < p->args.images; image++) {
        struct tensor alone = problem_run(check, p, impl, image, 1, false);
        for (size_t i = 0; i < pixels; i++)
            check_bits(check, y->data + ((size_t)image * pixels + i) * stride, alone.data + i * stride,
                       (size_t)p->args.out_channels);
        tensor_free(&alone);
    }
}

static void check_problem(struct check *check, const struct conv_f32_impl *impl, struct window window,
                          int images, int in, int out) {
    struct conv_problem p = problem_new(check, window, images, in, out);
    struct tensor got = problem_run(check, &p, impl, 0, images, check_coin(check));
    struct tensor want = problem_run(check, &p, &conv_f32_scalar, 0, images, false);
    struct tensor scale = problem_scale(check, &p);
    check_images_alone(check, &p, impl, &got);
    check_output(check, &got, &want, scale.data, sum_bound(window.kernel_height * window.kernel_width * in),
                 output_pixels(&window) * (size_t)images, (size_t)out, p.args.y_stride);
    tensor_free(&got);
    tensor_free(&want);
    tensor_free(&scale);
    problem_free(&p);
}

/* A 1x1 convolution is a matrix product: the two families meet at the same numbers. */
static void check_against_gemm(struct check *check, const struct conv_f32_impl *impl) {
    enum { SIDE = 5, IN = 13, OUT = 21 };
    struct window window = {SIDE, SIDE, SIDE, SIDE, 1, 1, 1, 1, 0, 0, 1, 1};
    struct conv_problem p = problem_new(check, window, 1, IN, OUT);
    struct tensor got = problem_run(check, &p, impl, 0, 1, false), scale = problem_scale(check, &p);
    struct tensor packed = tensor_aligned(gemm_f32_scalar.packed_floats(OUT, IN));
    struct tensor want = tensor_output(got.count, false);
    gemm_f32_scalar.pack(OUT, IN, p.w.data, p.has_bias ? p.bias.data : NULL, packed.data);
    gemm_f32_scalar.run(&(struct gemm_f32_args){.m = SIDE * SIDE,
                                                .n = OUT,
                                                .k = IN,
                                                .x = p.x.data,
                                                .x_stride = p.args.x_stride,
                                                .packed = packed.data,
                                                .residual = p.has_residual ? p.residual.data : NULL,
                                                .residual_stride = p.args.residual_stride,
                                                .low = p.args.low,
                                                .high = p.args.high,
                                                .y = want.data,
                                                .y_stride = p.args.y_stride});
    check_output(check, &got, &want, scale.data, sum_bound(IN), SIDE * SIDE, OUT, p.args.y_stride);
    tensor_free(&got);
    tensor_free(&want);
    tensor_free(&scale);
    tensor_free(&packed);
    problem_free(&p);
}

void check_conv_f32(struct check *check, const struct conv_f32_impl *impl) {
    static const int kernels[] = {1, 2, 3, 3, 3, 4, 5, 7}, ins[] = {1, 3, 3, 4, 8, 16, 17, 24};
    static const int outs[] = {1, 5, 8, 16, 24, 32, 33};
    for (int i = 0; i < 400 && !check_done(check); i++) {
        struct window window = check_window(check, check_random(check, 1, 12), check_random(check, 1, 17),
                                            check_pick(check, kernels), check_pick(check, kernels));
        check_problem(check, impl, window, check_random(check, 1, 3), check_pick(check, ins),
                      check_pick(check, outs));
    }
    if (check_done(check)) return;
    for (int i = 0; i < 100; i++) { /* wide images, which are convolved in place */
        struct window window = check_window(check, check_random(check, 1, 7), check_random(check, 24, 70),
                                            check_pick(check, kernels), check_pick(check, kernels));
        check_problem(check, impl, window, check_random(check, 1, 2), check_random(check, 1, 4),
                      check_pick(check, outs));
    }
    struct window rows_apart = {9, 40, 5, 38, 3, 3, 1, 1, 0, 0, 2, 1}; /* dilated in y alone */
    for (int i = 0; i < 8; i++) check_problem(check, impl, rows_apart, 1, 3, 9);
    struct window first = {56, 56, 28, 28, 3, 3, 2, 2, 0, 0, 1, 1},
                  last = {7, 7, 7, 7, 3, 3, 1, 1, 1, 1, 1, 1};
    check_problem(check, impl, first, 2, 3, 32);
    check_problem(check, impl, last, 3, 130, 144); /* weights beyond the cache: several blocks of windows */
    check_against_gemm(check, impl);
}
