/* checkkernels --bench, its second part: the 1x1 convolutions of MobileNetV2 1.0/224 in 8 bits. */
#include "check_bytes.h"
#include "kernels/gemm_u8s8/gemm_u8s8.h"
#include "kernels/kernels.h"

#include <stdio.h>

struct bench {
    struct kernels kernels;
    struct check check;
    double seconds, macs;
};

static void report(struct bench *bench, const char *what, double macs, double seconds, int layers) {
    printf("%-34s %6.1f MMAC %8.1f us %7.1f GMAC/s\n", what, macs * 1e-6, seconds * 1e6,
           macs / seconds * 1e-9);
    bench->macs += macs * layers;
    bench->seconds += seconds * layers;
}

struct gemm_call {
    const struct gemm_u8s8_impl *impl;
    struct gemm_u8s8_args args;
};

static void call_gemm(const void *p) {
    const struct gemm_call *call = p;
    call->impl->run(&call->args);
}

static void bench_gemm(struct bench *bench, int layers, int m, int k, int n, bool residual) {
    struct gemm_call call = {.impl = bench->kernels.gemm_u8s8};
    struct bytes x = bytes_input(&bench->check, (size_t)m * (size_t)k, false);
    struct bytes r = bytes_input(&bench->check, (size_t)m * (size_t)n, false);
    struct bytes packed = bytes_output(call.impl->packed_bytes(n, k), false);
    struct bytes y = bytes_output((size_t)m * (size_t)n, false);
    struct integer_layer layer = layer_new(&bench->check, n, k);
    call.impl->pack(n, k, layer.w, layer.bias, layer.multiplier, packed.data);
    call.args = (struct gemm_u8s8_args){.m = m,
                                        .n = n,
                                        .k = k,
                                        .x = x.data,
                                        .x_stride = (size_t)k,
                                        .packed = packed.data,
                                        .residual = residual ? r.data : NULL,
                                        .residual_stride = (size_t)n,
                                        .residual_scale = {128, 0.5f},
                                        .output = {128, 0, 255},
                                        .y = y.data,
                                        .y_stride = (size_t)n};
    char what[64];
    snprintf(what, sizeof what, "gemm %d x %d x %d%s (%d)", m, k, n, residual ? " +r" : "", layers);
    report(bench, what, (double)m * k * n, bench_best_seconds(call_gemm, &call), layers);
    bytes_free(&x), bytes_free(&r), bytes_free(&packed), bytes_free(&y), layer_free(&layer);
}

/* layers, m, k, n, with a residual */
static const int pointwise[][5] = {
    {1, 12544, 32, 16, 0}, {1, 12544, 16, 96, 0}, {1, 3136, 96, 24, 0}, {2, 3136, 24, 144, 0},
    {1, 3136, 144, 24, 1}, {1, 784, 144, 32, 0},  {3, 784, 32, 192, 0}, {2, 784, 192, 32, 1},
    {1, 196, 192, 64, 0},  {4, 196, 64, 384, 0},  {3, 196, 384, 64, 1}, {1, 196, 384, 96, 0},
    {3, 196, 96, 576, 0},  {2, 196, 576, 96, 1},  {1, 49, 576, 160, 0}, {3, 49, 160, 960, 0},
    {2, 49, 960, 160, 1},  {1, 49, 960, 320, 0},  {1, 49, 320, 1280, 0}};

void bench_integer_kernels(pomona_tier tier) {
    struct bench bench = {.check = {.random = 1}};
    kernels_select(tier, &bench.kernels);
    printf("tier %s: gemm %s\n", pomona_tier_name(tier), bench.kernels.gemm_u8s8->name);
    for (size_t i = 0; i < sizeof pointwise / sizeof *pointwise; i++) {
        const int *p = pointwise[i];
        bench_gemm(&bench, p[0], p[1], p[2], p[3], p[4]);
    }
    report(&bench, "1x1 layers of MobileNetV2 1.0/224", bench.macs, bench.seconds, 0);
}
