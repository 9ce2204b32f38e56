#include "kernels/conv0_rgbx/conv0_rgbx.h"
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/dwconv_f32/dwconv_f32.h"
#include "kernels/dwconv_u8s8/dwconv_u8s8.h"
#include "kernels/eltwise_f32/eltwise_f32.h"
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/gemm_f64/gemm_f64.h"
#include "kernels/gemm_u8s8/gemm_u8s8.h"
#include "kernels/head_gap_f32/head_gap_f32.h"
#include "kernels/kernels.h"
#include "kernels/lut_u8/lut_u8.h"
#include "kernels/pixels_f32/pixels_f32.h"
#include "kernels/pool_f32/pool_f32.h"
#include "kernels/resize_u8/resize_u8.h"
#include "kernels/syrk_s16/syrk_s16.h"

#include <stddef.h>

#define IMPL(symbol, tier) [tier] = &symbol,

static const struct gemm_f32_impl *const gemm_f32_versions[POMONA_TIER_COUNT] = {
#include "kernels/gemm_f32/gemm_f32.inc"
};
static const struct gemm_f64_impl *const gemm_f64_versions[POMONA_TIER_COUNT] = {
#include "kernels/gemm_f64/gemm_f64.inc"
};
static const struct conv_f32_impl *const conv_f32_versions[POMONA_TIER_COUNT] = {
#include "kernels/conv_f32/conv_f32.inc"
};
static const struct dwconv_f32_impl *const dwconv_f32_versions[POMONA_TIER_COUNT] = {
#include "kernels/dwconv_f32/dwconv_f32.inc"
};
static const struct pool_f32_impl *const pool_f32_versions[POMONA_TIER_COUNT] = {
#include "kernels/pool_f32/pool_f32.inc"
};
static const struct eltwise_f32_impl *const eltwise_f32_versions[POMONA_TIER_COUNT] = {
#include "kernels/eltwise_f32/eltwise_f32.inc"
};
static const struct pixels_f32_impl *const pixels_f32_versions[POMONA_TIER_COUNT] = {
#include "kernels/pixels_f32/pixels_f32.inc"
};
static const struct resize_u8_impl *const resize_u8_versions[POMONA_TIER_COUNT] = {
#include "kernels/resize_u8/resize_u8.inc"
};
static const struct syrk_s16_impl *const syrk_s16_versions[POMONA_TIER_COUNT] = {
#include "kernels/syrk_s16/syrk_s16.inc"
};
static const struct conv0_rgbx_impl *const conv0_rgbx_versions[POMONA_TIER_COUNT] = {
#include "kernels/conv0_rgbx/conv0_rgbx.inc"
};
static const struct dwconv_u8s8_impl *const dwconv_u8s8_versions[POMONA_TIER_COUNT] = {
#include "kernels/dwconv_u8s8/dwconv_u8s8.inc"
};
static const struct gemm_u8s8_impl *const gemm_u8s8_versions[POMONA_TIER_COUNT] = {
#include "kernels/gemm_u8s8/gemm_u8s8.inc"
};
static const struct head_gap_f32_impl *const head_gap_f32_versions[POMONA_TIER_COUNT] = {
#include "kernels/head_gap_f32/head_gap_f32.inc"
};
static const struct lut_u8_impl *const lut_u8_versions[POMONA_TIER_COUNT] = {
#include "kernels/lut_u8/lut_u8.inc"
};

static pomona_tier lower_tier(pomona_tier tier) {
    switch (tier) {
    case POMONA_TIER_AVX512: return POMONA_TIER_AVX2;
    case POMONA_TIER_NEONDOT: return POMONA_TIER_NEON;
    default: return POMONA_TIER_SCALAR;
    }
}

/* Every family has a scalar version, so the search ends. */
#define SELECT(family)                                                                                       \
    do {                                                                                                     \
        pomona_tier version = tier;                                                                          \
        while (!family##_versions[version]) version = lower_tier(version);                                   \
        kernels->family = family##_versions[version];                                                        \
    } while (0)

void kernels_select(pomona_tier tier, struct kernels *kernels) {
    *kernels = (struct kernels){.tier = tier};
    SELECT(gemm_f32);
    SELECT(conv_f32);
    SELECT(dwconv_f32);
    SELECT(pool_f32);
    SELECT(eltwise_f32);
    SELECT(pixels_f32);
    SELECT(resize_u8);
    SELECT(syrk_s16);
    SELECT(gemm_f64);
    SELECT(lut_u8);
    SELECT(head_gap_f32);
    SELECT(gemm_u8s8);
    SELECT(dwconv_u8s8);
    SELECT(conv0_rgbx);
}
