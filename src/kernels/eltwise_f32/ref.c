/* The specification of eltwise_f32. Nothing is fused: every operation rounds. */
#include "kernels/eltwise_f32/eltwise_f32.h"
#include "kernels/scalar.h"

#include <math.h>

static void clamp(size_t count, const float *x, float low, float high, float *y) {
    for (size_t i = 0; i < count; i++) y[i] = scalar_clamp(x[i], low, high);
}

static void sigmoid(size_t count, const float *x, float *y) {
    for (size_t i = 0; i < count; i++) y[i] = (float)(1.0 / (1.0 + exp(-(double)x[i])));
}

static void hard_sigmoid(size_t count, const float *x, float alpha, float beta, float *y) {
    for (size_t i = 0; i < count; i++) y[i] = scalar_clamp(alpha * x[i] + beta, 0.0f, 1.0f);
}

static void hard_swish(size_t count, const float *x, float *y) {
    for (size_t i = 0; i < count; i++) y[i] = x[i] * scalar_clamp(x[i] * (1.0f / 6.0f) + 0.5f, 0.0f, 1.0f);
}

static void add(size_t count, const float *a, const float *b, float *y) {
    for (size_t i = 0; i < count; i++) y[i] = a[i] + b[i];
}

static void multiply(size_t count, const float *a, const float *b, float *y) {
    for (size_t i = 0; i < count; i++) y[i] = a[i] * b[i];
}

static void scale_channels(size_t pixels, int channels, const float *x, const float *scale,
                           const float *shift, float low, float high, float *y) {
    for (size_t pixel = 0; pixel < pixels; pixel++)
        for (int c = 0; c < channels; c++) {
            float product = *x++ * scale[c];
            *y++ = scalar_clamp(shift ? product + shift[c] : product, low, high);
        }
}

const struct eltwise_f32_impl eltwise_f32_scalar = {
    "scalar", POMONA_TIER_SCALAR, clamp, sigmoid, hard_sigmoid, hard_swish, add, multiply, scale_channels};
