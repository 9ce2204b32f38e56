#include "base/memory.h"
#include "kernels/conv0_rgbx/conv0_rgbx.h"
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/dwconv_f32/dwconv_f32.h"
#include "kernels/dwconv_u8s8/dwconv_u8s8.h"
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/gemm_u8s8/gemm_u8s8.h"
#include "kernels/head_gap_f32/head_gap_f32.h"
#include "net/band.h"
#include "net/plan.h"

#include <math.h>
#include <string.h>

static size_t align_floats(size_t floats) { return (size_add(floats, 15)) & ~(size_t)15; }

static size_t floats_of(size_t bytes) { return bytes > SIZE_MAX - 3 ? SIZE_MAX : (bytes + 3) / 4; }

/* packed_size() of a step in 8 bits. */
static size_t integer_packed_size(struct step *step, const struct kernels *kernels) {
    int out = step->out_channels, in = step->in_channels;
    const struct window *window = &step->window;
    switch (step->kind) {
    case STEP_GEMM: return floats_of(kernels->gemm_u8s8->packed_bytes(out, in));
    case STEP_HEAD: return floats_of(kernels->head_gap_f32->packed_bytes(out, in));
    case STEP_DEPTHWISE:
        step->scratch_floats = floats_of(kernels->dwconv_u8s8->scratch_bytes(window, in));
        return floats_of(kernels->dwconv_u8s8->packed_bytes(in, window->kernel_height, window->kernel_width));
    case STEP_CONV:
        return floats_of(kernels->conv0_rgbx->packed_bytes(out, window->kernel_height, window->kernel_width));
    default: return 0;
    }
}

/* Floats of packed constants, and of scratch, that a step needs. */
static size_t packed_size(struct step *step, const struct kernels *kernels) {
    int out = step->out_channels, in = step->in_channels;
    const struct window *window = &step->window;
    if (step->integer) return integer_packed_size(step, kernels);
    switch (step->kind) {
    case STEP_GEMM: return kernels->gemm_f32->packed_floats(out, in);
    case STEP_DEPTHWISE:
        step->scratch_floats = kernels->dwconv_f32->scratch_floats(window, in);
        return kernels->dwconv_f32->packed_floats(in, window->kernel_height, window->kernel_width);
    case STEP_CONV: {
        int group_in = in / step->groups, group_out = out / step->groups;
        step->scratch_floats = kernels->conv_f32->scratch_floats(window, group_in, group_out);
        step->packed_stride = align_floats(kernels->conv_f32->packed_floats(
            group_out, group_in, window->kernel_height, window->kernel_width));
        return size_multiply(step->packed_stride, (size_t)step->groups);
    }
    case STEP_SCALE: return 2 * align_floats((size_t)out);
    case STEP_BINARY: return step->constant_count;
    default: return 0;
    }
}

/* Subnormal products of folding: flushed as those of the file were. */
static void flush_subnormals(float *values, size_t count) {
    for (size_t i = 0; values && i < count; i++)
        if (fpclassify(values[i]) == FP_SUBNORMAL) values[i] = 0;
}

static void flush_step(struct step *step) {
    if (!step->own_weights) return;
    size_t per_channel = step->kind == STEP_DEPTHWISE ? 1 : (size_t)(step->in_channels / step->groups);
    if (step->kind != STEP_GEMM)
        per_channel *= (size_t)(step->window.kernel_height * step->window.kernel_width);
    flush_subnormals(step->weights, per_channel * (size_t)step->out_channels);
    flush_subnormals(step->bias, (size_t)step->out_channels);
}

static void pack_conv(const struct step *step, const struct kernels *kernels, float *packed) {
    const struct window *window = &step->window;
    int in = step->in_channels / step->groups, out = step->out_channels / step->groups;
    size_t weights = (size_t)in * (size_t)out * (size_t)(window->kernel_height * window->kernel_width);
    for (int i = 0; i < step->groups; i++)
        kernels->conv_f32->pack(out, in, window->kernel_height, window->kernel_width,
                                step->weights + (size_t)i * weights,
                                step->bias ? step->bias + (size_t)i * (size_t)out : NULL,
                                packed + (size_t)i * step->packed_stride);
}

static void pack_integer_step(const struct step *step, const struct kernels *kernels, void *packed) {
    const struct integer_step *integer = step->integer;
    const int8_t *w = integer->weights;
    const int32_t *bias = integer->bias;
    const float *multiplier = integer->multiplier;
    int out = step->out_channels, in = step->in_channels;
    int height = step->window.kernel_height, width = step->window.kernel_width;
    switch (step->kind) {
    case STEP_GEMM: kernels->gemm_u8s8->pack(out, in, w, bias, multiplier, packed); break;
    case STEP_HEAD: kernels->head_gap_f32->pack(out, in, w, bias, multiplier, packed); break;
    case STEP_DEPTHWISE: kernels->dwconv_u8s8->pack(in, height, width, w, bias, multiplier, packed); break;
    case STEP_CONV: kernels->conv0_rgbx->pack(out, height, width, w, bias, multiplier, packed); break;
    default: break;
    }
}

static void pack_step(struct step *step, const struct kernels *kernels, float *packed) {
    size_t out = (size_t)step->out_channels;
    if (step->integer) {
        pack_integer_step(step, kernels, packed);
        step->weights = step->bias = NULL;
        return;
    }
    switch (step->kind) {
    case STEP_GEMM:
        kernels->gemm_f32->pack(step->out_channels, step->in_channels, step->weights, step->bias, packed);
        break;
    case STEP_DEPTHWISE:
        kernels->dwconv_f32->pack(step->in_channels, step->window.kernel_height, step->window.kernel_width,
                                  step->weights, step->bias, packed);
        break;
    case STEP_CONV: pack_conv(step, kernels, packed); break;
    case STEP_SCALE:
        memcpy(packed, step->scale, out * sizeof *packed);
        memcpy(packed + align_floats(out), step->bias, out * sizeof *packed);
        break;
    case STEP_BINARY:
        if (step->constant_count) memcpy(packed, step->scale, step->constant_count * sizeof *packed);
        break;
    default: break;
    }
    step->weights = step->bias = step->scale = NULL;
    step->name = NULL;
}

pomona_status plan_pack(struct plan *plan, const struct kernels *kernels, struct pomona_error *error) {
    size_t floats = 0, band = 0;
    for (int i = 0; i < plan->step_count; i++) {
        struct step *step = &plan->steps[i];
        step->packed = floats;
        floats = align_floats(size_add(floats, packed_size(step, kernels)));
        if (step->scratch_floats > plan->kernel_scratch_floats)
            plan->kernel_scratch_floats = align_floats(step->scratch_floats);
        if (step_reads_pixels(step)) {
            size_t pixels = floats_of(kernels->conv0_rgbx->scratch_bytes(&step->window));
            pixels = align_floats(size_add(pixels, MEMORY_ALIGN / sizeof(float)));
            if (pixels > plan->pixels_floats) plan->pixels_floats = pixels; /* a network may have several */
        }
        size_t rows = band_floats(step);
        if (rows > band) band = rows;
    }
    plan->scratch_floats = size_add(size_add(plan->kernel_scratch_floats, plan->pixels_floats), band);
    plan->packed = memory_new_aligned(floats, sizeof(float));
    if (!plan->packed) return fail_memory(error, "packed weights");
    memset(plan->packed, 0, floats * sizeof(float));
    plan->packed_floats = floats;
    for (int i = 0; i < plan->step_count; i++) {
        flush_step(&plan->steps[i]);
        pack_step(&plan->steps[i], kernels, plan->packed + plan->steps[i].packed);
    }
    return POMONA_OK;
}
