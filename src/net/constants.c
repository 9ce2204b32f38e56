#include "net/constants.h"

#include "base/memory.h"

#include <string.h>

/* Elements of a constant up to an axis, and from behind it. */
static size_t dims_product(const int64_t *dims, int from, int to) {
    size_t product = 1;
    for (int i = from; i < to; i++) product = size_multiply(product, (size_t)dims[i]);
    return product;
}

/* Advances a multi-index; false past the last. */
static bool next_index(int rank, const int64_t *dims, int64_t *index) {
    for (int i = rank - 1; i >= 0; i--) {
        if (++index[i] < dims[i]) return true;
        index[i] = 0;
    }
    return false;
}

static size_t broadcast_offset(const struct onnx_tensor *constant, int rank, const int64_t *index) {
    size_t offset = 0;
    for (int i = 0; i < constant->rank; i++) {
        int64_t at = constant->dims[i] == 1 ? 0 : index[i + rank - constant->rank];
        offset = offset * (size_t)constant->dims[i] + (size_t)at;
    }
    return offset;
}

static bool integer_result(char op, int64_t a, int64_t b, int64_t *result) {
    switch (op) {
    case 'A': return !__builtin_add_overflow(a, b, result);
    case 'S': return !__builtin_sub_overflow(a, b, result);
    case 'M': return !__builtin_mul_overflow(a, b, result);
    default:
        if (b == 0 || (a == INT64_MIN && b == -1)) return false;
        *result = a / b;
        return true;
    }
}

static float float_result(char op, float a, float b) {
    return op == 'A' ? a + b : op == 'S' ? a - b : op == 'M' ? a * b : a / b;
}

static pomona_status broadcast_dims(struct lowering *lowering, const struct onnx_node *node,
                                    const struct onnx_tensor *a, const struct onnx_tensor *b, int64_t *dims,
                                    int *rank) {
    *rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 0; i < *rank; i++) {
        int at_a = i - (*rank - a->rank), at_b = i - (*rank - b->rank);
        int64_t left = at_a < 0 ? 1 : a->dims[at_a], right = at_b < 0 ? 1 : b->dims[at_b];
        if (left != right && left != 1 && right != 1)
            return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "its operands do not broadcast: %lld and %lld",
                             (long long)left, (long long)right);
        dims[i] = left == 1 ? right : left;
    }
    return POMONA_OK;
}

pomona_status fold_binary(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *left = NULL, *right = NULL;
    TRY(any_input(lowering, node, 0, &left));
    TRY(any_input(lowering, node, 1, &right));
    const struct onnx_tensor *a = left->constant, *b = right->constant;
    if (a->type != b->type) return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "its operands differ in type");
    int64_t dims[ONNX_RANK_MAX], index[ONNX_RANK_MAX] = {0};
    int rank;
    TRY(broadcast_dims(lowering, node, a, b, dims, &rank));
    struct onnx_tensor *result = new_constant(lowering, a->type, rank, dims);
    if (!result || result->count == 0) return set_constant(lowering, node, result);
    size_t i = 0;
    do {
        size_t at_a = broadcast_offset(a, rank, index), at_b = broadcast_offset(b, rank, index);
        if (a->type == ONNX_FLOAT)
            ((float *)result->floats)[i] = float_result(node->op[0], a->floats[at_a], b->floats[at_b]);
        else if (!integer_result(node->op[0], a->ints[at_a], b->ints[at_b], (int64_t *)result->ints + i))
            return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "its integers overflow");
        i++;
    } while (next_index(rank, dims, index));
    return set_constant(lowering, node, result);
}

/* Copies one element between constants of the same type. */
static void copy_element(const struct onnx_tensor *from, size_t at, struct onnx_tensor *to, size_t index) {
    if (from->type == ONNX_FLOAT)
        ((float *)to->floats)[index] = from->floats[at];
    else
        ((int64_t *)to->ints)[index] = from->ints[at];
}

pomona_status fold_transpose(struct lowering *lowering, const struct onnx_node *node,
                             const struct onnx_tensor *constant, const int *order) {
    int64_t dims[ONNX_RANK_MAX], index[ONNX_RANK_MAX] = {0};
    size_t strides[ONNX_RANK_MAX];
    for (int i = 0; i < constant->rank; i++) {
        dims[i] = constant->dims[order[i]];
        strides[i] = dims_product(constant->dims, order[i] + 1, constant->rank);
    }
    struct onnx_tensor *result = new_constant(lowering, constant->type, constant->rank, dims);
    if (!result || result->count == 0) return set_constant(lowering, node, result);
    size_t to = 0;
    do {
        size_t at = 0;
        for (int i = 0; i < constant->rank; i++) at += (size_t)index[i] * strides[i];
        copy_element(constant, at, result, to++);
    } while (next_index(constant->rank, dims, index));
    return set_constant(lowering, node, result);
}

pomona_status fold_reshape(struct lowering *lowering, const struct onnx_node *node,
                           const struct onnx_tensor *constant, int rank, const int64_t *dims) {
    struct onnx_tensor *result = arena_new(lowering->arena, 1, sizeof *result);
    if (!result) return fail_memory(lowering->error, "constant");
    *result = *constant;
    result->rank = rank;
    memset(result->dims, 0, sizeof result->dims);
    for (int i = 0; i < rank; i++) result->dims[i] = dims[i];
    if (dims_product(dims, 0, rank) != constant->count)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "%zu elements do not fit its shape",
                         constant->count);
    return set_constant(lowering, node, result);
}

pomona_status fold_concat(struct lowering *lowering, const struct onnx_node *node, int axis) {
    const struct onnx_tensor *first = lowering->values[node->inputs[0]].constant;
    int64_t dims[ONNX_RANK_MAX];
    memcpy(dims, first->dims, sizeof dims);
    dims[axis] = 0;
    for (int i = 0; i < node->input_count; i++) {
        const struct onnx_tensor *part = lowering->values[node->inputs[i]].constant;
        bool fits = part->type == first->type && part->rank == first->rank;
        for (int j = 0; fits && j < part->rank; j++) fits = j == axis || part->dims[j] == first->dims[j];
        if (!fits || __builtin_add_overflow(dims[axis], part->dims[axis], &dims[axis]))
            return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "input %d does not fit beside the first", i);
    }
    struct onnx_tensor *result = new_constant(lowering, first->type, first->rank, dims);
    if (!result) return set_constant(lowering, node, NULL);
    size_t outer = dims_product(dims, 0, axis), inner = dims_product(dims, axis + 1, first->rank), to = 0;
    for (size_t row = 0; row < outer; row++)
        for (int i = 0; i < node->input_count; i++) {
            const struct onnx_tensor *part = lowering->values[node->inputs[i]].constant;
            size_t run = (size_t)part->dims[axis] * inner;
            for (size_t j = 0; j < run; j++) copy_element(part, row * run + j, result, to++);
        }
    return set_constant(lowering, node, result);
}
