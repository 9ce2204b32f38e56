#include "net/geometry.h"

#include <string.h>

/* Attribute pair (vertical, horizontal), each in [low, PLAN_WINDOW_MAX]. */
static pomona_status pair_attribute(const struct lowering *lowering, const struct onnx_node *node,
                                    const char *name, int low, int pair[2]) {
    const int64_t *ints;
    size_t count;
    TRY(attribute_ints(lowering, node, name, &ints, &count));
    if (!ints) return POMONA_OK;
    if (count != 2)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "attribute '%s' has %zu numbers, not 2", name,
                         count);
    for (int i = 0; i < 2; i++) {
        if (ints[i] < low || ints[i] > PLAN_WINDOW_MAX)
            return NODE_FAIL(lowering, node, POMONA_E_LIMIT, "attribute '%s' has %lld, not in %d..%d", name,
                             (long long)ints[i], low, PLAN_WINDOW_MAX);
        pair[i] = (int)ints[i];
    }
    return POMONA_OK;
}

static pomona_status explicit_pads(const struct lowering *lowering, const struct onnx_node *node,
                                   int pads[4]) {
    const int64_t *ints;
    size_t count;
    TRY(attribute_ints(lowering, node, "pads", &ints, &count));
    if (!ints) return POMONA_OK;
    if (count != 4)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "attribute 'pads' has %zu numbers, not 4",
                         count);
    for (int i = 0; i < 4; i++) {
        if (ints[i] < 0 || ints[i] > PLAN_WINDOW_MAX)
            return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "attribute 'pads' has %lld, not in 0..%d",
                             (long long)ints[i], PLAN_WINDOW_MAX);
        pads[i] = (int)ints[i];
    }
    return POMONA_OK;
}

/* Outputs along one axis; pads[0] before, pads[1] after; changed by SAME padding. */
static int64_t axis_outputs(int64_t in, int64_t extent, int64_t stride, const char *auto_pad, bool ceil_mode,
                            int *before, int *after) {
    if (auto_pad && strncmp(auto_pad, "SAME", 4) == 0) {
        int64_t out = (in + stride - 1) / stride, total = (out - 1) * stride + extent - in;
        if (total < 0) total = 0;
        bool upper = strcmp(auto_pad, "SAME_UPPER") == 0;
        *before = (int)(upper ? total / 2 : (total + 1) / 2);
        *after = (int)total - *before;
        return out;
    }
    int64_t room = in + *before + *after - extent;
    if (room < 0) return 0;
    int64_t out = room / stride + 1;
    /* A last partial window counts if it starts inside the image or its padding before. */
    if (ceil_mode && room % stride != 0 && out * stride < in + *before) out++;
    return out;
}

pomona_status window_from_node(const struct lowering *lowering, const struct onnx_node *node,
                               const struct value *image, int kernel_height, int kernel_width,
                               const int before[2], const int after[2], struct window *window, int pads[4]) {
    int kernel[2] = {kernel_height, kernel_width}, stride[2] = {1, 1}, dilation[2] = {1, 1};
    TRY(pair_attribute(lowering, node, "kernel_shape", 1, kernel));
    TRY(pair_attribute(lowering, node, "strides", 1, stride));
    TRY(pair_attribute(lowering, node, "dilations", 1, dilation));
    if (kernel[0] == 0)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "attribute 'kernel_shape' is missing");
    if (kernel_height && (kernel[0] != kernel_height || kernel[1] != kernel_width))
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "kernel_shape %dx%d contradicts weights of %dx%d",
                         kernel[0], kernel[1], kernel_height, kernel_width);
    const char *auto_pad;
    TRY(attribute_text(lowering, node, "auto_pad", &auto_pad));
    memset(pads, 0, 4 * sizeof *pads);
    if (!auto_pad || strcmp(auto_pad, "NOTSET") == 0 || *auto_pad == '\0') {
        auto_pad = NULL;
        TRY(explicit_pads(lowering, node, pads));
    } else if (strcmp(auto_pad, "VALID") == 0) {
        auto_pad = NULL;
    } else if (strcmp(auto_pad, "SAME_UPPER") != 0 && strcmp(auto_pad, "SAME_LOWER") != 0) {
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "auto_pad is '%.40s'", auto_pad);
    }
    int64_t ceil_mode;
    TRY(attribute_int(lowering, node, "ceil_mode", 0, &ceil_mode));
    const int64_t in[2] = {image->dims[2], image->dims[3]};
    int64_t out[2];
    for (int i = 0; i < 2; i++) {
        int64_t extent = (int64_t)(kernel[i] - 1) * dilation[i] + 1;
        out[i] = axis_outputs(in[i] + before[i] + after[i], extent, stride[i], auto_pad, ceil_mode != 0,
                              &pads[i], &pads[i + 2]);
        if (out[i] <= 0)
            return NODE_FAIL(lowering, node, POMONA_E_CORRUPT,
                             "its window of %lld does not fit an image of %lld", (long long)extent,
                             (long long)in[i]);
        pads[i] += before[i];
        pads[i + 2] += after[i];
    }
    *window = (struct window){(int)in[0], (int)in[1], (int)out[0], (int)out[1], kernel[0],   kernel[1],
                              stride[0],  stride[1],  pads[0],     pads[1],     dilation[0], dilation[1]};
    return POMONA_OK;
}

struct padding padding_before(const struct plan *plan, const struct value *image) {
    struct padding padding = {
        .tensor = image->tensor, .height = (int)image->dims[2], .width = (int)image->dims[3]};
    int producer = plan->tensors[image->tensor].producer;
    const struct step *step = producer < 0 ? NULL : &plan->steps[producer];
    if (!step || step->kind != STEP_PAD || step->alpha != 0) return padding;
    const struct window *window = &step->window;
    if (window->out_height != image->dims[2] || window->out_width != image->dims[3]) return padding;
    padding = (struct padding){step->input,
                               window->in_height,
                               window->in_width,
                               {window->pad_top, window->pad_left},
                               {window->out_height - window->in_height - window->pad_top,
                                window->out_width - window->in_width - window->pad_left},
                               true};
    return padding;
}
