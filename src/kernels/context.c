#include "pomona/context.h"

#include "base/error.h"
#include "base/memory.h"
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

#include <stdlib.h>

struct pomona_context {
    struct kernels kernels;
};

/* The tier to run when the caller leaves the choice open. */
static pomona_status tier_from_environment(pomona_tier *tier, struct pomona_error *error) {
    const char *name = getenv("POMONA_TIER");
    *tier = POMONA_TIER_AUTO;
    if (name && *name) TRY(pomona_tier_parse(name, tier, error));
    if (*tier == POMONA_TIER_AUTO) *tier = pomona_tier_best();
    return POMONA_OK;
}

pomona_status pomona_context_new(pomona_tier tier, struct pomona_context **context,
                                 struct pomona_error *error) {
    *context = NULL;
    if (tier == POMONA_TIER_AUTO) TRY(tier_from_environment(&tier, error));
    if (!pomona_tier_available(tier))
        return fail(error, POMONA_E_UNSUPPORTED, NULL,
                    "tier '%s' can't run on this machine: the best is '%s'", pomona_tier_name(tier),
                    pomona_tier_name(pomona_tier_best()));
    struct pomona_context *made = memory_new(1, sizeof *made);
    if (!made) return fail_memory(error, "context");
    kernels_select(tier, &made->kernels);
    *context = made;
    return POMONA_OK;
}

void pomona_context_free(struct pomona_context **context) {
    if (!context) return;
    memory_free(*context);
    *context = NULL;
}

pomona_tier pomona_context_tier(const struct pomona_context *context) { return context->kernels.tier; }

const struct kernels *context_kernels(const struct pomona_context *context) { return &context->kernels; }

bool pomona_context_kernel(const struct pomona_context *context, int index, const char **family,
                           const char **kernel) {
    const struct kernels *k = &context->kernels;
    const struct {
        const char *family, *kernel;
    } lines[] = {{"gemm_f32", k->gemm_f32->name},         {"conv_f32", k->conv_f32->name},
                 {"dwconv_f32", k->dwconv_f32->name},     {"pool_f32", k->pool_f32->name},
                 {"eltwise_f32", k->eltwise_f32->name},   {"pixels_f32", k->pixels_f32->name},
                 {"resize_u8", k->resize_u8->name},       {"syrk_s16", k->syrk_s16->name},
                 {"gemm_f64", k->gemm_f64->name},         {"lut_u8", k->lut_u8->name},
                 {"head_gap_f32", k->head_gap_f32->name}, {"gemm_u8s8", k->gemm_u8s8->name},
                 {"dwconv_u8s8", k->dwconv_u8s8->name},   {"conv0_rgbx", k->conv0_rgbx->name}};
    if (index < 0 || index >= (int)(sizeof lines / sizeof *lines)) return false;
    *family = lines[index].family;
    *kernel = lines[index].kernel;
    return true;
}
