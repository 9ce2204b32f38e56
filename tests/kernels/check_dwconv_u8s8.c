/* Depthwise convolution in 8 bits: equal to the plain C to the bit, for any window, and never written outside y. */
#include "base/memory.h"
#include "check.h"
#include "kernels/dwconv_u8s8/dwconv_u8s8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 64, GUARD_BYTE = 0xA5 };

/* x [images][in_height][in_width][channels], w [channels][kh][kw], bias and multiplier [channels] */
struct problem {
    struct window window;
    int images, channels, padding;
    struct requantise_output output;
    size_t image_in, image_out, taps; /* elements */
    uint8_t *x;
    int8_t *w;
    int32_t *bias;
    float *multiplier;
};

/* Random bytes, only the extremes at random, or all the same extreme. Past them MEMORY_ALIGN bytes may be read. */
static void fill_bytes(struct check *check, uint8_t *bytes, size_t count, int low, int high) {
    int kind = check_random(check, 0, 3);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(kind == 0                        ? low
                             : kind == 1                      ? high
                             : kind == 2 && check_coin(check) ? low
                             : kind == 2                      ? high
                                                              : check_random(check, low, high));
}

/* The sums of a channel lie in (-limit, limit); the plan promises limit <= 2^31 and |v| < 2^31 - 1024. Biases and
 * multipliers are such that results fill the range, are all saturated, or reach the bounds. */
static void fill_scales(struct check *check, struct problem *p) {
    int kind = check_random(check, 0, 3);
    for (int c = 0; c < p->channels; c++) {
        double sum = 0;
        for (size_t t = 0; t < p->taps; t++) sum += 255.0 * abs(p->w[(size_t)c * p->taps + t]);
        double room = 2147483647.0 - sum;
        double bias = kind == 0   ? 0
                      : kind == 1 ? (check_coin(check) ? room : -room)
                                  : sum * check_random(check, -100, 100) / 100;
        double range = sum + fabs(bias) + 1;
        p->bias[c] = (int32_t)bias;
        p->multiplier[c] = (float)(kind == 3 ? 2147482000.0 / range : check_random(check, 1, 2000) / range);
        if (kind == 2 && check_coin(check)) p->multiplier[c] = 0.5f; /* ties */
    }
}

static struct problem problem_new(struct check *check, struct window window, int images, int channels) {
    struct problem p = {.window = window, .images = images, .channels = channels};
    size_t count = (size_t)channels;
    p.image_in = (size_t)window.in_height * (size_t)window.in_width * count;
    p.image_out = (size_t)window.out_height * (size_t)window.out_width * count;
    p.taps = (size_t)window.kernel_height * (size_t)window.kernel_width;
    p.x = memory_new_aligned((size_t)images * p.image_in, 1);
    p.w = memory_new_aligned(count * p.taps, 1);
    p.bias = memory_new_aligned(count, sizeof *p.bias);
    p.multiplier = memory_new_aligned(count, sizeof *p.multiplier);
    fill_bytes(check, p.x, (size_t)images * p.image_in, 0, 255);
    memset(p.x + (size_t)images * p.image_in, 0xFF, MEMORY_ALIGN);
    fill_bytes(check, (uint8_t *)p.w, count * p.taps, -128, 127);
    fill_scales(check, &p);
    static const int bytes[] = {0, 0, 1, 127, 128, 255};
    p.padding = check_coin(check) ? check_pick(check, bytes) : check_random(check, 0, 255);
    p.output = (struct requantise_output){
        check_coin(check) ? check_pick(check, bytes) : check_random(check, 0, 255), 0, 255};
    if (check_coin(check)) p.output.low = check_random(check, 0, 255);
    if (check_coin(check)) p.output.high = check_random(check, p.output.low, 255);
    char text[128];
    window_text(&window, text);
    check_case(check, "depthwise u8s8 %s, images %d, channels %d, padding %d, zero point %d, clamp %d %d",
               text, images, channels, p.padding, p.output.zero_point, p.output.low, p.output.high);
    return p;
}

static void problem_free(struct problem *p) {
    memory_free(p->x);
    memory_free(p->w);
    memory_free(p->bias);
    memory_free(p->multiplier);
}

/* y of images [first, first + images) between guards: y starts `shift` bytes behind them. */
static uint8_t *problem_run(struct check *check, const struct problem *p, const struct dwconv_u8s8_impl *impl,
                            int first, int images, size_t shift) {
    const struct window *g = &p->window;
    struct tensor packed = tensor_aligned(
        impl->packed_bytes(p->channels, g->kernel_height, g->kernel_width) / sizeof(float) + 1);
    struct tensor scratch = tensor_aligned(impl->scratch_bytes(g, p->channels) / sizeof(float) + 1);
    size_t bytes = (size_t)images * p->image_out;
    uint8_t *block = memory_new_aligned(bytes + 2 * GUARD + shift, 1);
    memset(block, GUARD_BYTE, bytes + 2 * GUARD + shift);
    impl->pack(p->channels, g->kernel_height, g->kernel_width, p->w, p->bias, p->multiplier, packed.data);
    impl->run(&(struct dwconv_u8s8_args){.window = *g,
                                         .images = images,
                                         .channels = p->channels,
                                         .x = p->x + (size_t)first * p->image_in,
                                         .padding = p->padding,
                                         .packed = packed.data,
                                         .output = p->output,
                                         .y = block + GUARD + shift,
                                         .scratch = scratch.data});
    check_guards(check, &packed);
    check_guards(check, &scratch);
    tensor_free(&packed);
    tensor_free(&scratch);
    return block;
}

/* Makes a message of the first difference. */
static void compare(struct check *check, const struct problem *p, const uint8_t *got, const uint8_t *want) {
    for (size_t i = 0; i < (size_t)p->images * p->image_out; i++) {
        if (got[i] == want[i]) continue;
        char message[128];
        size_t channels = (size_t)p->channels;
        snprintf(message, sizeof message, "image %zu, pixel %zu, channel %zu: %d instead of %d",
                 i / p->image_out, i % p->image_out / channels, i % channels, got[i], want[i]);
        check_that(check, false, message);
        return;
    }
}

static void check_problem(struct check *check, const struct dwconv_u8s8_impl *impl, struct window window,
                          int images, int channels) {
    struct problem p = problem_new(check, window, images, channels);
    size_t bytes = (size_t)images * p.image_out, shift = (size_t)check_random(check, 0, 1) * 13;
    uint8_t *got = problem_run(check, &p, impl, 0, images, shift), *y = got + GUARD + shift;
    uint8_t *want = problem_run(check, &p, &dwconv_u8s8_scalar, 0, images, 0);
    if (check->sabotage == SABOTAGE_VALUE) y[bytes - 1] ^= 1;
    if (check->sabotage == SABOTAGE_BEFORE) y[-1] ^= 1;
    if (check->sabotage == SABOTAGE_AFTER) y[bytes] ^= 1;
    compare(check, &p, y, want + GUARD);
    bool intact = true;
    for (size_t i = 0; i < GUARD + shift; i++) intact &= got[i] == GUARD_BYTE;
    for (size_t i = 0; i < GUARD; i++) intact &= y[bytes + i] == GUARD_BYTE;
    check_that(check, intact, "written outside the output");
    for (int image = 0; image < images; image++) {
        uint8_t *alone = problem_run(check, &p, impl, image, 1, 1);
        if (check->sabotage == SABOTAGE_BIT) alone[GUARD + 1] ^= 1;
        check_that(check, memcmp(alone + GUARD + 1, y + (size_t)image * p.image_out, p.image_out) == 0,
                   "the result depends on the batch");
        memory_free(alone);
    }
    memory_free(got);
    memory_free(want);
    problem_free(&p);
}

/* What the header promises, by hand: one channel, a window of 2x1 that sees one row and the padding below it. */
static void check_specification(struct check *check, const struct dwconv_u8s8_impl *impl) {
    struct window window = {1, 3, 1, 3, 2, 1, 1, 1, 0, 0, 1, 1};
    struct problem p = problem_new(check, window, 1, 1);
    memcpy(p.x, (const uint8_t[3]){10, 200, 255}, 3);
    memcpy(p.w, (const int8_t[2]){-3, 5}, 2);
    p.bias[0] = 100, p.multiplier[0] = 0.125f, p.padding = 4;
    p.output = (struct requantise_output){90, 20, 99};
    uint8_t *block = problem_run(check, &p, impl, 0, 1, 0);
    /* (100 - 30 + 20) / 8 = 11.25, (100 - 600 + 20) / 8 = -60, (100 - 765 + 20) / 8 = -80.6 */
    check_that(check, memcmp(block + GUARD, (const uint8_t[3]){99, 30, 20}, 3) == 0, "not as by hand");
    memory_free(block);
    problem_free(&p);
}

/* The fast windows: heights and widths around a tile, paddings that differ from side to side. */
static void check_fast(struct check *check, const struct dwconv_u8s8_impl *impl, int side, int stride) {
    static const int channels[] = {1, 5, 8, 15, 16, 24, 31, 32, 48, 63, 64, 96, 100, 144, 192};
    for (int out = 1; out <= 17 && !check_done(check); out++)
        for (int pad = 0; pad < side; pad++) {
            int in = (out - 1) * stride + side - pad - check_random(check, 0, side - 1);
            if (in < 1) continue;
            int height = check_random(check, 1, 9), top = check_random(check, 0, side - 1);
            int bottom = check_random(check, 0, side - 1);
            if (height + top + bottom < side) continue;
            struct window window = {height, in, 0, out, side, side, stride, stride, top, pad, 1, 1};
            window.out_height = (height + top + bottom - side) / stride + 1;
            check_problem(check, impl, window, check_random(check, 1, 2), check_pick(check, channels));
        }
}

void check_dwconv_u8s8(struct check *check, const struct dwconv_u8s8_impl *impl) {
    static const int kernels[] = {1, 2, 3, 3, 4, 5, 5, 7};
    check_specification(check, impl);
    for (int side = 3; side <= 5; side += 2)
        for (int stride = 1; stride <= 2; stride++) check_fast(check, impl, side, stride);
    for (int channels = 1; channels <= 200 && !check_done(check); channels++) {
        int side = check_coin(check) ? 3 : 5, stride = check_random(check, 1, 2);
        int in = check_random(check, 6, 9), out = (in + stride - 1) / stride, pad = side / 2;
        struct window window = {in, in, out, out, side, side, stride, stride, pad, pad, 1, 1};
        check_problem(check, impl, window, 1, channels);
    }
    for (int i = 0; i < 500 && !check_done(check); i++) {
        int side = check_pick(check, kernels), other = check_coin(check) ? side : check_pick(check, kernels);
        struct window window =
            check_window(check, check_random(check, 1, 12), check_random(check, 1, 16), side, other);
        check_problem(check, impl, window, check_random(check, 1, 3), check_random(check, 1, 130));
    }
}
