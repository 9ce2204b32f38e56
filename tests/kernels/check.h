/* checkkernels: every kernel of a tier against the plain C, on random and worst-case input, between guard bytes.
 * The habit is that of dav1d's checkasm. */
#ifndef TESTS_KERNELS_CHECK_H
#define TESTS_KERNELS_CHECK_H

#include "kernels/window.h"
#include "pomona/cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conv_f32_impl;
struct dwconv_f32_impl;
struct dwconv_u8s8_impl;
struct eltwise_f32_impl;
struct gemm_f32_impl;
struct gemm_f64_impl;
struct gemm_u8s8_impl;
struct lut_u8_impl;
struct head_gap_f32_impl;
struct conv0_rgbx_impl;
struct pixels_f32_impl;
struct pool_f32_impl;
struct resize_u8_impl;
struct syrk_s16_impl;

/* What --self-test does to the output of a kernel before it is checked, to prove that the checks can fail. */
enum sabotage {
    SABOTAGE_NONE,
    SABOTAGE_VALUE,  /* one element is off by twice its bound */
    SABOTAGE_BEFORE, /* the byte before the output is written */
    SABOTAGE_AFTER,  /* the byte after it */
    SABOTAGE_BIT,    /* the last bit of one element depends on the batch */
    SABOTAGE_COUNT
};

struct check {
    uint64_t random;
    enum sabotage sabotage;
    bool quiet;
    long cases, failures;
    char what[256]; /* the case that runs, for messages */
};

/* Starts a case and names it. */
void check_case(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A uniform integer in [low, high], a coin, and one element of an array. */
int check_random(struct check *check, int low, int high);
bool check_coin(struct check *check);
#define check_pick(check, array) ((array)[check_random(check, 0, (int)(sizeof(array) / sizeof *(array)) - 1)])

/* Floats between guards. */
struct tensor {
    float *data;
    size_t count;
    unsigned char *block;
};

/* Random floats, of a kind picked at random: in [-1, 1]; of all magnitudes 2^-20 .. 2^20; with zeros, -0, denormals
 * and 1e15 among them. `shifted` starts it one float past an aligned address. What a kernel may read past the end
 * is NaN, and what it may not read is not there (for the address sanitizer). */
struct tensor tensor_input(struct check *check, size_t count, bool shifted);
/* A copy with the absolute values. */
struct tensor tensor_absolute(const struct tensor *input);
/* Uninitialised output; every call fills data and guards with the same bytes. */
struct tensor tensor_output(size_t count, bool shifted);
/* Memory for packed weights or scratch: aligned, guarded, filled like an output. */
struct tensor tensor_aligned(size_t count);
void tensor_free(struct tensor *tensor);

/* Compares [rows][n] elements, stride apart, of got with want: |got - want| <= factor * scale + tiny, or equal where
 * scale is NULL (0 and -0 are equal, NaN equals NaN). Gaps between rows and guards must be untouched. */
void check_output(struct check *check, struct tensor *got, const struct tensor *want, const float *scale,
                  double factor, size_t rows, size_t n, size_t stride);

/* The guards of a tensor must be untouched. */
void check_guards(struct check *check, const struct tensor *tensor);

/* Elements that must agree to the bit, because only the tile or the batch they were computed in differs. */
void check_bits(struct check *check, const float *a, const float *b, size_t count);

void check_that(struct check *check, bool condition, const char *message);

/* Whether a spoilt output was noticed, so that the self-test needs no further case. */
static inline bool check_done(const struct check *check) {
    return check->sabotage != SABOTAGE_NONE && check->failures > 0;
}

/* A window over an image of in_height x in_width, random strides, paddings (also uneven) and dilations, with at
 * least one output. */
struct window check_window(struct check *check, int in_height, int in_width, int kernel_height,
                           int kernel_width);
/* "3x3 s2x1 p0,1 d1x1 in 7x9 out 3x9" into text */
void window_text(const struct window *window, char text[128]);

/* How far two sums of `terms` products may lie apart, times the sum of the absolute products: each of at most
 * terms + 2 additions (bias and residual) and each product rounds by 2^-24 relative, in either sum. */
static inline double sum_bound(int terms) { return (2.0 * terms + 4.0) * 0x1p-24 * 1.01; }

void check_gemm_f32(struct check *check, const struct gemm_f32_impl *impl);
void check_gemm_f64(struct check *check, const struct gemm_f64_impl *impl);
void check_gemm_u8s8(struct check *check, const struct gemm_u8s8_impl *impl);
void check_conv0_rgbx(struct check *check, const struct conv0_rgbx_impl *impl);
void check_head_gap_f32(struct check *check, const struct head_gap_f32_impl *impl);
void check_lut_u8(struct check *check, const struct lut_u8_impl *impl);
void check_conv_f32(struct check *check, const struct conv_f32_impl *impl);
void check_dwconv_f32(struct check *check, const struct dwconv_f32_impl *impl);
void check_pool_f32(struct check *check, const struct pool_f32_impl *impl);
void check_eltwise_f32(struct check *check, const struct eltwise_f32_impl *impl);
void check_pixels_f32(struct check *check, const struct pixels_f32_impl *impl);
void check_resize_u8(struct check *check, const struct resize_u8_impl *impl);
void check_syrk_s16(struct check *check, const struct syrk_s16_impl *impl);
void check_dwconv_u8s8(struct check *check, const struct dwconv_u8s8_impl *impl);

/* The best time of one call of `work`, of those that fit into a tenth of a second. */
double bench_best_seconds(void (*work)(const void *args), const void *args);

/* Prints the speed of the tier's kernels on the layers of MobileNetV2 1.0/224. */
void bench_kernels(pomona_tier tier);
void bench_integer_kernels(pomona_tier tier);

#endif
