/* Element-wise functions and pixels. */
#include "check.h"
#include "kernels/eltwise_f32/eltwise_f32.h"
#include "kernels/pixels_f32/pixels_f32.h"

#include <math.h>
#include <stdlib.h>

/* The operations with one signature, so that one check serves all: b is the second operand, or scale and shift. */
typedef void operation(const struct eltwise_f32_impl *impl, size_t count, const float *a, const float *b,
                       float *y);

enum { CHANNELS = 7 };

static void op_clamp(const struct eltwise_f32_impl *impl, size_t count, const float *a, const float *b,
                     float *y) {
    (void)b;
    impl->clamp(count, a, -0.25f, 0.5f, y);
}
static void op_hard_sigmoid(const struct eltwise_f32_impl *impl, size_t count, const float *a, const float *b,
                            float *y) {
    (void)b;
    impl->hard_sigmoid(count, a, 0.2f, 0.5f, y);
}
static void op_hard_swish(const struct eltwise_f32_impl *impl, size_t count, const float *a, const float *b,
                          float *y) {
    (void)b;
    impl->hard_swish(count, a, y);
}
static void op_add(const struct eltwise_f32_impl *impl, size_t count, const float *a, const float *b,
                   float *y) {
    impl->add(count, a, b, y);
}
static void op_multiply(const struct eltwise_f32_impl *impl, size_t count, const float *a, const float *b,
                        float *y) {
    impl->multiply(count, a, b, y);
}
/* count / channels pixels; what remains is left as it is */
static void op_scale_channels(const struct eltwise_f32_impl *impl, size_t count, const float *a,
                              const float *b, float *y) {
    int channels = count >= 40 ? 20 : count >= CHANNELS ? CHANNELS : 1;
    if (count < 2) return;
    impl->scale_channels(count / (size_t)channels, channels, a, b, count % 2 ? b + 1 : NULL, -1.0f, 1.0f, y);
}

static void check_operation(struct check *check, const struct eltwise_f32_impl *impl, operation *op,
                            const char *name, size_t count) {
    bool shifted = check_coin(check), in_place = check_coin(check);
    struct tensor a = tensor_input(check, count, shifted),
                  b = tensor_input(check, count + 1, check_coin(check));
    struct tensor got = tensor_output(count, shifted), want = tensor_output(count, false);
    check_case(check, "%s of %zu%s", name, count, in_place ? " in place" : "");
    for (size_t i = 0; in_place && i < count; i++) got.data[i] = want.data[i] = a.data[i];
    op(impl, count, in_place ? got.data : a.data, b.data, got.data);
    op(&eltwise_f32_scalar, count, in_place ? want.data : a.data, b.data, want.data);
    check_output(check, &got, &want, NULL, 0, 1, count, count);
    tensor_free(&a);
    tensor_free(&b);
    tensor_free(&got);
    tensor_free(&want);
}

/* The promise: 3e-7 relative from -87 up, below that within 2e-38 of the value, which is smaller still. Above, the
 * result is 1. */
static void check_sigmoid(struct check *check, const struct eltwise_f32_impl *impl) {
    enum { COUNT = 40001 };
    struct tensor x = tensor_input(check, COUNT, true), got = tensor_output(COUNT, true);
    struct tensor want = tensor_output(COUNT, false);
    for (int i = 0; i < COUNT - 4; i++) x.data[i] = (float)(i - COUNT / 2) * (110.0f / (COUNT / 2));
    x.data[COUNT - 4] = INFINITY, x.data[COUNT - 3] = -INFINITY, x.data[COUNT - 2] = NAN,
                   x.data[COUNT - 1] = -0.0f;
    check_case(check, "sigmoid");
    impl->sigmoid(COUNT, x.data, got.data);
    eltwise_f32_scalar.sigmoid(COUNT, x.data, want.data);
    check_output(check, &got, &want, want.data, 3e-7, 1, COUNT, COUNT);
    for (size_t count = 1; count < 40; count++) {
        struct tensor part = tensor_output(count, false);
        impl->sigmoid(count, x.data + 20000, part.data);
        check_guards(check, &part);
        check_bits(check, got.data + 20000, part.data, count);
        tensor_free(&part);
    }
    tensor_free(&x);
    tensor_free(&got);
    tensor_free(&want);
}

void check_eltwise_f32(struct check *check, const struct eltwise_f32_impl *impl) {
    static const struct {
        operation *op;
        const char *name;
    } operations[] = {{op_clamp, "clamp"},           {op_hard_sigmoid, "hard sigmoid"},
                      {op_hard_swish, "hard swish"}, {op_add, "add"},
                      {op_multiply, "multiply"},     {op_scale_channels, "scale channels"}};
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        for (size_t count = 1; count < 150 && !check_done(check); count++)
            check_operation(check, impl, operations[i].op, operations[i].name, count);
    check_sigmoid(check, impl);
}

void check_pixels_f32(struct check *check, const struct pixels_f32_impl *impl) {
    static const float scale[3] = {1 / 127.5f, 0.0171f, 1 / 255.0f}, shift[3] = {-1.0f, -2.1f, 0.4f};
    for (size_t pixels = 1; pixels < 300 && !check_done(check); pixels++) {
        size_t count = pixels * 3;
        uint8_t *x =
            malloc(count); /* exactly as long, so that the sanitizer sees what is read past the end */
        if (!x) abort();
        for (size_t i = 0; i < count; i++) x[i] = (uint8_t)check_random(check, 0, 255);
        struct tensor got = tensor_output(count, check_coin(check)), want = tensor_output(count, false);
        check_case(check, "%zu pixels", pixels);
        impl->normalise(pixels, x, scale, shift, got.data);
        pixels_f32_scalar.normalise(pixels, x, scale, shift, want.data);
        check_output(check, &got, &want, NULL, 0, 1, count, count);
        free(x);
        tensor_free(&got);
        tensor_free(&want);
    }
}
