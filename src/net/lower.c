#include "net/lower.h"

#include "base/memory.h"

#include <string.h>

/* Operators by name, with the attributes that are read or known not to matter. Another attribute is refused: it could
 * change the result. */
struct operator_entry {
    const char *op;
    lower_function lower;
    const char *attributes; /* separated and surrounded by spaces */
};

static const struct operator_entry operators[] = {
    {"Add", lower_binary, ""},
    {"AveragePool", lower_average_pool,
     " kernel_shape strides pads dilations auto_pad ceil_mode count_include_pad "},
    {"BatchNormalization", lower_batch_normalization, " epsilon momentum training_mode "},
    {"Cast", lower_cast, " to saturate "},
    {"Clip", lower_clip, " min max "},
    {"Concat", lower_concat, " axis "},
    {"Constant", lower_constant, " value value_float value_floats value_int value_ints "},
    {"Conv", lower_conv, " kernel_shape strides pads dilations auto_pad group "},
    {"DequantizeLinear", lower_dequantize_linear, " axis block_size output_dtype "},
    {"Div", lower_binary, ""},
    {"Dropout", lower_identity, " ratio seed "},
    {"Flatten", lower_flatten, " axis "},
    {"Gather", lower_gather, " axis "},
    {"Gemm", lower_gemm, " alpha beta transA transB "},
    {"GlobalAveragePool", lower_global_average_pool, ""},
    {"HardSigmoid", lower_activation, " alpha beta "},
    {"HardSwish", lower_activation, ""},
    {"Identity", lower_identity, ""},
    {"MatMul", lower_matmul, ""},
    {"MaxPool", lower_max_pool, " kernel_shape strides pads dilations auto_pad ceil_mode storage_order "},
    {"Mul", lower_binary, ""},
    {"Pad", lower_pad, " mode pads value "},
    {"QuantizeLinear", lower_quantize_linear, " axis block_size saturate output_dtype precision "},
    {"ReduceMean", lower_reduce_mean, " axes keepdims noop_with_empty_axes "},
    {"Relu", lower_relu, ""},
    {"Reshape", lower_reshape, " allowzero "},
    {"Shape", lower_shape, " start end "},
    {"Sigmoid", lower_activation, ""},
    {"Slice", lower_slice, " starts ends axes steps "},
    {"Softmax", lower_softmax, " axis "},
    {"Squeeze", lower_squeeze, " axes "},
    {"Sub", lower_binary, ""},
    {"Transpose", lower_transpose, " perm "},
    {"Unsqueeze", lower_unsqueeze, " axes "},
};

static const struct operator_entry *find_operator(const struct onnx_node *node) {
    if (*node->domain) return NULL;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(node->op, operators[i].op) == 0) return &operators[i];
    return NULL;
}

static bool knows_attribute(const struct operator_entry *entry, const char *name) {
    size_t size = strlen(name);
    for (const char *at = entry->attributes; size && (at = strstr(at, name)); at += size)
        if (at > entry->attributes && at[-1] == ' ' && at[size] == ' ') return true;
    return false;
}

static pomona_status lower_node(struct lowering *lowering, const struct onnx_node *node) {
    const struct operator_entry *entry = find_operator(node);
    if (!entry)
        return fail(lowering->error, POMONA_E_UNSUPPORTED, lowering->file,
                    "node '%.160s': operator %.60s%s%.60s is "
                    "not supported",
                    node->name, node->domain, *node->domain ? "." : "", node->op);
    for (int i = 0; i < node->attribute_count; i++)
        if (!knows_attribute(entry, node->attributes[i].name))
            return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "attribute '%.60s' is not supported",
                             node->attributes[i].name);
    return entry->lower(lowering, node);
}

/* Marks the nodes that `target` depends on; nodes are in execution order, so one walk from the end does. */
static void mark_needed(const struct onnx_graph *graph, int target, bool *needed) {
    if (graph->values[target].producer >= 0) needed[graph->values[target].producer] = true;
    for (int i = graph->node_count; i-- > 0;) {
        if (!needed[i]) continue;
        for (int j = 0; j < graph->nodes[i].input_count; j++) {
            int value = graph->nodes[i].inputs[j];
            if (value >= 0 && graph->values[value].producer >= 0)
                needed[graph->values[value].producer] = true;
        }
    }
}

static pomona_status finish(struct lowering *lowering, int target) {
    const struct onnx_graph *graph = lowering->graph;
    const struct value *value = &lowering->values[target];
    const char *name = graph->values[target].name;
    if (value->kind != VALUE_TENSOR)
        return fail(lowering->error, POMONA_E_UNSUPPORTED, lowering->file,
                    "layer '%.160s' does not depend on the photo", name);
    static const struct onnx_node output = {.name = "features", .op = "output"};
    struct value features;
    TRY(in_logical_order(lowering, &output, value, &features));
    lowering->values[target] = features;
    lowering->plan->output = features.tensor;
    return POMONA_OK;
}

pomona_status lower_graph(struct lowering *lowering, int input_value, const struct value *input, int target) {
    const struct onnx_graph *graph = lowering->graph;
    bool *needed = memory_new((size_t)graph->node_count, sizeof *needed);
    if (!needed) return fail_memory(lowering->error, "plan");
    mark_needed(graph, target, needed);
    pomona_status status = POMONA_OK;
    for (int i = 0; i < graph->value_count; i++) {
        const struct onnx_tensor *constant = graph->values[i].constant;
        lowering->values[i] =
            (struct value){.kind = constant ? VALUE_CONSTANT : VALUE_UNSET, .constant = constant};
    }
    int tensor = plan_add_tensor(lowering->plan, value_elements(input));
    if (tensor < 0) {
        status = fail_memory(lowering->error, "plan");
        goto end;
    }
    lowering->values[input_value] = *input;
    lowering->values[input_value].tensor = tensor;
    lowering->plan->input = tensor;
    for (int i = 0; i < graph->node_count; i++)
        if (needed[i]) TRY_GOTO(lower_node(lowering, &graph->nodes[i]), status, end);
    status = finish(lowering, target);
end:
    memory_free(needed);
    return status;
}
