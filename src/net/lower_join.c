#include "net/constants.h"
#include "net/lower.h"

#include <string.h>

/* Checks the inputs of a Concat against the first, brings them into its order, and adds up the axis. */
static pomona_status concat_inputs(struct lowering *lowering, const struct onnx_node *node, int axis,
                                   int *tensors, int *channels, struct value *shape) {
    struct value first = *shape;
    int outer = 0;
    while (first.order[outer] != axis) outer++;
    size_t inner = 1;
    for (int i = outer + 1; i < first.rank; i++) inner *= (size_t)first.dims[first.order[i]];
    shape->dims[axis] = 0;
    for (int i = 0; i < node->input_count; i++) {
        const struct value *input;
        struct value part;
        TRY(tensor_input(lowering, node, i, &input));
        bool fits = input->rank == first.rank;
        for (int j = 0; fits && j < first.rank; j++) fits = j == axis || input->dims[j] == first.dims[j];
        if (!fits)
            return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "input %d does not fit beside the first", i);
        TRY(with_order(lowering, node, input, first.order, &part));
        tensors[i] = part.tensor;
        channels[i] = (int)((size_t)part.dims[axis] * inner);
        shape->dims[axis] += part.dims[axis];
        if (shape->dims[axis] > PLAN_DIM_MAX)
            return NODE_FAIL(lowering, node, POMONA_E_LIMIT, "its result is too large");
    }
    return POMONA_OK;
}

pomona_status lower_concat(struct lowering *lowering, const struct onnx_node *node) {
    int64_t attribute;
    int axis, constants = 0;
    const struct value *input = NULL;
    TRY(attribute_int(lowering, node, "axis", 0, &attribute));
    for (int i = node->input_count; i-- > 0;) {
        TRY(any_input(lowering, node, i, &input));
        constants += input->kind == VALUE_CONSTANT;
    }
    if (!input) return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "it has no inputs");
    int rank = input->kind == VALUE_CONSTANT ? input->constant->rank : input->rank;
    TRY(normal_axis(lowering, node, attribute, rank, &axis));
    if (constants == node->input_count) return fold_concat(lowering, node, axis);
    if (constants > 0)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED,
                         "some of its inputs do not depend on the photo");
    struct value shape = *input, result;
    if (axis == shape.order[0])
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "it mixes the photos of a batch");
    int *tensors = arena_new(&lowering->plan->arena, 2 * (size_t)node->input_count, sizeof *tensors);
    if (!tensors) return fail_memory(lowering->error, "plan");
    TRY(concat_inputs(lowering, node, axis, tensors, tensors + node->input_count, &shape));
    struct step *step;
    TRY(add_step(lowering, node, STEP_CONCAT, &shape, &step, &result));
    step->inputs = tensors;
    step->input_count = node->input_count;
    step->rows = 1;
    for (int i = 1; shape.order[i] != axis; i++) step->rows *= (size_t)shape.dims[shape.order[i]];
    step->out_channels = (int)(value_elements(&shape) / step->rows);
    set_output(lowering, node, &result);
    return POMONA_OK;
}

/* pads as [rank] before, [rank] after, from attribute or input, with the axes input of operator set 18. */
static pomona_status read_pads(struct lowering *lowering, const struct onnx_node *node, int rank,
                               int64_t *before, int64_t *after) {
    const int64_t *pads, *axes = NULL;
    size_t count, axis_count = 0;
    TRY(list_argument(lowering, node, 1, "pads", &pads, &count));
    if (has_input(node, 3)) TRY(list_argument(lowering, node, 3, "axes", &axes, &axis_count));
    if (!axes) axis_count = (size_t)rank;
    if (!pads || count != 2 * axis_count || axis_count > (size_t)rank)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "%zu pads for %zu axes", count, axis_count);
    for (size_t i = 0; i < axis_count; i++) {
        int axis = (int)i;
        if (axes) TRY(normal_axis(lowering, node, axes[i], rank, &axis));
        before[axis] = pads[i];
        after[axis] = pads[i + axis_count];
        if (before[axis] < 0 || after[axis] < 0 || before[axis] > PLAN_WINDOW_MAX ||
            after[axis] > PLAN_WINDOW_MAX)
            return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "pads of %lld and %lld, not in 0..%d",
                             (long long)before[axis], (long long)after[axis], PLAN_WINDOW_MAX);
    }
    return POMONA_OK;
}

pomona_status lower_pad(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    const char *mode;
    float constant;
    int64_t before[ONNX_RANK_MAX] = {0}, after[ONNX_RANK_MAX] = {0};
    TRY(tensor_input(lowering, node, 0, &input));
    TRY(attribute_text(lowering, node, "mode", &mode));
    if (mode && strcmp(mode, "constant") != 0)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "mode is '%.40s'", mode);
    TRY(attribute_float(lowering, node, "value", 0, &constant));
    TRY(scalar_input(lowering, node, 2, constant, &constant));
    TRY(read_pads(lowering, node, input->rank, before, after));
    bool any = false;
    for (int i = 0; i < input->rank; i++) any = any || before[i] || after[i];
    if (!any) {
        set_output(lowering, node, input);
        return POMONA_OK;
    }
    const int *order = input->order; /* batch, vertical, horizontal, channels */
    if (input->rank != 4 || before[order[0]] || after[order[0]] || before[order[3]] || after[order[3]])
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED,
                         "it pads something else than height and width");
    struct value shape = *input, result;
    int source = input->tensor;
    int64_t height = input->dims[order[1]], width = input->dims[order[2]];
    shape.dims[order[1]] += before[order[1]] + after[order[1]];
    shape.dims[order[2]] += before[order[2]] + after[order[2]];
    struct step *step;
    TRY(add_step(lowering, node, STEP_PAD, &shape, &step, &result));
    step->input = source;
    step->alpha = constant;
    step->out_channels = (int)shape.dims[shape.order[3]];
    step->window = (struct window){.in_height = (int)height,
                                   .in_width = (int)width,
                                   .out_height = (int)shape.dims[shape.order[1]],
                                   .out_width = (int)shape.dims[shape.order[2]],
                                   .pad_top = (int)before[shape.order[1]],
                                   .pad_left = (int)before[shape.order[2]]};
    set_output(lowering, node, &result);
    return POMONA_OK;
}
