#include "net/lower.h"

#include <string.h>

/* Appends x [rows, k] . w^T + bias, with w as [n][k]. */
static pomona_status add_dense(struct lowering *lowering, const struct onnx_node *node,
                               const struct value *input, size_t n, size_t k, float *weights, float *bias) {
    struct value shape = *input, result;
    shape.dims[shape.rank - 1] = (int64_t)n;
    struct step *step;
    TRY(add_step(lowering, node, STEP_GEMM, &shape, &step, &result));
    step->input = input->tensor;
    step->in_channels = (int)k;
    step->out_channels = (int)n;
    step->rows = value_elements(input) / k;
    step->weights = weights;
    step->bias = bias;
    step->own_weights = true;
    step->macs = (uint64_t)step->rows * n * k;
    if (step->macs > PLAN_MACS_MAX)
        return NODE_FAIL(lowering, node, POMONA_E_LIMIT, "%llu multiplications for one photo",
                         (unsigned long long)step->macs);
    set_output(lowering, node, &result);
    return POMONA_OK;
}

/* The left operand, last axis innermost in memory, and the right one, k x n (n x k when transposed). */
static pomona_status dense_operands(struct lowering *lowering, const struct onnx_node *node, bool transposed,
                                    struct value *left, const struct onnx_tensor **right, size_t *n,
                                    size_t *k) {
    const struct value *input = NULL;
    TRY(tensor_input(lowering, node, 0, &input));
    TRY(constant_input(lowering, node, 1, ONNX_FLOAT, right));
    if (input->rank < 2 || (*right)->rank != 2)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "its operands have ranks %d and %d",
                         input->rank, (*right)->rank);
    *k = (size_t)(*right)->dims[transposed ? 1 : 0];
    *n = (size_t)(*right)->dims[transposed ? 0 : 1];
    if (*n == 0 || *n > PLAN_DIM_MAX || *k == 0 || *k != (size_t)input->dims[input->rank - 1])
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "a matrix of %zux%zu does not fit a row of %lld",
                         *k, *n, (long long)input->dims[input->rank - 1]);
    return in_logical_order(lowering, node, input, left);
}

/* alpha * right as [n][k]; NULL beyond the budget. */
static float *dense_weights(struct lowering *lowering, const struct onnx_tensor *right, bool transposed,
                            float alpha, size_t n, size_t k) {
    float *weights = arena_new(lowering->arena, n * k, sizeof *weights);
    if (!weights) return NULL;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++)
            weights[i * k + j] = alpha * right->floats[transposed ? i * k + j : j * n + i];
    return weights;
}

pomona_status lower_gemm(struct lowering *lowering, const struct onnx_node *node) {
    float alpha, beta;
    int64_t transpose_a, transpose_b;
    TRY(attribute_float(lowering, node, "alpha", 1, &alpha));
    TRY(attribute_float(lowering, node, "beta", 1, &beta));
    TRY(attribute_int(lowering, node, "transA", 0, &transpose_a));
    TRY(attribute_int(lowering, node, "transB", 0, &transpose_b));
    if (transpose_a)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "transA mixes the photos of a batch");
    struct value left;
    const struct onnx_tensor *right, *addend = NULL;
    size_t n, k;
    TRY(dense_operands(lowering, node, transpose_b != 0, &left, &right, &n, &k));
    if (left.rank != 2)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "its input has rank %d", left.rank);
    if (has_input(node, 2)) {
        TRY(constant_input(lowering, node, 2, ONNX_FLOAT, &addend));
        if (addend->count != n && addend->count != 1)
            return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "%zu biases for %zu outputs",
                             addend->count, n);
    }
    float *weights = dense_weights(lowering, right, transpose_b != 0, alpha, n, k);
    float *bias = arena_new(lowering->arena, n, sizeof *bias);
    if (!weights || !bias) return fail_memory(lowering->error, "dense layer");
    for (size_t i = 0; addend && i < n; i++) bias[i] = beta * addend->floats[addend->count == 1 ? 0 : i];
    return add_dense(lowering, node, &left, n, k, weights, bias);
}

pomona_status lower_matmul(struct lowering *lowering, const struct onnx_node *node) {
    struct value left;
    const struct onnx_tensor *right = NULL;
    size_t n, k;
    TRY(dense_operands(lowering, node, false, &left, &right, &n, &k));
    float *weights = dense_weights(lowering, right, false, 1, n, k);
    if (!weights) return fail_memory(lowering->error, "dense layer");
    return add_dense(lowering, node, &left, n, k, weights, NULL);
}

pomona_status lower_softmax(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    int64_t axis_attribute;
    bool flattens =
        lowering->graph->opset < 13; /* older ones see a matrix: axes before `axis`, axes from it */
    int axis;
    TRY(tensor_input(lowering, node, 0, &input));
    TRY(attribute_int(lowering, node, "axis", flattens ? 1 : -1, &axis_attribute));
    TRY(normal_axis(lowering, node, axis_attribute, input->rank, &axis));
    struct value value, wanted = *input, result;
    if (flattens) {
        TRY(in_logical_order(lowering, node, input, &value));
    } else { /* any order will do in which the axis is innermost */
        int at = 0;
        for (int i = 0; i < input->rank; i++)
            if (input->order[i] != axis) wanted.order[at++] = input->order[i];
        wanted.order[at] = axis;
        TRY(with_order(lowering, node, input, wanted.order, &value));
    }
    size_t columns = 1;
    for (int i = axis; i < (flattens ? value.rank : axis + 1); i++) columns *= (size_t)value.dims[i];
    if (axis == value.order[0])
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "it mixes the photos of a batch");
    struct step *step;
    int source = value.tensor;
    TRY(add_step(lowering, node, STEP_SOFTMAX, &value, &step, &result));
    step->input = source;
    step->out_channels = (int)columns;
    step->rows = value_elements(&result) / columns;
    set_output(lowering, node, &result);
    return POMONA_OK;
}
