/* The first convolution from RGB bytes: equal to the plain C to the bit. */
#include "base/memory.h"
#include "check_bytes.h"
#include "kernels/conv0_rgbx/conv0_rgbx.h"

/* x [height][width][3], w [out][3][kh][kw] */
struct problem {
    struct conv0_rgbx_args args; /* without what depends on the implementation */
    struct bytes x, table;
    struct integer_layer layer;
};

static struct bytes problem_run(struct check *check, const struct problem *p,
                                const struct conv0_rgbx_impl *impl, int first, int last) {
    struct conv0_rgbx_args args = p->args;
    const struct window *g = &args.window;
    struct bytes packed =
        bytes_output(impl->packed_bytes(args.out_channels, g->kernel_height, g->kernel_width), false);
    impl->pack(args.out_channels, g->kernel_height, g->kernel_width, p->layer.w, p->layer.bias,
               p->layer.multiplier, packed.data);
    struct bytes scratch = bytes_output(impl->scratch_bytes(g) + MEMORY_ALIGN, false);
    struct bytes y = bytes_output((size_t)(last - first) * (size_t)g->out_width * (size_t)args.out_channels,
                                  check_coin(check));
    args.packed = packed.data;
    args.scratch = scratch.data;
    args.y = y.data;
    args.first = first;
    args.last = last;
    impl->prepare(&args);
    impl->run(&args);
    check_bytes_guards(check, &packed);
    check_bytes_guards(check, &scratch);
    bytes_free(&packed);
    bytes_free(&scratch);
    return y;
}

static void check_problem(struct check *check, const struct conv0_rgbx_impl *impl, struct window window,
                          int channels) {
    char text[128];
    window.dilation_x = window.dilation_y = 1;
    window_text(&window, text);
    int taps = window.kernel_height * window.kernel_width;
    bool table = check_coin(check);
    struct problem p = {.args = {.window = window, .out_channels = channels}};
    p.x = bytes_input(check, 3 * (size_t)window.in_height * (size_t)window.in_width, check_coin(check));
    p.table = bytes_input(check, 3 * 256, false);
    p.layer = layer_new(check, channels, 3 * taps);
    p.args.x = p.x.data;
    p.args.table = table ? p.table.data : NULL;
    p.args.padding = check_coin(check) ? 128 : check_random(check, 0, 255);
    p.args.output = random_output(check);
    check_case(check, "conv0 %s, %d channels, table %d", text, channels, table);
    size_t row = (size_t)window.out_width * (size_t)channels;
    struct bytes got = problem_run(check, &p, impl, 0, window.out_height);
    struct bytes want = problem_run(check, &p, &conv0_rgbx_scalar, 0, window.out_height);
    struct bytes alone = problem_run(check, &p, impl, window.out_height - 1, window.out_height);
    check_same_bytes(check, got.data + (size_t)(window.out_height - 1) * row, alone.data, row);
    check_bytes(check, &got, &want, (size_t)window.out_height, row, row);
    bytes_free(&got), bytes_free(&want), bytes_free(&alone);
    bytes_free(&p.x), bytes_free(&p.table), layer_free(&p.layer);
}

void check_conv0_rgbx(struct check *check, const struct conv0_rgbx_impl *impl) {
    static const int channels[] = {1, 8, 16, 24, 32, 33, 40, 64, 70};
    for (int kernel = 1; kernel <= 7; kernel++)
        for (int side = 1; side <= 40 && !check_done(check); side += side < 10 ? 1 : 5) {
            struct window window = check_window(check, side, check_random(check, 1, 60), kernel, kernel);
            while (window.dilation_x > 1 || window.dilation_y > 1)
                window = check_window(check, side, check_random(check, 1, 60), kernel, kernel);
            check_problem(check, impl, window, check_pick(check, channels));
        }
    check_problem(check, impl, (struct window){224, 224, 112, 112, 3, 3, 2, 2, 0, 0, 1, 1}, 32);
}
