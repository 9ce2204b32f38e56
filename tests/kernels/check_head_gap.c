/* The last convolution and its mean: equal to the plain C to the bit. */
#include "base/memory.h"
#include "check_bytes.h"
#include "kernels/head_gap_f32/head_gap_f32.h"

#include <math.h>
#include <string.h>

/* y [images][n] as bytes of floats */
static struct bytes run_images(struct check *check, const struct head_gap_f32_impl *impl,
                               const struct integer_layer *layer, struct head_gap_f32_args args, int first,
                               int images) {
    struct bytes packed = bytes_output(impl->packed_bytes(args.n, args.k), false);
    impl->pack(args.n, args.k, layer->w, layer->bias, layer->multiplier, packed.data);
    check_bytes_guards(check, &packed);
    struct bytes y = bytes_output((size_t)images * (size_t)args.n * sizeof(float), false);
    args.x += (size_t)first * (size_t)args.pixels * (size_t)args.k;
    args.images = images;
    args.packed = packed.data;
    args.y = (float *)(void *)y.data;
    impl->run(&args);
    bytes_free(&packed);
    return y;
}

static void check_problem(struct check *check, const struct head_gap_f32_impl *impl, int images, int pixels,
                          int n, int k) {
    struct bytes x = bytes_input(check, (size_t)images * (size_t)pixels * (size_t)k, check_coin(check));
    struct integer_layer layer = layer_new(check, n, k);
    struct head_gap_f32_args args = {
        .pixels = pixels, .n = n, .k = k, .x = x.data, .low = -INFINITY, .high = INFINITY};
    if (check_coin(check)) args.low = 0, args.high = 6;
    check_case(check, "head of %d images, %d pixels, n %d k %d, clamp %g", images, pixels, n, k,
               (double)args.high);
    size_t row = (size_t)n * sizeof(float);
    struct bytes got = run_images(check, impl, &layer, args, 0, images);
    struct bytes want = run_images(check, &head_gap_f32_scalar, &layer, args, 0, images);
    struct bytes alone = run_images(check, impl, &layer, args, images - 1, 1);
    check_same_bytes(check, got.data + (size_t)(images - 1) * row, alone.data, row);
    check_bytes(check, &got, &want, (size_t)images, row, row);
    bytes_free(&got), bytes_free(&want), bytes_free(&alone), bytes_free(&x), layer_free(&layer);
}

void check_head_gap_f32(struct check *check, const struct head_gap_f32_impl *impl) {
    static const int widths[] = {1, 3, 4, 8, 15, 16, 17, 32, 33, 48, 64, 65, 100, 128, 200};
    static const int depths[] = {1, 3, 4, 16, 33, 96};
    for (int pixels = 1; pixels <= 50 && !check_done(check); pixels += pixels < 16 ? 1 : 11)
        for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
            check_problem(check, impl, check_random(check, 1, 3), pixels, widths[i],
                          check_pick(check, depths));
    check_problem(check, impl, 2, 49, 1280, 320);
}
