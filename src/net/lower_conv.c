#include "net/geometry.h"
#include "net/lower.h"

#include <math.h>
#include <string.h>

/* What a Conv node asks for, checked. */
struct convolution {
    struct value image;
    struct padding padding;
    const struct onnx_tensor *weights, *bias;
    const struct integer_weights *integers;
    int in_channels, out_channels, groups;
    struct window window;
    int pads[4];
};

static pomona_status read_convolution(struct lowering *lowering, const struct onnx_node *node,
                                      struct convolution *conv) {
    const struct value *input = NULL;
    int64_t groups;
    TRY(tensor_input(lowering, node, 0, &input));
    TRY(constant_input(lowering, node, 1, ONNX_FLOAT, &conv->weights));
    conv->integers = lowering->values[node->inputs[1]].integers;
    TRY(attribute_int(lowering, node, "group", 1, &groups));
    const int64_t *w = conv->weights->dims;
    if (conv->weights->rank != 4)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "its weights have rank %d, not 4",
                         conv->weights->rank);
    TRY(as_image(lowering, node, input, &conv->image));
    int64_t in = conv->image.dims[1];
    if (groups < 1 || in % groups != 0 || w[0] % groups != 0 || w[1] != in / groups)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT,
                         "weights of %lldx%lldx%lldx%lld and group %lld do not fit %lld channels",
                         (long long)w[0], (long long)w[1], (long long)w[2], (long long)w[3],
                         (long long)groups, (long long)in);
    if (conv->weights->count == 0 || w[0] > PLAN_DIM_MAX || w[2] > PLAN_WINDOW_MAX || w[3] > PLAN_WINDOW_MAX)
        return NODE_FAIL(lowering, node, POMONA_E_LIMIT, "weights of %lldx%lldx%lldx%lld", (long long)w[0],
                         (long long)w[1], (long long)w[2], (long long)w[3]);
    conv->bias = NULL;
    if (has_input(node, 2)) {
        TRY(constant_input(lowering, node, 2, ONNX_FLOAT, &conv->bias));
        if (conv->bias->count != (size_t)w[0])
            return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "%zu biases for %lld channels",
                             conv->bias->count, (long long)w[0]);
    }
    conv->in_channels = (int)in;
    conv->out_channels = (int)w[0];
    conv->groups = (int)groups;
    conv->padding = padding_before(lowering->plan, &conv->image);
    conv->image.tensor = conv->padding.tensor;
    conv->image.dims[2] = conv->padding.height;
    conv->image.dims[3] = conv->padding.width;
    return window_from_node(lowering, node, &conv->image, (int)w[2], (int)w[3], conv->padding.before,
                            conv->padding.after, &conv->window, conv->pads);
}

/* One multiplication per pixel: no window at all. */
static bool is_pointwise(const struct convolution *conv) {
    const struct window *window = &conv->window;
    return conv->groups == 1 && window->kernel_height == 1 && window->kernel_width == 1 &&
           window->stride_y == 1 && window->stride_x == 1 && window->out_height == window->in_height &&
           window->out_width == window->in_width && conv->pads[0] == 0 && conv->pads[1] == 0;
}

pomona_status lower_conv(struct lowering *lowering, const struct onnx_node *node) {
    struct convolution conv;
    TRY(read_convolution(lowering, node, &conv));
    bool depthwise =
        conv.groups > 1 && conv.groups == conv.in_channels && conv.out_channels == conv.in_channels;
    enum step_kind kind = is_pointwise(&conv) ? STEP_GEMM : depthwise ? STEP_DEPTHWISE : STEP_CONV;
    struct value shape = conv.image, result;
    shape.dims[1] = conv.out_channels;
    shape.dims[2] = conv.window.out_height;
    shape.dims[3] = conv.window.out_width;
    struct step *step;
    TRY(add_step(lowering, node, kind, &shape, &step, &result));
    step->input = conv.image.tensor;
    step->window = conv.window;
    step->in_channels = conv.in_channels;
    step->out_channels = conv.out_channels;
    step->groups = kind == STEP_CONV ? conv.groups : 1;
    step->rows = (size_t)conv.window.out_height * (size_t)conv.window.out_width;
    step->weights = (float *)conv.weights->floats; /* copied before anything is folded into it */
    step->integers = conv.integers;
    step->bias = conv.bias ? (float *)conv.bias->floats : NULL;
    /* below 2^28 pixels x 2^28 weights: no overflow */
    step->macs = (uint64_t)step->rows * conv.weights->count;
    if (step->macs > PLAN_MACS_MAX)
        return NODE_FAIL(lowering, node, POMONA_E_LIMIT, "%llu multiplications for one photo",
                         (unsigned long long)step->macs);
    set_output(lowering, node, &result);
    return POMONA_OK;
}

/* y = x * scale + shift with scale = gamma / sqrt(variance + epsilon); fuse.c folds it into a convolution before. */
pomona_status lower_batch_normalization(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    const struct onnx_tensor *parameters[4]; /* gamma, beta, mean, variance */
    float epsilon;
    int64_t training;
    TRY(tensor_input(lowering, node, 0, &input));
    TRY(attribute_float(lowering, node, "epsilon", 1e-5f, &epsilon));
    TRY(attribute_int(lowering, node, "training_mode", 0, &training));
    if (training) return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "training_mode is set");
    if (input->rank < 2)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "its input has rank %d", input->rank);
    size_t channels = (size_t)input->dims[1];
    for (int i = 0; i < 4; i++) {
        TRY(constant_input(lowering, node, i + 1, ONNX_FLOAT, &parameters[i]));
        if (parameters[i]->count != channels)
            return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "%zu parameters for %zu channels",
                             parameters[i]->count, channels);
    }
    struct value image = *input;
    if (channels > 1 && channel_axis(input) != 1) {
        if (input->rank == 4) TRY(as_image(lowering, node, input, &image));
        if (channel_axis(&image) != 1)
            return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "its input has rank %d", input->rank);
    }
    float *scale = arena_new(lowering->arena, channels, sizeof *scale);
    float *shift = arena_new(lowering->arena, channels, sizeof *shift);
    if (!scale || !shift) return fail_memory(lowering->error, "batch normalization");
    for (size_t i = 0; i < channels; i++) {
        double factor = parameters[0]->floats[i] / sqrt((double)parameters[3]->floats[i] + (double)epsilon);
        scale[i] = (float)factor;
        shift[i] = (float)(parameters[1]->floats[i] - parameters[2]->floats[i] * factor);
    }
    struct step *step;
    struct value result;
    TRY(add_step(lowering, node, STEP_SCALE, &image, &step, &result));
    step->input = image.tensor;
    step->out_channels = (int)channels;
    step->rows = value_elements(&image) / channels;
    step->scale = scale;
    step->bias = shift;
    set_output(lowering, node, &result);
    return POMONA_OK;
}
