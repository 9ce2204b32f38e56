#include "net/lower.h"

#include <stdarg.h>
#include <stdio.h>

pomona_status node_fail(const struct lowering *lowering, const struct onnx_node *node, pomona_status code,
                        const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return fail(lowering->error, code, lowering->file, "node '%.160s' (%.60s): %s", node->name, node->op,
                text);
}

/* An attribute that is there; POMONA_E_CORRUPT when it has another type. */
static pomona_status find_attribute(const struct lowering *lowering, const struct onnx_node *node,
                                    const char *name, enum onnx_attribute_type type,
                                    const struct onnx_attribute **attribute) {
    *attribute = onnx_node_attribute(node, name);
    if (*attribute && (*attribute)->type != type)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "attribute '%s' has the wrong type", name);
    return POMONA_OK;
}

pomona_status attribute_int(const struct lowering *lowering, const struct onnx_node *node, const char *name,
                            int64_t absent, int64_t *value) {
    const struct onnx_attribute *attribute;
    TRY(find_attribute(lowering, node, name, ONNX_ATTRIBUTE_INT, &attribute));
    *value = attribute ? attribute->integer : absent;
    return POMONA_OK;
}

pomona_status attribute_float(const struct lowering *lowering, const struct onnx_node *node, const char *name,
                              float absent, float *value) {
    const struct onnx_attribute *attribute;
    TRY(find_attribute(lowering, node, name, ONNX_ATTRIBUTE_FLOAT, &attribute));
    *value = attribute ? attribute->number : absent;
    return POMONA_OK;
}

pomona_status attribute_text(const struct lowering *lowering, const struct onnx_node *node, const char *name,
                             const char **text) {
    const struct onnx_attribute *attribute;
    TRY(find_attribute(lowering, node, name, ONNX_ATTRIBUTE_STRING, &attribute));
    *text = attribute ? attribute->text : NULL;
    return POMONA_OK;
}

pomona_status attribute_ints(const struct lowering *lowering, const struct onnx_node *node, const char *name,
                             const int64_t **ints, size_t *count) {
    const struct onnx_attribute *attribute;
    TRY(find_attribute(lowering, node, name, ONNX_ATTRIBUTE_INTS, &attribute));
    *ints = attribute ? attribute->ints : NULL;
    *count = attribute ? attribute->count : 0;
    return POMONA_OK;
}

pomona_status list_argument(const struct lowering *lowering, const struct onnx_node *node, int index,
                            const char *name, const int64_t **ints, size_t *count) {
    TRY(attribute_ints(lowering, node, name, ints, count));
    if (*ints || !has_input(node, index)) return POMONA_OK;
    const struct onnx_tensor *constant = NULL;
    TRY(constant_input(lowering, node, index, ONNX_INT64, &constant));
    *ints = constant->ints;
    *count = constant->count;
    return POMONA_OK;
}

bool has_input(const struct onnx_node *node, int index) {
    return index < node->input_count && node->inputs[index] >= 0;
}

pomona_status any_input(const struct lowering *lowering, const struct onnx_node *node, int index,
                        const struct value **value) {
    if (!has_input(node, index))
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "input %d is missing", index);
    *value = &lowering->values[node->inputs[index]];
    if ((*value)->kind == VALUE_UNSET)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED,
                         "reads '%.120s', which pomona does not compute",
                         lowering->graph->values[node->inputs[index]].name);
    return POMONA_OK;
}

pomona_status tensor_input(const struct lowering *lowering, const struct onnx_node *node, int index,
                           const struct value **value) {
    TRY(any_input(lowering, node, index, value));
    if ((*value)->kind != VALUE_TENSOR)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "input %d does not depend on the photo",
                         index);
    return POMONA_OK;
}

pomona_status constant_input(const struct lowering *lowering, const struct onnx_node *node, int index,
                             enum onnx_type type, const struct onnx_tensor **constant) {
    const struct value *value = NULL;
    TRY(any_input(lowering, node, index, &value));
    if (value->kind != VALUE_CONSTANT)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "input %d ('%.120s') is not constant", index,
                         lowering->graph->values[node->inputs[index]].name);
    if (value->constant->type != type)
        return NODE_FAIL(
            lowering, node, POMONA_E_CORRUPT, "input %d ('%.120s') has the wrong type, %s is needed", index,
            lowering->graph->values[node->inputs[index]].name, type == ONNX_FLOAT ? "float" : "integer");
    *constant = value->constant;
    return POMONA_OK;
}

pomona_status scalar_input(const struct lowering *lowering, const struct onnx_node *node, int index,
                           float absent, float *scalar) {
    *scalar = absent;
    if (!has_input(node, index)) return POMONA_OK;
    const struct onnx_tensor *constant = NULL;
    TRY(constant_input(lowering, node, index, ONNX_FLOAT, &constant));
    if (constant->count != 1)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "input %d has %zu elements, not one", index,
                         constant->count);
    *scalar = constant->floats[0];
    return POMONA_OK;
}

void set_output(struct lowering *lowering, const struct onnx_node *node, const struct value *value) {
    if (node->output_count > 0 && node->outputs[0] >= 0) lowering->values[node->outputs[0]] = *value;
}

pomona_status set_constant(struct lowering *lowering, const struct onnx_node *node,
                           const struct onnx_tensor *constant) {
    if (!constant)
        return NODE_FAIL(lowering, node, POMONA_E_LIMIT,
                         "its constant takes more memory than the file warrants");
    set_output(lowering, node, &(struct value){.kind = VALUE_CONSTANT, .constant = constant});
    return POMONA_OK;
}

pomona_status normal_axis(const struct lowering *lowering, const struct onnx_node *node, int64_t axis,
                          int rank, int *normal) {
    if (axis < -rank || axis >= rank)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "axis %lld is out of range for rank %d",
                         (long long)axis, rank);
    *normal = (int)(axis < 0 ? axis + rank : axis);
    return POMONA_OK;
}
