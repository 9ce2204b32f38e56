/* QuantizeLinear and DequantizeLinear. Weights become floats that remember their integers; tensors become bytes and floats
 * again, in steps that integer.c merges into others. In a plan of floats (lowering->integers not set) tensors pass unchanged. */
#include "net/lower.h"

#include <math.h>
#include <string.h>

#define SCALE_MIN 0x1p-40f
#define SCALE_MAX 0x1p40f

/* Scale and zero point of a node, checked: positive numbers, and integers of the quantised type. */
struct linear {
    const struct onnx_tensor *scale, *zero_point; /* zero_point: NULL for 0 */
};

static pomona_status read_linear(const struct lowering *lowering, const struct onnx_node *node,
                                 struct linear *linear) {
    int64_t block;
    TRY(attribute_int(lowering, node, "block_size", 0, &block));
    if (block) return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "scales of blocks");
    TRY(constant_input(lowering, node, 1, ONNX_FLOAT, &linear->scale));
    linear->zero_point = NULL;
    if (has_input(node, 2)) TRY(constant_input(lowering, node, 2, ONNX_INT64, &linear->zero_point));
    if (linear->scale->count == 0) return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "it has no scale");
    for (size_t i = 0; i < linear->scale->count; i++) {
        float scale = linear->scale->floats[i];
        if (!(scale >= SCALE_MIN && scale <= SCALE_MAX))
            return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "absurd scale %g", (double)scale);
    }
    if (linear->zero_point && linear->zero_point->count != linear->scale->count)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "%zu zero points for %zu scales",
                         linear->zero_point->count, linear->scale->count);
    return POMONA_OK;
}

/* Attribute output_dtype, where a node has it: floats of DequantizeLinear, what the zero point says of QuantizeLinear. */
static pomona_status check_type(const struct lowering *lowering, const struct onnx_node *node,
                                const struct linear *linear) {
    enum { TYPE_FLOAT = 1, TYPE_UINT8 = 2, TYPE_INT8 = 3 };
    bool is_signed = linear->zero_point && linear->zero_point->width == ONNX_INT8;
    int64_t type, only = node->op[0] == 'D' ? TYPE_FLOAT : is_signed ? TYPE_INT8 : TYPE_UINT8;
    TRY(attribute_int(lowering, node, "output_dtype", 0, &type));
    if (type != 0 && type != only)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "its output_dtype is %lld, not %lld",
                         (long long)type, (long long)only);
    return POMONA_OK;
}

/* One scale and one zero point of bytes, in 0..255. */
static pomona_status read_quantisation(const struct lowering *lowering, const struct onnx_node *node,
                                       struct quantisation *quantisation) {
    struct linear linear = {NULL, NULL};
    TRY(read_linear(lowering, node, &linear));
    if (linear.scale->count != 1)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "a scale for each channel of an activation");
    int64_t zero_point = 0;
    TRY(check_type(lowering, node, &linear));
    if (linear.zero_point) {
        if (linear.zero_point->width == ONNX_WIDE)
            return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "its type is neither UINT8 nor INT8");
        zero_point = linear.zero_point->ints[0] + (linear.zero_point->width == ONNX_INT8 ? 128 : 0);
    }
    *quantisation = (struct quantisation){linear.scale->floats[0], (int)zero_point};
    return POMONA_OK;
}

/* A step between a tensor of floats and one of bytes. */
static pomona_status add_conversion(struct lowering *lowering, const struct onnx_node *node,
                                    enum step_kind kind, const struct value *input, struct value *result) {
    struct step *step;
    struct value shape = *input;
    TRY(add_step(lowering, node, kind, &shape, &step, result));
    step->input = shape.tensor;
    return POMONA_OK;
}

pomona_status lower_quantize_linear(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    struct quantisation quantisation = {0, 0};
    struct value result;
    TRY(tensor_input(lowering, node, 0, &input));
    TRY(read_quantisation(lowering, node, &quantisation));
    lowering->quantised = true;
    if (!lowering->integers) {
        set_output(lowering, node, input);
        return POMONA_OK;
    }
    if (tensor_is_bytes(&lowering->plan->tensors[input->tensor]))
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "it quantises what is quantised");
    TRY(add_conversion(lowering, node, STEP_QUANTIZE, input, &result));
    lowering->plan->tensors[result.tensor].quantisation = quantisation;
    set_output(lowering, node, &result);
    return POMONA_OK;
}

static pomona_status dequantize_tensor(struct lowering *lowering, const struct onnx_node *node,
                                       const struct value *input) {
    struct quantisation quantisation = {0, 0};
    struct value result;
    TRY(read_quantisation(lowering, node, &quantisation));
    if (!lowering->integers) {
        set_output(lowering, node, input);
        return POMONA_OK;
    }
    const struct quantisation *bytes = &lowering->plan->tensors[input->tensor].quantisation;
    if (bytes->scale != quantisation.scale || bytes->zero_point != quantisation.zero_point)
        return NODE_FAIL(
            lowering, node, POMONA_E_UNSUPPORTED, "scale %g and zero point %d where its input has %g and %d",
            (double)quantisation.scale, quantisation.zero_point, (double)bytes->scale, bytes->zero_point);
    TRY(add_conversion(lowering, node, STEP_DEQUANTIZE, input, &result));
    set_output(lowering, node, &result);
    return POMONA_OK;
}

/* How the scale of an element is found: scales repeat along all axes but one. */
struct axis {
    size_t inner, count; /* element i has scale i / inner % count */
};

static pomona_status read_axis(const struct lowering *lowering, const struct onnx_node *node,
                               const struct onnx_tensor *constant, size_t scales, struct axis *axis,
                               int *outer_axis) {
    int64_t attribute;
    *axis = (struct axis){1, 1};
    *outer_axis = 0;
    if (scales == 1) return POMONA_OK;
    TRY(attribute_int(lowering, node, "axis", 1, &attribute));
    TRY(normal_axis(lowering, node, attribute, constant->rank, outer_axis));
    if (constant->dims[*outer_axis] != (int64_t)scales)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "%zu scales along an axis of %lld", scales,
                         (long long)constant->dims[*outer_axis]);
    for (int i = *outer_axis + 1; i < constant->rank; i++) axis->inner *= (size_t)constant->dims[i];
    axis->count = scales;
    return POMONA_OK;
}

/* The integers of weights: int8 around 0, whatever the file's type, with scales along the first axis; NULL where the zero
 * point is another or the type is wider. */
static pomona_status keep_integers(struct lowering *lowering, const struct onnx_tensor *constant,
                                   const struct linear *linear, int64_t first_zero_point,
                                   const struct integer_weights **kept) {
    *kept = NULL;
    int64_t middle = constant->width == ONNX_UINT8 ? 128 : 0;
    bool centred = constant->width != ONNX_WIDE && first_zero_point == middle;
    for (size_t i = 0; linear->zero_point && i < linear->zero_point->count; i++)
        centred &= linear->zero_point->ints[i] == middle;
    if (!centred) return POMONA_OK;
    struct integer_weights *weights = arena_new(lowering->arena, 1, sizeof *weights);
    int8_t *values = arena_new(lowering->arena, constant->count, 1);
    if (!weights || !values) return fail_memory(lowering->error, "quantised weights");
    for (size_t i = 0; i < constant->count; i++) values[i] = (int8_t)(constant->ints[i] - middle);
    *weights = (struct integer_weights){values, linear->scale->floats, linear->scale->count};
    *kept = weights;
    return POMONA_OK;
}

/* Whether all integers are of a type that can be quantised to, of 32 bits at most. */
static bool is_narrow(const struct onnx_tensor *integers) {
    for (size_t i = 0; i < integers->count; i++)
        if (integers->ints[i] < INT32_MIN || integers->ints[i] > INT32_MAX) return false;
    return true;
}

static pomona_status dequantize_constant(struct lowering *lowering, const struct onnx_node *node,
                                         const struct onnx_tensor *constant) {
    struct linear linear = {NULL, NULL};
    struct axis axis = {1, 1};
    int outer_axis = 0;
    TRY(read_linear(lowering, node, &linear));
    if (constant->type != ONNX_INT64)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "its input is no integer");
    if (!is_narrow(constant) || (linear.zero_point && !is_narrow(linear.zero_point)))
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "its integers take more than 32 bits");
    TRY(read_axis(lowering, node, constant, linear.scale->count, &axis, &outer_axis));
    struct onnx_tensor *result = new_constant(lowering, ONNX_FLOAT, constant->rank, constant->dims);
    TRY(set_constant(lowering, node, result));
    size_t each = axis.count == 1 ? constant->count : axis.inner; /* in a row with one scale */
    for (size_t i = 0, at = 0; i < constant->count; i += each, at = at + 1 < axis.count ? at + 1 : 0) {
        int64_t zero_point = linear.zero_point ? linear.zero_point->ints[at] : 0;
        double scale = (double)linear.scale->floats[at];
        for (size_t k = i; k < i + each; k++)
            ((float *)result->floats)[k] = (float)((double)(constant->ints[k] - zero_point) * scale);
    }
    if (outer_axis != 0 || node->output_count == 0 || node->outputs[0] < 0) return POMONA_OK;
    int64_t zero_point = linear.zero_point ? linear.zero_point->ints[0] : 0;
    return keep_integers(lowering, constant, &linear, zero_point,
                         &lowering->values[node->outputs[0]].integers);
}

pomona_status lower_dequantize_linear(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    TRY(any_input(lowering, node, 0, &input));
    if (input->kind == VALUE_CONSTANT) return dequantize_constant(lowering, node, input->constant);
    return dequantize_tensor(lowering, node, input);
}
