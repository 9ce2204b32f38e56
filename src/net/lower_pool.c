#include "net/geometry.h"
#include "net/lower.h"

#include <string.h>

static pomona_status add_pool(struct lowering *lowering, const struct onnx_node *node, enum step_kind kind,
                              const struct value *image, const struct window *window, struct step **step) {
    struct value shape = *image, result;
    shape.dims[2] = window->out_height;
    shape.dims[3] = window->out_width;
    TRY(add_step(lowering, node, kind, &shape, step, &result));
    (*step)->input = image->tensor;
    (*step)->window = *window;
    (*step)->in_channels = (*step)->out_channels = (int)image->dims[1];
    /* 2^28 elements x 2^24 window: no overflow */
    uint64_t visits =
        (uint64_t)value_elements(&shape) * (uint64_t)window->kernel_height * window->kernel_width;
    if (visits > PLAN_MACS_MAX)
        return NODE_FAIL(lowering, node, POMONA_E_LIMIT, "%llu additions for one photo",
                         (unsigned long long)visits);
    set_output(lowering, node, &result);
    return POMONA_OK;
}

/* Whether every window touches at least one pixel of the image: else its maximum or mean is of padding only. */
static bool windows_touch(int in, int out, int kernel, int stride, int dilation, int pad) {
    int64_t last_start = (int64_t)(out - 1) * stride - pad;
    return pad <= (int64_t)(kernel - 1) * dilation && last_start < in && (dilation == 1 || pad == 0);
}

/* A window as large as the image is a global pool that does not say so. At another size it would see a part. */
static pomona_status check_whole_image(struct lowering *lowering, const struct onnx_node *node,
                                       const struct window *window) {
    if (!lowering->whole_image) return POMONA_OK;
    bool *whole = &lowering->whole_image[node - lowering->graph->nodes];
    bool sees_all = window->kernel_height >= window->in_height && window->kernel_width >= window->in_width &&
                    window->kernel_height * window->kernel_width > 1;
    if (!lowering->resized)
        *whole = sees_all;
    else if (*whole &&
             (window->kernel_height != window->in_height || window->kernel_width != window->in_width))
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED,
                         "its window of %dx%d is fixed and saw the whole image, which has %dx%d now",
                         window->kernel_height, window->kernel_width, window->in_height, window->in_width);
    return POMONA_OK;
}

static pomona_status read_pool(struct lowering *lowering, const struct onnx_node *node, struct value *image,
                               struct window *window, int pads[4]) {
    const struct value *input = NULL;
    static const int none[2] = {0, 0};
    TRY(tensor_input(lowering, node, 0, &input));
    TRY(as_image(lowering, node, input, image));
    TRY(window_from_node(lowering, node, image, 0, 0, none, none, window, pads));
    if (!windows_touch(window->in_height, window->out_height, window->kernel_height, window->stride_y,
                       window->dilation_y, window->pad_top) ||
        !windows_touch(window->in_width, window->out_width, window->kernel_width, window->stride_x,
                       window->dilation_x, window->pad_left))
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "its padding is as wide as its window");
    return check_whole_image(lowering, node, window);
}

pomona_status lower_max_pool(struct lowering *lowering, const struct onnx_node *node) {
    struct value image;
    struct window window;
    int pads[4];
    int64_t storage_order;
    TRY(attribute_int(lowering, node, "storage_order", 0, &storage_order)); /* only about the indices */
    TRY(read_pool(lowering, node, &image, &window, pads));
    struct step *step;
    return add_pool(lowering, node, STEP_MAX_POOL, &image, &window, &step);
}

pomona_status lower_average_pool(struct lowering *lowering, const struct onnx_node *node) {
    struct value image;
    struct window window;
    int pads[4];
    int64_t include;
    TRY(attribute_int(lowering, node, "count_include_pad", 0, &include));
    TRY(read_pool(lowering, node, &image, &window, pads));
    int reach_y =
        (window.out_height - 1) * window.stride_y + (window.kernel_height - 1) * window.dilation_y + 1;
    int reach_x =
        (window.out_width - 1) * window.stride_x + (window.kernel_width - 1) * window.dilation_x + 1;
    if (include &&
        (reach_y > window.in_height + pads[0] + pads[2] || reach_x > window.in_width + pads[1] + pads[3]))
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED,
                         "count_include_pad with ceil_mode and a last window that is cut off");
    struct step *step;
    TRY(add_pool(lowering, node, STEP_AVERAGE_POOL, &image, &window, &step));
    step->count_padding = include != 0;
    return POMONA_OK;
}

/* The mean over some axes. In memory these must be the outer ones, so that what stays is a row of channels. */
static pomona_status add_mean(struct lowering *lowering, const struct onnx_node *node,
                              const struct value *input, const bool *reduced, bool keep_dims) {
    struct value wanted = *input, value;
    int at = 1;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 1; i < input->rank; i++)
            if (reduced[input->order[i]] == (pass == 0)) wanted.order[at++] = input->order[i];
    TRY(with_order(lowering, node, input, wanted.order, &value));
    struct value shape = value, result;
    size_t rows = 1;
    for (int i = 0; i < value.rank; i++) {
        if (!reduced[i]) continue;
        rows *= (size_t)value.dims[i];
        shape.dims[i] = 1;
    }
    if (!keep_dims) { /* drop the reduced axes and renumber the others */
        int renamed[ONNX_RANK_MAX], rank = 0;
        for (int i = 0; i < value.rank; i++) {
            renamed[i] = rank;
            if (!reduced[i]) shape.dims[rank++] = value.dims[i];
        }
        shape.rank = 0;
        for (int i = 0; i < value.rank; i++)
            if (!reduced[value.order[i]]) shape.order[shape.rank++] = renamed[value.order[i]];
    }
    struct step *step;
    TRY(add_step(lowering, node, STEP_MEAN, &shape, &step, &result));
    step->input = value.tensor;
    step->rows = rows;
    step->out_channels = (int)value_elements(&shape);
    step->macs = 0;
    set_output(lowering, node, &result);
    return POMONA_OK;
}

pomona_status lower_global_average_pool(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    TRY(tensor_input(lowering, node, 0, &input));
    if (input->rank < 3)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "its input has rank %d", input->rank);
    bool reduced[ONNX_RANK_MAX] = {false};
    for (int i = 2; i < input->rank; i++) reduced[i] = true;
    return add_mean(lowering, node, input, reduced, true);
}

pomona_status lower_reduce_mean(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    const int64_t *axes;
    size_t count;
    int64_t keep_dims, no_axes_is_identity;
    TRY(tensor_input(lowering, node, 0, &input));
    TRY(list_argument(lowering, node, 1, "axes", &axes, &count));
    TRY(attribute_int(lowering, node, "keepdims", 1, &keep_dims));
    TRY(attribute_int(lowering, node, "noop_with_empty_axes", 0, &no_axes_is_identity));
    if (count == 0)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "without axes it mixes the photos of a batch");
    bool reduced[ONNX_RANK_MAX] = {false};
    for (size_t i = 0; i < count; i++) {
        int axis;
        TRY(normal_axis(lowering, node, axes[i], input->rank, &axis));
        reduced[axis] = true;
    }
    if (reduced[input->order[0]])
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "it mixes the photos of a batch");
    return add_mean(lowering, node, input, reduced, keep_dims != 0);
}
