/* checkkernels [--tier NAME] [--seed N] [--bench] [--self-test]
 *
 * Compares every kernel of a tier (default: all that this machine runs) with the plain C. Exit status: 0 all agree,
 * 1 some do not or the usage is wrong, 77 the machine lacks the tier (meson counts it as skipped).
 * --bench measures instead. --self-test spoils outputs in every way the checks look for and fails if one of them
 * goes unnoticed. */
#include "check.h"
#include "kernels/conv0_rgbx/conv0_rgbx.h"
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/dwconv_f32/dwconv_f32.h"
#include "kernels/dwconv_u8s8/dwconv_u8s8.h"
#include "kernels/eltwise_f32/eltwise_f32.h"
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/gemm_f64/gemm_f64.h"
#include "kernels/gemm_u8s8/gemm_u8s8.h"
#include "kernels/head_gap_f32/head_gap_f32.h"
#include "kernels/lut_u8/lut_u8.h"
#include "kernels/pixels_f32/pixels_f32.h"
#include "kernels/pool_f32/pool_f32.h"
#include "kernels/resize_u8/resize_u8.h"
#include "kernels/syrk_s16/syrk_s16.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_SKIPPED = 77 };

/* One version of one family. */
struct version {
    const char *symbol;
    pomona_tier tier;
    void (*run_checks)(struct check *check);
    bool has_bits; /* whether its checks compare bits across tiles and batches */
};

#define IMPL(symbol, tier)                                                                                   \
    static void checks_of_##symbol(struct check *check) { FAMILY(check, &symbol); }
#define FAMILY check_gemm_f32
#include "kernels/gemm_f32/gemm_f32.inc"
#undef FAMILY
#define FAMILY check_gemm_f64
#include "kernels/gemm_f64/gemm_f64.inc"
#undef FAMILY
#define FAMILY check_gemm_u8s8
#include "kernels/gemm_u8s8/gemm_u8s8.inc"
#undef FAMILY
#define FAMILY check_conv0_rgbx
#include "kernels/conv0_rgbx/conv0_rgbx.inc"
#undef FAMILY
#define FAMILY check_head_gap_f32
#include "kernels/head_gap_f32/head_gap_f32.inc"
#undef FAMILY
#define FAMILY check_lut_u8
#include "kernels/lut_u8/lut_u8.inc"
#undef FAMILY
#define FAMILY check_conv_f32
#include "kernels/conv_f32/conv_f32.inc"
#undef FAMILY
#define FAMILY check_dwconv_f32
#include "kernels/dwconv_f32/dwconv_f32.inc"
#undef FAMILY
#define FAMILY check_pool_f32
#include "kernels/pool_f32/pool_f32.inc"
#undef FAMILY
#define FAMILY check_eltwise_f32
#include "kernels/eltwise_f32/eltwise_f32.inc"
#undef FAMILY
#define FAMILY check_pixels_f32
#include "kernels/pixels_f32/pixels_f32.inc"
#undef FAMILY
#define FAMILY check_resize_u8
#include "kernels/resize_u8/resize_u8.inc"
#undef FAMILY
#define FAMILY check_syrk_s16
#include "kernels/syrk_s16/syrk_s16.inc"
#undef FAMILY
#define FAMILY check_dwconv_u8s8
#include "kernels/dwconv_u8s8/dwconv_u8s8.inc"
#undef FAMILY
#undef IMPL

static const struct version versions[] = {
#define IMPL(symbol, tier) {#symbol, tier, checks_of_##symbol, true},
#include "kernels/conv0_rgbx/conv0_rgbx.inc"
#include "kernels/conv_f32/conv_f32.inc"
#include "kernels/dwconv_f32/dwconv_f32.inc"
#include "kernels/dwconv_u8s8/dwconv_u8s8.inc"
#include "kernels/eltwise_f32/eltwise_f32.inc"
#include "kernels/gemm_f32/gemm_f32.inc"
#include "kernels/gemm_u8s8/gemm_u8s8.inc"
#include "kernels/head_gap_f32/head_gap_f32.inc"
#include "kernels/lut_u8/lut_u8.inc"
#undef IMPL
#define IMPL(symbol, tier) {#symbol, tier, checks_of_##symbol, false},
#include "kernels/gemm_f64/gemm_f64.inc"
#include "kernels/pixels_f32/pixels_f32.inc"
#include "kernels/pool_f32/pool_f32.inc"
#include "kernels/resize_u8/resize_u8.inc"
#include "kernels/syrk_s16/syrk_s16.inc"
#undef IMPL
};
enum { VERSIONS = sizeof versions / sizeof *versions };

static bool check_version(const struct version *version, uint64_t seed) {
    struct check check = {.random = seed};
    version->run_checks(&check);
    printf("%-22s %6ld cases, %ld failures\n", version->symbol, check.cases, check.failures);
    return check.failures == 0;
}

static bool self_test_version(const struct version *version, uint64_t seed) {
    static const char *const names[SABOTAGE_COUNT] = {"none", "value", "before", "after", "bit"};
    bool noticed = true;
    for (int sabotage = SABOTAGE_VALUE; sabotage < SABOTAGE_COUNT; sabotage++) {
        if (sabotage == SABOTAGE_BIT && !version->has_bits) continue;
        struct check check = {.random = seed, .sabotage = (enum sabotage)sabotage, .quiet = true};
        version->run_checks(&check);
        if (check.failures > 0) continue;
        printf("%s: spoiling an output (%s) went unnoticed\n", version->symbol, names[sabotage]);
        noticed = false;
    }
    printf("%-22s self-test %s\n", version->symbol, noticed ? "passed" : "FAILED");
    return noticed;
}

static int usage(void) {
    fprintf(stderr, "usage: checkkernels [--tier NAME] [--seed N] [--bench] [--self-test]\n");
    return EXIT_FAILURE;
}

int main(int count, char **arguments) {
    pomona_tier only = POMONA_TIER_AUTO;
    bool bench = false, self_test = false, passed = true;
    uint64_t seed = 1;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--bench") == 0)
            bench = true;
        else if (strcmp(arguments[i], "--self-test") == 0)
            self_test = true;
        else if (strcmp(arguments[i], "--seed") == 0 && i + 1 < count)
            seed = strtoull(arguments[++i], NULL, 10);
        else if (strcmp(arguments[i], "--tier") != 0 || i + 1 >= count ||
                 pomona_tier_parse(arguments[++i], &only, NULL) != POMONA_OK)
            return usage();
    }
    if (only != POMONA_TIER_AUTO && !pomona_tier_available(only)) {
        printf("this machine does not run %s\n", pomona_tier_name(only));
        return EXIT_SKIPPED;
    }
    if (bench) {
        bench_kernels(only == POMONA_TIER_AUTO ? pomona_tier_best() : only);
        bench_integer_kernels(only == POMONA_TIER_AUTO ? pomona_tier_best() : only);
        return EXIT_SUCCESS;
    }
    for (int i = 0; i < VERSIONS; i++) {
        if (only == POMONA_TIER_AUTO ? !pomona_tier_available(versions[i].tier) : versions[i].tier != only)
            continue;
        passed &= self_test ? self_test_version(&versions[i], seed) : check_version(&versions[i], seed);
    }
    return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
