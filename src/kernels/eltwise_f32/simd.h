/* eltwise_f32 on top of simd/ISA.h. All but the sigmoid equal the plain C to the bit. */
#include "kernels/eltwise_f32/eltwise_f32.h"

#include <math.h>

/* For i = 0, VEC, 2 VEC, ...: y[i ..] = expression, in which LOAD(p) is the vector at p[i]. */
#define FOR_EACH_VECTOR(count, y, expression)                                                                \
    do {                                                                                                     \
        for (size_t i = 0; i < (count); i += VEC) {                                                          \
            size_t lanes = (count)-i;                                                                        \
            vec_store_upto((y) + i, (expression), lanes);                                                    \
        }                                                                                                    \
    } while (0)
#define LOAD(p) vec_load_upto((p) + i, lanes)

static void clamp(size_t count, const float *x, float low, float high, float *y) {
    vec bottom = vec_set(low), top = vec_set(high);
    FOR_EACH_VECTOR(count, y, vec_clamp(LOAD(x), bottom, top));
}

/* e^x for x in [-87, 88], relative error below 2e-7: x = n ln 2 + r with |r| <= 0.347, the Taylor polynomial of degree 7
 * (next term below 6e-9), times 2^n. ln 2 is split so that n * high is exact (Cody and Waite, 1980). */
ALWAYS_INLINE vec vec_exp(vec x) {
    vec n = vec_round(vec_mul(x, vec_set(1.44269504f)));
    vec r = vec_fma(n, vec_set(-0.693359375f), x);
    r = vec_fma(n, vec_set(2.12194440e-4f), r);
    static const float reciprocal_factorials[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6,
                                                  0.5f,       1.0f,       1.0f};
    vec p = vec_set(1.0f / 5040);
    UNROLL
    for (int i = 0; i < 7; i++) p = vec_fma(p, r, vec_set(reciprocal_factorials[i]));
    return vec_mul(p, vec_power_of_two(n));
}

ALWAYS_INLINE vec vec_sigmoid(vec x) {
    vec one = vec_set(1.0f), minus_x = vec_mul(x, vec_set(-1.0f));
    return vec_div(one, vec_add(one, vec_exp(vec_clamp(minus_x, vec_set(-87.0f), vec_set(88.0f)))));
}

static void sigmoid(size_t count, const float *x, float *y) {
    FOR_EACH_VECTOR(count, y, vec_sigmoid(LOAD(x)));
}

static void hard_sigmoid(size_t count, const float *x, float alpha, float beta, float *y) {
    vec zero = vec_set(0.0f), one = vec_set(1.0f), slope = vec_set(alpha), offset = vec_set(beta);
    FOR_EACH_VECTOR(count, y, vec_clamp(vec_add(vec_mul(slope, LOAD(x)), offset), zero, one));
}

static void hard_swish(size_t count, const float *x, float *y) {
    vec zero = vec_set(0.0f), one = vec_set(1.0f), sixth = vec_set(1.0f / 6.0f), half = vec_set(0.5f);
    FOR_EACH_VECTOR(count, y, vec_mul(LOAD(x), vec_clamp(vec_add(vec_mul(LOAD(x), sixth), half), zero, one)));
}

static void add(size_t count, const float *a, const float *b, float *y) {
    FOR_EACH_VECTOR(count, y, vec_add(LOAD(a), LOAD(b)));
}

static void multiply(size_t count, const float *a, const float *b, float *y) {
    FOR_EACH_VECTOR(count, y, vec_mul(LOAD(a), LOAD(b)));
}

static void scale_channels(size_t pixels, int channels, const float *x, const float *scale,
                           const float *shift, float low, float high, float *y) {
    size_t count = (size_t)channels;
    vec bottom = vec_set(low), top = vec_set(high);
    for (size_t pixel = 0; pixel < pixels; pixel++, x += count, y += count) {
        if (shift)
            FOR_EACH_VECTOR(count, y,
                            vec_clamp(vec_add(vec_mul(LOAD(x), LOAD(scale)), LOAD(shift)), bottom, top));
        else
            FOR_EACH_VECTOR(count, y, vec_clamp(vec_mul(LOAD(x), LOAD(scale)), bottom, top));
    }
}
