/* checkkernels --bench: GMAC/s of the tier's kernels on the layers of MobileNetV2 1.0/224, beside the peak of the
 * fused multiply-add unit measured in the same run. Times are the best of several tries, since other programs may
 * share the machine. */
#include "base/memory.h"
#include "check.h"
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/dwconv_f32/dwconv_f32.h"
#include "kernels/dwconv_u8s8/dwconv_u8s8.h"
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/kernels.h"
#include "kernels/peak.h"

#include <stdio.h>
#include <time.h>

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct bench {
    struct kernels kernels;
    struct check check;
    double peak, total_seconds, total_macs;
};

/* Calls `work` until a tenth of a second has gone by and returns the best time of one call. */
double bench_best_seconds(void (*work)(const void *args), const void *args) {
    double best = 1e9, end = seconds_now() + 0.1;
    for (int i = 0; i < 3 || seconds_now() < end; i++) {
        double start = seconds_now();
        work(args);
        double seconds = seconds_now() - start;
        if (seconds < best) best = seconds;
    }
    return best;
}

/* `layers` is how many layers of the net have this shape. */
static void report(struct bench *bench, const char *what, double macs, double seconds, int layers) {
    printf("%-28s %6.1f MMAC %8.1f us %7.1f GMAC/s", what, macs * 1e-6, seconds * 1e6, macs / seconds * 1e-9);
    if (bench->peak > 0) printf(" %4.0f %%", macs / seconds * 1e-7 / bench->peak);
    printf("\n");
    bench->total_macs += macs * layers;
    bench->total_seconds += seconds * layers;
}

struct call {
    const struct kernels *kernels;
    const void *args;
};

static void call_gemm(const void *p) {
    const struct call *call = p;
    call->kernels->gemm_f32->run(call->args);
}
static void call_dwconv(const void *p) {
    const struct call *call = p;
    call->kernels->dwconv_f32->run(call->args);
}
static void call_conv(const void *p) {
    const struct call *call = p;
    call->kernels->conv_f32->run(call->args);
}

static void bench_gemm(struct bench *bench, int layers, int m, int k, int n) {
    const struct gemm_f32_impl *impl = bench->kernels.gemm_f32;
    struct tensor x = tensor_input(&bench->check, (size_t)m * (size_t)k, false);
    struct tensor w = tensor_input(&bench->check, (size_t)n * (size_t)k, false);
    struct tensor packed = tensor_aligned(impl->packed_floats(n, k));
    struct tensor y = tensor_output((size_t)m * (size_t)n, false);
    impl->pack(n, k, w.data, NULL, packed.data);
    struct gemm_f32_args args = {.m = m,
                                 .n = n,
                                 .k = k,
                                 .x = x.data,
                                 .x_stride = (size_t)k,
                                 .packed = packed.data,
                                 .low = 0,
                                 .high = 6,
                                 .y = y.data,
                                 .y_stride = (size_t)n};
    struct call call = {&bench->kernels, &args};
    char what[64];
    snprintf(what, sizeof what, "gemm %d x %d x %d (%d)", m, k, n, layers);
    report(bench, what, (double)m * k * n, bench_best_seconds(call_gemm, &call), layers);
    tensor_free(&x), tensor_free(&w), tensor_free(&packed), tensor_free(&y);
}

static struct window same_window(int in, int kernel, int stride) {
    int out = (in + stride - 1) / stride, pad = ((out - 1) * stride + kernel - in) / 2;
    return (struct window){in, in, out, out, kernel, kernel, stride, stride, pad, pad, 1, 1};
}

static void bench_dwconv(struct bench *bench, int layers, int in, int kernel, int stride, int channels) {
    const struct dwconv_f32_impl *impl = bench->kernels.dwconv_f32;
    struct window g = same_window(in, kernel, stride);
    size_t outputs = (size_t)g.out_height * (size_t)g.out_width * (size_t)channels;
    struct tensor x = tensor_input(&bench->check, (size_t)in * (size_t)in * (size_t)channels, false);
    struct tensor w = tensor_input(&bench->check, (size_t)(kernel * kernel * channels), false);
    struct tensor packed = tensor_aligned(impl->packed_floats(channels, kernel, kernel));
    struct tensor scratch = tensor_aligned(impl->scratch_floats(&g, channels)),
                  y = tensor_output(outputs, false);
    impl->pack(channels, kernel, kernel, w.data, NULL, packed.data);
    struct dwconv_f32_args args = {.window = g,
                                   .images = 1,
                                   .channels = channels,
                                   .x = x.data,
                                   .packed = packed.data,
                                   .low = 0,
                                   .high = 6,
                                   .y = y.data,
                                   .scratch = scratch.data};
    struct call call = {&bench->kernels, &args};
    char what[64];
    snprintf(what, sizeof what, "dwconv %dx%d s%d %d x %d (%d)", kernel, kernel, stride, in, channels,
             layers);
    report(bench, what, (double)outputs * kernel * kernel, bench_best_seconds(call_dwconv, &call), layers);
    tensor_free(&x), tensor_free(&w), tensor_free(&packed), tensor_free(&scratch), tensor_free(&y);
}

static void call_dwconv_u8s8(const void *p) {
    const struct call *call = p;
    call->kernels->dwconv_u8s8->run(call->args);
}

/* Not in the net's total, which is that of fp32; returns seconds. */
static double bench_dwconv_u8s8(struct bench *bench, int layers, int in, int kernel, int stride,
                                int channels) {
    enum { CHANNELS_MAX = 1024, TAPS_MAX = 25 };
    static int32_t bias[CHANNELS_MAX];
    static float multiplier[CHANNELS_MAX];
    static int8_t w[CHANNELS_MAX * TAPS_MAX];
    const struct dwconv_u8s8_impl *impl = bench->kernels.dwconv_u8s8;
    struct window g = same_window(in, kernel, stride);
    size_t outputs = (size_t)g.out_height * (size_t)g.out_width * (size_t)channels;
    for (int c = 0; c < channels; c++) multiplier[c] = 0.01f;
    for (int i = 0; i < CHANNELS_MAX * TAPS_MAX; i++) w[i] = (int8_t)check_random(&bench->check, -128, 127);
    struct tensor x = tensor_aligned((size_t)(in * in * channels) / 4 + MEMORY_ALIGN);
    struct tensor packed = tensor_aligned(impl->packed_bytes(channels, kernel, kernel) / 4 + 1);
    struct tensor scratch = tensor_aligned(impl->scratch_bytes(&g, channels) / 4 + 1);
    struct tensor y = tensor_aligned(outputs / 4 + 1);
    for (int i = 0; i < in * in * channels; i++)
        ((uint8_t *)x.data)[i] = (uint8_t)check_random(&bench->check, 0, 255);
    impl->pack(channels, kernel, kernel, w, bias, multiplier, packed.data);
    struct dwconv_u8s8_args args = {.window = g,
                                    .images = 1,
                                    .channels = channels,
                                    .x = (const uint8_t *)x.data,
                                    .packed = packed.data,
                                    .output = {0, 0, 255},
                                    .y = (uint8_t *)y.data,
                                    .scratch = scratch.data};
    struct call call = {&bench->kernels, &args};
    double macs = (double)outputs * kernel * kernel, seconds = bench_best_seconds(call_dwconv_u8s8, &call);
    char what[64];
    snprintf(what, sizeof what, "dwconv_u8s8 %dx%d s%d %d x %d (%d)", kernel, kernel, stride, in, channels,
             layers);
    printf("%-32s %6.1f MMAC %8.1f us %7.1f GMAC/s\n", what, macs * 1e-6, seconds * 1e6,
           macs / seconds * 1e-9);
    tensor_free(&x), tensor_free(&packed), tensor_free(&scratch), tensor_free(&y);
    return layers * seconds;
}

static void bench_conv(struct bench *bench, int layers, int in, int kernel, int stride, int in_channels,
                       int out_channels) {
    const struct conv_f32_impl *impl = bench->kernels.conv_f32;
    struct window g = same_window(in, kernel, stride);
    size_t pixels = (size_t)g.out_height * (size_t)g.out_width,
           taps = (size_t)(kernel * kernel * in_channels);
    struct tensor x = tensor_input(&bench->check, (size_t)in * (size_t)in * (size_t)in_channels, false);
    struct tensor w = tensor_input(&bench->check, taps * (size_t)out_channels, false);
    struct tensor packed = tensor_aligned(impl->packed_floats(out_channels, in_channels, kernel, kernel));
    struct tensor scratch = tensor_aligned(impl->scratch_floats(&g, in_channels, out_channels));
    struct tensor y = tensor_output(pixels * (size_t)out_channels, false);
    impl->pack(out_channels, in_channels, kernel, kernel, w.data, NULL, packed.data);
    struct conv_f32_args args = {.window = g,
                                 .images = 1,
                                 .in_channels = in_channels,
                                 .out_channels = out_channels,
                                 .x = x.data,
                                 .x_stride = (size_t)in_channels,
                                 .packed = packed.data,
                                 .low = 0,
                                 .high = 6,
                                 .y = y.data,
                                 .y_stride = (size_t)out_channels,
                                 .scratch = scratch.data};
    struct call call = {&bench->kernels, &args};
    char what[64];
    snprintf(what, sizeof what, "conv %dx%d s%d %d x %d x %d (%d)", kernel, kernel, stride, in, in_channels,
             out_channels, layers);
    report(bench, what, (double)pixels * (double)taps * out_channels, bench_best_seconds(call_conv, &call),
           layers);
    tensor_free(&x), tensor_free(&w), tensor_free(&packed), tensor_free(&scratch), tensor_free(&y);
}

/* layers, m, k, n of the 1x1 convolutions; layers, side, stride, channels of the depthwise ones */
static const int pointwise[][4] = {
    {1, 12544, 32, 16}, {1, 12544, 16, 96}, {1, 3136, 96, 24}, {2, 3136, 24, 144}, {1, 3136, 144, 24},
    {1, 784, 144, 32},  {3, 784, 32, 192},  {2, 784, 192, 32}, {1, 196, 192, 64},  {4, 196, 64, 384},
    {3, 196, 384, 64},  {1, 196, 384, 96},  {3, 196, 96, 576}, {2, 196, 576, 96},  {1, 49, 576, 160},
    {3, 49, 160, 960},  {2, 49, 960, 160},  {1, 49, 960, 320}, {1, 49, 320, 1280}};
static const int depthwise[][4] = {{1, 112, 1, 32}, {1, 112, 2, 96}, {1, 56, 1, 144}, {1, 56, 2, 144},
                                   {2, 28, 1, 192}, {1, 28, 2, 192}, {4, 14, 1, 384}, {2, 14, 1, 576},
                                   {1, 14, 2, 576}, {3, 7, 1, 960}};

void bench_kernels(pomona_tier tier) {
    struct bench bench = {.check = {.random = 1}};
    kernels_select(tier, &bench.kernels);
    bench.peak = peak_measure(tier, PEAK_F32, 0.03);
    printf("tier %s: gemm %s, conv %s, dwconv %s; peak %.1f GMAC/s\n", pomona_tier_name(tier),
           bench.kernels.gemm_f32->name, bench.kernels.conv_f32->name, bench.kernels.dwconv_f32->name,
           bench.peak);
    bench_conv(&bench, 1, 224, 3, 2, 3, 32);
    for (size_t i = 0; i < sizeof pointwise / sizeof *pointwise; i++)
        bench_gemm(&bench, pointwise[i][0], pointwise[i][1], pointwise[i][2], pointwise[i][3]);
    for (size_t i = 0; i < sizeof depthwise / sizeof *depthwise; i++)
        bench_dwconv(&bench, depthwise[i][0], depthwise[i][1], 3, depthwise[i][2], depthwise[i][3]);
    report(&bench, "MobileNetV2 1.0/224", bench.total_macs, bench.total_seconds, 0);
    printf("peak again %.1f GMAC/s\n", peak_measure(tier, PEAK_F32, 0.03));
    bench_conv(&bench, 0, 56, 3, 1, 64, 64);
    bench_conv(&bench, 0, 7, 3, 1, 512, 512);
    bench_conv(&bench, 0, 224, 7, 2, 3, 64);
    bench_gemm(&bench, 0, 196, 1024, 256);
    bench_gemm(&bench, 0, 49, 2048, 512);
    bench_gemm(&bench, 0, 3136, 64, 256);
    bench_gemm(&bench, 0, 1, 1280, 1000);
    bench_dwconv(&bench, 0, 28, 5, 1, 120);
    bench_dwconv(&bench, 0, 14, 5, 2, 672);
    printf("dwconv_u8s8 %s\n", bench.kernels.dwconv_u8s8->name);
    double seconds = 0;
    for (size_t i = 0; i < sizeof depthwise / sizeof *depthwise; i++)
        seconds +=
            bench_dwconv_u8s8(&bench, depthwise[i][0], depthwise[i][1], 3, depthwise[i][2], depthwise[i][3]);
    printf("dwconv_u8s8 of MobileNetV2 1.0/224 %14.1f us\n", seconds * 1e6);
    bench_dwconv_u8s8(&bench, 0, 28, 5, 1, 120);
    bench_dwconv_u8s8(&bench, 0, 14, 5, 2, 672);
}
