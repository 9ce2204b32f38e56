#include "net/constants.h"
#include "net/lower.h"

#include <math.h>
#include <string.h>

/* Appends a step of one operand that keeps the shape. */
static pomona_status add_unary(struct lowering *lowering, const struct onnx_node *node, enum step_kind kind,
                               const struct value *input, struct step **step) {
    struct value shape = *input, result;
    TRY(add_step(lowering, node, kind, &shape, step, &result));
    (*step)->input = shape.tensor;
    set_output(lowering, node, &result);
    return POMONA_OK;
}

pomona_status lower_relu(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    struct step *step;
    TRY(tensor_input(lowering, node, 0, &input));
    TRY(add_unary(lowering, node, STEP_CLAMP, input, &step));
    step->low = 0;
    return POMONA_OK;
}

pomona_status lower_clip(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    struct step *step;
    float low, high;
    TRY(tensor_input(lowering, node, 0, &input));
    TRY(attribute_float(lowering, node, "min", -INFINITY, &low));
    TRY(attribute_float(lowering, node, "max", INFINITY, &high));
    TRY(scalar_input(lowering, node, 1, low, &low));
    TRY(scalar_input(lowering, node, 2, high, &high));
    if (!(low <= high))
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "its bounds are %g and %g", (double)low,
                         (double)high);
    TRY(add_unary(lowering, node, STEP_CLAMP, input, &step));
    step->low = low;
    step->high = high;
    return POMONA_OK;
}

pomona_status lower_activation(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    struct step *step;
    float alpha, beta;
    TRY(tensor_input(lowering, node, 0, &input));
    TRY(attribute_float(lowering, node, "alpha", 0.2f, &alpha));
    TRY(attribute_float(lowering, node, "beta", 0.5f, &beta));
    enum step_kind kind = strcmp(node->op, "Sigmoid") == 0       ? STEP_SIGMOID
                          : strcmp(node->op, "HardSigmoid") == 0 ? STEP_HARD_SIGMOID
                                                                 : STEP_HARD_SWISH;
    TRY(add_unary(lowering, node, kind, input, &step));
    step->alpha = alpha;
    step->beta = beta;
    return POMONA_OK;
}

static enum binary_kind binary_kind_of(const struct onnx_node *node) {
    switch (node->op[0]) {
    case 'A': return BINARY_ADD;
    case 'S': return BINARY_SUBTRACT;
    case 'M': return BINARY_MULTIPLY;
    default: return BINARY_DIVIDE;
    }
}

/* Numpy's broadcasting of b onto the axes of `out` (aligned at the last): b's dimension along axis i, 1 where it has
 * none. */
static int64_t broadcast_dim(int rank, const int64_t *dims, int out_rank, int axis) {
    int at = axis - (out_rank - rank);
    return at < 0 ? 1 : dims[at];
}

/* Whether a constant is one number, or one number a channel (the innermost axis of `input`), and repeats along all
 * other axes. */
static bool is_channel_vector(const struct value *input, int rank, const int64_t *dims) {
    int channel = channel_axis(input);
    if (rank > input->rank) return false;
    for (int i = 0; i < input->rank; i++) {
        int64_t dim = broadcast_dim(rank, dims, input->rank, i);
        if (dim != 1 && (i != channel || dim != input->dims[i])) return false;
    }
    return true;
}

/* x op constant as x * scale + shift. Division by a constant becomes multiplication by its inverse. */
static pomona_status add_scale(struct lowering *lowering, const struct onnx_node *node, enum binary_kind kind,
                               const struct value *input, const struct onnx_tensor *constant,
                               bool constant_first) {
    int axis = channel_axis(input);
    size_t channels = axis < 0 ? 1 : (size_t)input->dims[axis];
    float *scale = arena_new(lowering->arena, channels, sizeof *scale);
    float *shift = arena_new(lowering->arena, channels, sizeof *shift);
    if (!scale || !shift)
        return NODE_FAIL(lowering, node, POMONA_E_LIMIT,
                         "its constant takes more memory than the file warrants");
    for (size_t i = 0; i < channels; i++) {
        float value = constant->floats[constant->count == 1 ? 0 : i];
        scale[i] = kind == BINARY_MULTIPLY ? value : kind == BINARY_DIVIDE ? 1 / value : 1;
        shift[i] = kind == BINARY_ADD ? value : kind == BINARY_SUBTRACT ? -value : 0;
        if (kind == BINARY_SUBTRACT && constant_first) {
            scale[i] = -1;
            shift[i] = value;
        }
    }
    struct step *step;
    size_t rows = value_elements(input) / channels;
    TRY(add_unary(lowering, node, STEP_SCALE, input, &step));
    step->out_channels = (int)channels;
    step->rows = rows;
    step->scale = scale;
    step->bias = shift;
    return POMONA_OK;
}

/* Shape and order of a broadcast result: the order of the operand that has the result's shape. */
static pomona_status broadcast_shape(struct lowering *lowering, const struct onnx_node *node,
                                     const struct value *a, int b_rank, const int64_t *b_dims,
                                     const struct value *b, struct value *shape) {
    *shape = *a;
    bool b_larger = false;
    for (int i = 0; i < a->rank; i++) {
        int64_t dim = broadcast_dim(b_rank, b_dims, a->rank, i);
        if (dim != a->dims[i] && dim != 1 && a->dims[i] != 1)
            return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "its operands do not broadcast: %lld and %lld",
                             (long long)a->dims[i], (long long)dim);
        if (dim > a->dims[i]) {
            shape->dims[i] = dim;
            b_larger = true;
        }
    }
    if (b && b_larger && same_dims(b, shape)) memcpy(shape->order, b->order, sizeof shape->order);
    if (shape->dims[shape->order[0]] != 1)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "it mixes the photos of a batch");
    return POMONA_OK;
}

/* Strides of a constant along the axes of `shape`. */
static void constant_strides(const struct onnx_tensor *constant, int out_rank, size_t *strides) {
    size_t stride = 1;
    for (int i = out_rank - 1; i >= 0; i--) {
        int64_t dim = broadcast_dim(constant->rank, constant->dims, out_rank, i);
        strides[i] = dim == 1 ? 0 : stride;
        stride *= (size_t)dim;
    }
}

/* The plain fallback: any shapes, one element at a time. Exactly one of b and constant is set. */
static pomona_status add_broadcast(struct lowering *lowering, const struct onnx_node *node,
                                   enum binary_kind kind, const struct value *a, const struct value *b,
                                   const struct onnx_tensor *constant, bool constant_first) {
    struct value shape, result, left = *a, right = b ? *b : (struct value){0};
    if (b ? b->rank != a->rank || b->order[0] != a->order[0] : constant->rank > a->rank)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "operands of rank %d and %d", a->rank,
                         b ? b->rank : constant->rank);
    TRY(broadcast_shape(lowering, node, &left, b ? b->rank : constant->rank, b ? b->dims : constant->dims, b,
                        &shape));
    struct walk *walk = arena_new(&lowering->plan->arena, 1, sizeof *walk);
    if (!walk) return fail_memory(lowering->error, "plan");
    size_t a_strides[ONNX_RANK_MAX], b_strides[ONNX_RANK_MAX];
    value_strides(&left, a_strides);
    if (b)
        value_strides(&right, b_strides);
    else
        constant_strides(constant, shape.rank, b_strides);
    walk->kind = kind;
    walk->constant_first = constant_first;
    walk->rank = shape.rank;
    for (int i = 0; i < shape.rank; i++) {
        walk->dims[i] = (size_t)shape.dims[shape.order[i]];
        walk->a_strides[i] = a_strides[shape.order[i]];
        walk->b_strides[i] = b_strides[shape.order[i]];
    }
    struct step *step;
    TRY(add_step(lowering, node, STEP_BINARY, &shape, &step, &result));
    step->input = left.tensor;
    step->second = b ? right.tensor : -1;
    step->scale = b ? NULL : (float *)constant->floats;
    step->constant_count = b ? 0 : constant->count;
    step->walk = walk;
    set_output(lowering, node, &result);
    return POMONA_OK;
}

static pomona_status binary_with_constant(struct lowering *lowering, const struct onnx_node *node,
                                          const struct value *input, const struct onnx_tensor *constant,
                                          bool constant_first) {
    enum binary_kind kind = binary_kind_of(node);
    if (constant->type != ONNX_FLOAT)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "one operand is float, the other integer");
    struct onnx_tensor trimmed = *constant; /* leading axes of size one say nothing */
    while (trimmed.rank > input->rank && trimmed.dims[0] == 1) {
        memmove(trimmed.dims, trimmed.dims + 1, (size_t)(trimmed.rank - 1) * sizeof *trimmed.dims);
        trimmed.rank--;
    }
    bool linear = kind != BINARY_DIVIDE || !constant_first;
    if (linear && is_channel_vector(input, trimmed.rank, trimmed.dims))
        return add_scale(lowering, node, kind, input, &trimmed, constant_first);
    return add_broadcast(lowering, node, kind, input, NULL, &trimmed, constant_first);
}

static pomona_status add_scale_by(struct lowering *lowering, const struct onnx_node *node,
                                  const struct value *image, const struct value *scale) {
    struct step *step;
    int source = scale->tensor, channels = (int)value_elements(scale);
    size_t rows = value_elements(image) / (size_t)channels;
    TRY(add_unary(lowering, node, STEP_SCALE_BY, image, &step));
    step->second = source;
    step->out_channels = channels;
    step->rows = rows;
    return POMONA_OK;
}

/* b times the channels of a: squeeze and excitation. */
static bool scales_channels(const struct value *a, const struct value *b) {
    int channel = channel_axis(a);
    return a->rank == b->rank && channel > 0 && b->dims[channel] == a->dims[channel] &&
           value_elements(b) == (size_t)b->dims[channel] && !same_dims(a, b);
}

pomona_status lower_binary(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *a = NULL, *b = NULL;
    TRY(any_input(lowering, node, 0, &a));
    TRY(any_input(lowering, node, 1, &b));
    if (a->kind == VALUE_CONSTANT && b->kind == VALUE_CONSTANT) return fold_binary(lowering, node);
    if (b->kind == VALUE_CONSTANT) return binary_with_constant(lowering, node, a, b->constant, false);
    if (a->kind == VALUE_CONSTANT) return binary_with_constant(lowering, node, b, a->constant, true);
    enum binary_kind kind = binary_kind_of(node);
    if (kind == BINARY_MULTIPLY && scales_channels(a, b)) return add_scale_by(lowering, node, a, b);
    if (kind == BINARY_MULTIPLY && scales_channels(b, a)) return add_scale_by(lowering, node, b, a);
    bool same = same_dims(a, b);
    if (!same || kind == BINARY_SUBTRACT || kind == BINARY_DIVIDE)
        return add_broadcast(lowering, node, kind, a, b, NULL, false);
    struct value left = *a, right;
    TRY(with_order(lowering, node, b, left.order, &right));
    struct step *step;
    TRY(add_unary(lowering, node, kind == BINARY_ADD ? STEP_ADD : STEP_MULTIPLY, &left, &step));
    step->second = right.tensor;
    return POMONA_OK;
}
