#include "net/constants.h"
#include "net/lower.h"

#include <string.h>

pomona_status lower_constant(struct lowering *lowering, const struct onnx_node *node) {
    for (int i = 0; i < node->attribute_count; i++) {
        const struct onnx_attribute *attribute = &node->attributes[i];
        bool list = attribute->type == ONNX_ATTRIBUTE_FLOATS || attribute->type == ONNX_ATTRIBUTE_INTS;
        bool floats = attribute->type == ONNX_ATTRIBUTE_FLOAT || attribute->type == ONNX_ATTRIBUTE_FLOATS;
        if (strncmp(attribute->name, "value", 5) != 0) continue;
        if (attribute->type == ONNX_ATTRIBUTE_TENSOR) return set_constant(lowering, node, attribute->tensor);
        if (!list && attribute->type != ONNX_ATTRIBUTE_FLOAT && attribute->type != ONNX_ATTRIBUTE_INT)
            continue;
        struct onnx_tensor *constant = arena_new(lowering->arena, 1, sizeof *constant);
        if (!constant) return fail_memory(lowering->error, "constant");
        constant->type = floats ? ONNX_FLOAT : ONNX_INT64;
        constant->rank = list ? 1 : 0;
        constant->count = list ? attribute->count : 1;
        constant->dims[0] = list ? (int64_t)attribute->count : 0;
        constant->floats = !floats ? NULL : list ? attribute->floats : &attribute->number;
        constant->ints = floats ? NULL : list ? attribute->ints : &attribute->integer;
        return set_constant(lowering, node, constant);
    }
    return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "its value is neither tensor nor number");
}

/* Tensors that depend on the photo are fp32 and stay so; constants change between float and integer. */
pomona_status lower_cast(struct lowering *lowering, const struct onnx_node *node) {
    enum { TO_FLOAT = 1, TO_INT32 = 6, TO_INT64 = 7 };
    const struct value *input = NULL;
    int64_t to, saturate;
    TRY(any_input(lowering, node, 0, &input));
    TRY(attribute_int(lowering, node, "to", 0, &to));
    TRY(attribute_int(lowering, node, "saturate", 1, &saturate)); /* only about 8-bit floats */
    enum onnx_type from = input->kind == VALUE_CONSTANT ? input->constant->type : ONNX_FLOAT;
    bool same = from == ONNX_FLOAT ? to == TO_FLOAT : to == TO_INT32 || to == TO_INT64;
    if (same) return lower_identity(lowering, node);
    if (input->kind == VALUE_TENSOR ||
        (from == ONNX_FLOAT ? to != TO_INT32 && to != TO_INT64 : to != TO_FLOAT))
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "to type %lld", (long long)to);
    const struct onnx_tensor *source = input->constant;
    enum onnx_type type = from == ONNX_FLOAT ? ONNX_INT64 : ONNX_FLOAT;
    struct onnx_tensor *result = new_constant(lowering, type, source->rank, source->dims);
    for (size_t i = 0; result && i < source->count; i++) {
        if (type == ONNX_FLOAT) {
            ((float *)result->floats)[i] = (float)source->ints[i];
            continue;
        }
        if (!(source->floats[i] > -9e18f && source->floats[i] < 9e18f))
            return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "%g is no integer", (double)source->floats[i]);
        ((int64_t *)result->ints)[i] = (int64_t)source->floats[i];
    }
    return set_constant(lowering, node, result);
}

/* The shape for one photo: a batch dimension in it is 1, as everywhere while lowering. */
pomona_status lower_shape(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    int64_t start, end;
    TRY(any_input(lowering, node, 0, &input));
    int rank = input->kind == VALUE_CONSTANT ? input->constant->rank : input->rank;
    const int64_t *dims = input->kind == VALUE_CONSTANT ? input->constant->dims : input->dims;
    TRY(attribute_int(lowering, node, "start", 0, &start));
    TRY(attribute_int(lowering, node, "end", rank, &end));
    if (start < 0) start += rank;
    if (end < 0) end += rank;
    start = start < 0 ? 0 : start > rank ? rank : start;
    end = end < start ? start : end > rank ? rank : end;
    int64_t count = end - start;
    struct onnx_tensor *result = new_constant(lowering, ONNX_INT64, 1, &count);
    for (int64_t i = 0; result && i < count; i++) ((int64_t *)result->ints)[i] = dims[start + i];
    return set_constant(lowering, node, result);
}

/* Of a constant along its first axis: how exporters pick one dimension out of a shape. */
pomona_status lower_gather(struct lowering *lowering, const struct onnx_node *node) {
    const struct onnx_tensor *data, *indices;
    int64_t axis;
    TRY(constant_input(lowering, node, 0, ONNX_INT64, &data));
    TRY(constant_input(lowering, node, 1, ONNX_INT64, &indices));
    TRY(attribute_int(lowering, node, "axis", 0, &axis));
    if (data->rank != 1 || (axis != 0 && axis != -1))
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "its data have rank %d, not 1", data->rank);
    struct onnx_tensor *result = new_constant(lowering, ONNX_INT64, indices->rank, indices->dims);
    for (size_t i = 0; result && i < indices->count; i++) {
        int64_t at = indices->ints[i];
        if (at < 0) at += (int64_t)data->count;
        if (at < 0 || (size_t)at >= data->count)
            return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "index %lld of %zu elements",
                             (long long)indices->ints[i], data->count);
        ((int64_t *)result->ints)[i] = data->ints[at];
    }
    return set_constant(lowering, node, result);
}

/* starts, ends, axes, steps: inputs since operator set 10, attributes before; each of one element here. */
pomona_status lower_slice(struct lowering *lowering, const struct onnx_node *node) {
    static const char *const names[4] = {"starts", "ends", "axes", "steps"};
    const struct onnx_tensor *data = NULL;
    int64_t numbers[4] = {0, 0, 0, 1};
    TRY(constant_input(lowering, node, 0, ONNX_INT64, &data));
    for (int i = 0; i < 4; i++) {
        const int64_t *ints;
        size_t count;
        TRY(list_argument(lowering, node, i + 1, names[i], &ints, &count));
        if ((ints && count != 1) || (!ints && i < 2))
            return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "it slices %zu axes, not one", count);
        if (ints) numbers[i] = ints[0];
    }
    if (data->rank != 1 || (numbers[2] != 0 && numbers[2] != -1) || numbers[3] != 1)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "only runs of a list can be sliced");
    int64_t size = (int64_t)data->count;
    for (int i = 0; i < 2; i++) {
        if (numbers[i] < -size)
            numbers[i] = 0;
        else if (numbers[i] < 0)
            numbers[i] += size;
        else if (numbers[i] > size)
            numbers[i] = size;
    }
    int64_t count = numbers[1] > numbers[0] ? numbers[1] - numbers[0] : 0;
    struct onnx_tensor *result = new_constant(lowering, ONNX_INT64, 1, &count);
    if (result && count)
        memcpy((int64_t *)result->ints, data->ints + numbers[0], (size_t)count * sizeof(int64_t));
    return set_constant(lowering, node, result);
}
