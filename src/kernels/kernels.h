/* The kernels of one tier: a table of implementations, chosen once when a context is made.
 *
 * Rules for every kernel, on every tier:
 *  - Activations are NHWC, row-major, fp32 unless the name says otherwise; a "pixel" is one [C] vector.
 *  - The plain C file (ref.c) is the specification. fp32 kernels of other tiers agree with it within the bound that
 *    tests/checkkernels states; integer kernels agree to the bit.
 *  - On one tier a result never depends on the tile it fell into, on the batch, on the thread or on the memory
 *    alignment: every output element is one chain of additions in a fixed order: the bias, then k ascending (a
 *    window's ky, kx, input channel; taps in the padding are left out), then the residual, then the clamp. SIMD
 *    tiers fuse each multiply-add, the plain C does not.
 *  - Integer kernels: every tier gives the bytes of ref.c; docs/internals/int8.md has the rules.
 *  - NaN stays NaN through sums and clamps. Which of several NaN, and the maximum of a window with NaN, is open.
 *  - A kernel may read up to MEMORY_ALIGN bytes past the end of its inputs (base/memory.h pads them), and never
 *    writes outside its output.
 *  - No allocation, no state, no error: arguments were checked when the plan was made.
 *  - Kernel, weight packer and tile sizes travel in one struct: a kernel can't meet foreign packing. */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include "pomona/context.h"

struct conv_f32_impl;
struct dwconv_f32_impl;
struct eltwise_f32_impl;
struct gemm_f32_impl;
struct gemm_f64_impl;
struct lut_u8_impl;
struct head_gap_f32_impl;
struct gemm_u8s8_impl;
struct dwconv_u8s8_impl;
struct conv0_rgbx_impl;
struct pixels_f32_impl;
struct pool_f32_impl;
struct resize_u8_impl;
struct syrk_s16_impl;

struct kernels {
    pomona_tier tier;
    const struct gemm_f32_impl *gemm_f32;       /* 1x1 convolutions and dense layers */
    const struct conv_f32_impl *conv_f32;       /* any other dense convolution, the first one included */
    const struct dwconv_f32_impl *dwconv_f32;   /* depthwise, any window; 3x3 and 5x5 are fast */
    const struct pool_f32_impl *pool_f32;       /* max, average, global average */
    const struct eltwise_f32_impl *eltwise_f32; /* activations, add, multiply, per-channel scale */
    const struct pixels_f32_impl *pixels_f32;   /* uint8 RGB to normalised fp32 */
    const struct resize_u8_impl *resize_u8;     /* Pillow's bicubic, two passes */
    const struct syrk_s16_impl *syrk_s16;       /* sums of products, for moments */
    const struct gemm_f64_impl *gemm_f64;       /* sums of products in double, for regressions */
    const struct conv0_rgbx_impl *conv0_rgbx;   /* the first convolution, from RGB bytes */
    const struct dwconv_u8s8_impl *dwconv_u8s8; /* depthwise in 8 bits */
    const struct gemm_u8s8_impl *gemm_u8s8;     /* 1x1 convolutions in 8 bits */
    const struct head_gap_f32_impl
        *head_gap_f32;                /* the last 1x1 convolution in 8 bits and its mean in fp32 */
    const struct lut_u8_impl *lut_u8; /* any function of one byte */
};

/* Fills `kernels` for a tier that pomona_tier_available() (a family without a version for it takes the next lower
 * one). */
void kernels_select(pomona_tier tier, struct kernels *kernels);

/* The kernels of a context. */
const struct kernels *context_kernels(const struct pomona_context *context);

#endif
