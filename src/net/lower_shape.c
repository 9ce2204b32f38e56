#include "net/constants.h"
#include "net/lower.h"

#include <string.h>

pomona_status lower_identity(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    TRY(any_input(lowering, node, 0, &input));
    set_output(lowering, node, input);
    return POMONA_OK;
}

/* Gives an input another logical shape: the elements stay in the file's order. */
static pomona_status set_shape(struct lowering *lowering, const struct onnx_node *node,
                               const struct value *input, int rank, const int64_t *dims) {
    if (input->kind == VALUE_CONSTANT) return fold_reshape(lowering, node, input->constant, rank, dims);
    size_t before = value_elements(input), after;
    TRY(check_dims(lowering, node, dims, rank, &after));
    if (before != after)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "%zu elements do not fit a shape of %zu", before,
                         after);
    if (rank < 1 || dims[0] != 1)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "it mixes the photos of a batch");
    struct value value;
    TRY(in_logical_order(lowering, node, input, &value));
    value.rank = rank;
    for (int i = 0; i < rank; i++) {
        value.dims[i] = dims[i];
        value.order[i] = i;
    }
    set_output(lowering, node, &value);
    return POMONA_OK;
}

static int value_rank(const struct value *value) {
    return value->kind == VALUE_CONSTANT ? value->constant->rank : value->rank;
}

static const int64_t *value_dims(const struct value *value) {
    return value->kind == VALUE_CONSTANT ? value->constant->dims : value->dims;
}

pomona_status lower_reshape(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    const struct onnx_tensor *shape = NULL;
    int64_t allow_zero, dims[ONNX_RANK_MAX], known = 1;
    TRY(any_input(lowering, node, 0, &input));
    TRY(constant_input(lowering, node, 1, ONNX_INT64, &shape));
    TRY(attribute_int(lowering, node, "allowzero", 0, &allow_zero));
    if (shape->count > ONNX_RANK_MAX)
        return NODE_FAIL(lowering, node, POMONA_E_LIMIT, "its shape has rank %zu", shape->count);
    int rank = (int)shape->count, inferred = -1;
    for (int i = 0; i < rank; i++) {
        dims[i] = shape->ints[i];
        if (dims[i] == 0 && !allow_zero && i < value_rank(input)) dims[i] = value_dims(input)[i];
        bool batch = i == 0 && input->kind == VALUE_TENSOR && dims[0] == lowering->file_batch;
        if (batch) dims[0] = 1;
        if (dims[i] == -1 && inferred < 0) {
            inferred = i;
            continue;
        }
        if (dims[i] < 0 || dims[i] > PLAN_ELEMENTS_MAX || __builtin_mul_overflow(known, dims[i], &known))
            return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "its shape has %lld", (long long)dims[i]);
    }
    int64_t elements =
        (int64_t)(input->kind == VALUE_CONSTANT ? input->constant->count : value_elements(input));
    if (inferred >= 0) dims[inferred] = known > 0 ? elements / known : 0;
    return set_shape(lowering, node, input, rank, dims);
}

pomona_status lower_flatten(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    int64_t axis;
    TRY(any_input(lowering, node, 0, &input));
    TRY(attribute_int(lowering, node, "axis", 1, &axis));
    int rank = value_rank(input);
    if (axis < -rank || axis > rank)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "axis %lld for rank %d", (long long)axis, rank);
    int64_t dims[2] = {1, 1};
    if (axis < 0) axis += rank;
    for (int i = 0; i < rank; i++)
        if (__builtin_mul_overflow(dims[i >= axis], value_dims(input)[i], &dims[i >= axis]))
            return NODE_FAIL(lowering, node, POMONA_E_LIMIT, "its result is too large");
    return set_shape(lowering, node, input, 2, dims);
}

/* Marks the axes of a list; `rank` is that of the shape they index. */
static pomona_status mark_axes(struct lowering *lowering, const struct onnx_node *node, const int64_t *axes,
                               size_t count, int rank, bool *marked) {
    for (size_t i = 0; i < count; i++) {
        int axis;
        TRY(normal_axis(lowering, node, axes[i], rank, &axis));
        if (marked[axis]) return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "axis %d occurs twice", axis);
        marked[axis] = true;
    }
    return POMONA_OK;
}

/* Drops or adds axes of size one without touching the order in memory: new axis i is old axis from[i], -1 is new. */
static pomona_status rename_axes(struct lowering *lowering, const struct onnx_node *node,
                                 const struct value *input, int rank, const int *from) {
    int64_t dims[ONNX_RANK_MAX];
    for (int i = 0; i < rank; i++) dims[i] = from[i] < 0 ? 1 : value_dims(input)[from[i]];
    if (input->kind == VALUE_CONSTANT) return fold_reshape(lowering, node, input->constant, rank, dims);
    struct value value = *input;
    int to[ONNX_RANK_MAX], placed = 0;
    for (int i = 0; i < ONNX_RANK_MAX; i++) to[i] = -1;
    for (int i = 0; i < rank; i++)
        if (from[i] >= 0) to[from[i]] = i;
    if (to[input->order[0]] < 0)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "it drops the batch axis");
    for (int i = 0; i < input->rank; i++)
        if (to[input->order[i]] >= 0) value.order[placed++] = to[input->order[i]];
    for (int i = 0; i < rank; i++)
        if (from[i] < 0) value.order[placed++] = i;
    value.rank = rank;
    memcpy(value.dims, dims, (size_t)rank * sizeof *dims);
    set_output(lowering, node, &value);
    return POMONA_OK;
}

pomona_status lower_squeeze(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    const int64_t *axes;
    size_t count;
    bool dropped[ONNX_RANK_MAX] = {false};
    TRY(any_input(lowering, node, 0, &input));
    TRY(list_argument(lowering, node, 1, "axes", &axes, &count));
    int old_rank = value_rank(input), from[ONNX_RANK_MAX], rank = 0;
    TRY(mark_axes(lowering, node, axes, count, old_rank, dropped));
    for (int i = 0; i < old_rank; i++) {
        if (count == 0) dropped[i] = value_dims(input)[i] == 1;
        if (dropped[i] && value_dims(input)[i] != 1)
            return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "axis %d has %lld elements, not one", i,
                             (long long)value_dims(input)[i]);
        if (!dropped[i]) from[rank++] = i;
    }
    return rename_axes(lowering, node, input, rank, from);
}

pomona_status lower_unsqueeze(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    const int64_t *axes;
    size_t count;
    bool added[ONNX_RANK_MAX] = {false};
    TRY(any_input(lowering, node, 0, &input));
    TRY(list_argument(lowering, node, 1, "axes", &axes, &count));
    if (count > (size_t)(ONNX_RANK_MAX - value_rank(input)))
        return NODE_FAIL(lowering, node, POMONA_E_LIMIT, "its result has a rank above %d", ONNX_RANK_MAX);
    int rank = value_rank(input) + (int)count, from[ONNX_RANK_MAX], old = 0;
    TRY(mark_axes(lowering, node, axes, count, rank, added));
    for (int i = 0; i < rank; i++) from[i] = added[i] ? -1 : old++;
    return rename_axes(lowering, node, input, rank, from);
}

pomona_status lower_transpose(struct lowering *lowering, const struct onnx_node *node) {
    const struct value *input = NULL;
    const int64_t *perm;
    size_t count;
    TRY(any_input(lowering, node, 0, &input));
    TRY(attribute_ints(lowering, node, "perm", &perm, &count));
    int rank = value_rank(input), order[ONNX_RANK_MAX], to[ONNX_RANK_MAX];
    bool seen[ONNX_RANK_MAX] = {false};
    if (perm && count != (size_t)rank)
        return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "perm has %zu axes for rank %d", count, rank);
    for (int i = 0; i < rank; i++) {
        int64_t axis = perm ? perm[i] : rank - 1 - i;
        if (axis < 0 || axis >= rank || seen[axis])
            return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "perm is no permutation");
        seen[axis] = true;
        order[i] = (int)axis;
        to[axis] = i;
    }
    if (input->kind == VALUE_CONSTANT) return fold_transpose(lowering, node, input->constant, order);
    struct value value = *input;
    for (int i = 0; i < rank; i++) {
        value.dims[i] = input->dims[order[i]];
        value.order[i] = to[input->order[i]];
    }
    set_output(lowering, node, &value);
    return POMONA_OK;
}
