/* Depthwise convolution and pooling: windows over each channel alone. */
#include "check.h"
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/dwconv_f32/dwconv_f32.h"
#include "kernels/pool_f32/pool_f32.h"

#include <math.h>

static size_t output_floats(const struct window *w, int channels) {
    return (size_t)w->out_height * (size_t)w->out_width * (size_t)channels;
}

static size_t input_floats(const struct window *w, int channels) {
    return (size_t)w->in_height * (size_t)w->in_width * (size_t)channels;
}

/* x [images][in_height][in_width][channels], w [channels][kh][kw], bias [channels] or NULL in data */
struct dw_problem {
    struct window window;
    int images, channels;
    float low, high;
    struct tensor x, w, bias;
    bool has_bias;
};

static struct dw_problem problem_new(struct check *check, struct window window, int images, int channels) {
    struct dw_problem p = {
        .window = window, .images = images, .channels = channels, .low = -INFINITY, .high = INFINITY};
    if (check_coin(check)) p.low = 0, p.high = 6;
    p.has_bias = check_random(check, 0, 3) > 0;
    p.x = tensor_input(check, (size_t)images * input_floats(&window, channels), check_coin(check));
    p.w = tensor_input(check, (size_t)channels * (size_t)window.kernel_height * (size_t)window.kernel_width,
                       check_coin(check));
    p.bias = tensor_input(check, (size_t)channels, check_coin(check));
    char text[128];
    window_text(&window, text);
    check_case(check, "depthwise %s, images %d, channels %d, clamp %g", text, images, channels,
               (double)p.high);
    return p;
}

static void problem_free(struct dw_problem *p) {
    tensor_free(&p->x);
    tensor_free(&p->w);
    tensor_free(&p->bias);
}

/* Images [first, first + images) of the problem. */
static struct tensor problem_run(struct check *check, const struct dw_problem *p,
                                 const struct dwconv_f32_impl *impl, int first, int images, bool shifted) {
    const struct window *g = &p->window;
    struct tensor packed =
        tensor_aligned(impl->packed_floats(p->channels, g->kernel_height, g->kernel_width));
    impl->pack(p->channels, g->kernel_height, g->kernel_width, p->w.data, p->has_bias ? p->bias.data : NULL,
               packed.data);
    check_guards(check, &packed);
    struct tensor scratch = tensor_aligned(impl->scratch_floats(g, p->channels));
    struct tensor y = tensor_output((size_t)images * output_floats(g, p->channels), shifted);
    impl->run(&(struct dwconv_f32_args){.window = *g,
                                        .images = images,
                                        .channels = p->channels,
                                        .x = p->x.data + (size_t)first * input_floats(g, p->channels),
                                        .packed = packed.data,
                                        .low = p->low,
                                        .high = p->high,
                                        .y = y.data,
                                        .scratch = scratch.data});
    check_guards(check, &scratch);
    tensor_free(&packed);
    tensor_free(&scratch);
    return y;
}

static struct tensor problem_scale(struct check *check, const struct dw_problem *p) {
    struct dw_problem absolute = *p;
    absolute.low = -INFINITY, absolute.high = INFINITY;
    absolute.x = tensor_absolute(&p->x);
    absolute.w = tensor_absolute(&p->w);
    absolute.bias = tensor_absolute(&p->bias);
    struct tensor scale = problem_run(check, &absolute, &dwconv_f32_scalar, 0, p->images, false);
    problem_free(&absolute);
    return scale;
}

static void check_images_alone(struct check *check, const struct dw_problem *p,
                               const struct dwconv_f32_impl *impl, const struct tensor *y) {
    size_t floats = output_floats(&p->window, p->channels);
    for (int image = 0; image < p->images; image++) {
        struct tensor alone = problem_run(check, p, impl, image, 1, false);
        check_bits(check, y->data + (size_t)image * floats, alone.data, floats);
        tensor_free(&alone);
    }
}

static void check_problem(struct check *check, const struct dwconv_f32_impl *impl, struct window window,
                          int images, int channels) {
    struct dw_problem p = problem_new(check, window, images, channels);
    struct tensor got = problem_run(check, &p, impl, 0, images, check_coin(check));
    struct tensor want = problem_run(check, &p, &dwconv_f32_scalar, 0, images, false);
    struct tensor scale = problem_scale(check, &p);
    check_images_alone(check, &p, impl, &got);
    check_output(check, &got, &want, scale.data, sum_bound(window.kernel_height * window.kernel_width), 1,
                 got.count, got.count);
    tensor_free(&got);
    tensor_free(&want);
    tensor_free(&scale);
    problem_free(&p);
}

/* One channel of a depthwise convolution is a dense one with one channel in and out. */
static void check_against_conv(struct check *check, const struct dwconv_f32_impl *impl) {
    enum { CHANNELS = 19, CHANNEL = 17 };
    struct window window = check_window(check, 9, 11, 3, 3);
    struct dw_problem p = problem_new(check, window, 1, CHANNELS);
    struct tensor got = problem_run(check, &p, impl, 0, 1, false), scale = problem_scale(check, &p);
    struct tensor want = tensor_output(got.count, false), packed = tensor_aligned(1 + 9);
    for (int c = 0; c < CHANNELS; c++) {
        conv_f32_scalar.pack(1, 1, 3, 3, p.w.data + c * 9, p.has_bias ? p.bias.data + c : NULL, packed.data);
        conv_f32_scalar.run(&(struct conv_f32_args){.window = window,
                                                    .images = 1,
                                                    .in_channels = 1,
                                                    .out_channels = 1,
                                                    .x = p.x.data + c,
                                                    .x_stride = CHANNELS,
                                                    .packed = packed.data,
                                                    .low = p.low,
                                                    .high = p.high,
                                                    .y = want.data + c,
                                                    .y_stride = CHANNELS});
    }
    check_output(check, &got, &want, scale.data, sum_bound(9), 1, got.count, got.count);
    tensor_free(&got);
    tensor_free(&want);
    tensor_free(&scale);
    tensor_free(&packed);
    problem_free(&p);
}

void check_dwconv_f32(struct check *check, const struct dwconv_f32_impl *impl) {
    static const int kernels[] = {1, 2, 3, 3, 4, 5, 7},
                     channels[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 24, 33, 70, 145};
    for (int side = 3; side <= 5; side += 2) /* the fast windows, all widths around a tile */
        for (int stride = 1; stride <= 2; stride++)
            for (int out = 1; out <= 30 && !check_done(check); out++)
                for (int pad = 0; pad < side; pad++) {
                    int in = (out - 1) * stride + side - pad - check_random(check, 0, side - 1);
                    if (in < 1) continue;
                    struct window window = {
                        check_random(check, side, 8), in, 2, out, side, side, stride, stride, 0, pad, 1, 1};
                    window.out_height = (window.in_height - side) / stride + 1;
                    check_problem(check, impl, window, 1, check_pick(check, channels));
                }
    for (int i = 0; i < 600 && !check_done(check); i++) {
        int side = check_pick(check, kernels), other = check_coin(check) ? side : check_pick(check, kernels);
        struct window window =
            check_window(check, check_random(check, 1, 12), check_random(check, 1, 20), side, other);
        check_problem(check, impl, window, check_random(check, 1, 3), check_pick(check, channels));
    }
    for (int i = 0; i < 5; i++) check_against_conv(check, impl);
}

typedef void pool_function(const struct pool_f32_args *args);

static struct tensor run_pool(pool_function *pool, struct pool_f32_args args, bool shifted) {
    struct tensor y =
        tensor_output((size_t)args.images * output_floats(&args.window, args.channels), shifted);
    args.y = y.data;
    pool(&args);
    return y;
}

static void check_pool(struct check *check, pool_function *pool, pool_function *reference, const char *name) {
    static const int kernels[] = {1, 2, 3, 3, 5, 7}, channels[] = {1, 3, 7, 8, 9, 16, 17, 24, 33, 130};
    struct pool_f32_args args = {.images = check_random(check, 1, 3),
                                 .channels = check_pick(check, channels)};
    args.window = check_window(check, check_random(check, 1, 12), check_random(check, 1, 15),
                               check_pick(check, kernels), check_pick(check, kernels));
    args.count_padding = check_coin(check);
    struct tensor x = tensor_input(check, (size_t)args.images * input_floats(&args.window, args.channels),
                                   check_coin(check));
    args.x = x.data;
    char text[128];
    window_text(&args.window, text);
    check_case(check, "%s pool %s, images %d, channels %d, count padding %d", name, text, args.images,
               args.channels, args.count_padding);
    struct tensor got = run_pool(pool, args, check_coin(check)), want = run_pool(reference, args, false);
    check_output(check, &got, &want, NULL, 0, 1, got.count, got.count);
    tensor_free(&x);
    tensor_free(&got);
    tensor_free(&want);
}

static void check_global_average(struct check *check, const struct pool_f32_impl *impl) {
    int images = check_random(check, 1, 3), pixels = check_random(check, 1, 50),
        channels = check_random(check, 1, 90);
    struct tensor x = tensor_input(check, (size_t)(images * pixels * channels), check_coin(check));
    struct tensor got = tensor_output((size_t)(images * channels), check_coin(check));
    struct tensor want = tensor_output(got.count, false);
    check_case(check, "global average: images %d, pixels %d, channels %d", images, pixels, channels);
    impl->global_average(images, pixels, channels, x.data, got.data);
    pool_f32_scalar.global_average(images, pixels, channels, x.data, want.data);
    check_output(check, &got, &want, NULL, 0, 1, got.count, got.count);
    tensor_free(&x);
    tensor_free(&got);
    tensor_free(&want);
}

void check_pool_f32(struct check *check, const struct pool_f32_impl *impl) {
    for (int i = 0; i < 200 && !check_done(check); i++) {
        check_pool(check, impl->max, pool_f32_scalar.max, "max");
        check_pool(check, impl->average, pool_f32_scalar.average, "average");
        check_global_average(check, impl);
    }
}
