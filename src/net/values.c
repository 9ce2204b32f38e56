#include "base/memory.h"
#include "net/lower.h"

pomona_status check_dims(const struct lowering *lowering, const struct onnx_node *node, const int64_t *dims,
                         int rank, size_t *elements) {
    *elements = 1;
    for (int i = 0; i < rank; i++) {
        if (dims[i] <= 0)
            return NODE_FAIL(lowering, node, POMONA_E_CORRUPT, "a dimension of its result is %lld",
                             (long long)dims[i]);
        if (dims[i] > PLAN_DIM_MAX || (size_t)dims[i] > PLAN_ELEMENTS_MAX / *elements)
            return NODE_FAIL(lowering, node, POMONA_E_LIMIT, "its result has more than %d elements a photo",
                             PLAN_ELEMENTS_MAX);
        *elements *= (size_t)dims[i];
    }
    return POMONA_OK;
}

size_t value_elements(const struct value *value) {
    size_t elements = 1; /* check_dims() was here: no overflow */
    for (int i = 0; i < value->rank; i++) elements *= (size_t)value->dims[i];
    return elements;
}

bool same_dims(const struct value *a, const struct value *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i]) return false;
    return true;
}

bool has_order(const struct value *value, const int *order) {
    if (order[0] != value->order[0]) return false;
    int at = 0;
    for (int i = 0; i < value->rank; i++) {
        if (value->dims[order[i]] == 1) continue;
        while (value->dims[value->order[at]] == 1) at++;
        if (value->order[at++] != order[i]) return false;
    }
    return true;
}

void value_strides(const struct value *value, size_t *strides) {
    size_t stride = 1;
    for (int i = value->rank - 1; i >= 0; i--) {
        int axis = value->order[i];
        strides[axis] = value->dims[axis] == 1 ? 0 : stride;
        stride *= (size_t)value->dims[axis];
    }
}

pomona_status with_order(struct lowering *lowering, const struct onnx_node *node, const struct value *value,
                         const int *order, struct value *ordered) {
    struct value shape = *value;
    for (int i = 0; i < value->rank; i++) shape.order[i] = order[i];
    if (has_order(value, order)) {
        *ordered = shape;
        return POMONA_OK;
    }
    if (order[0] != value->order[0])
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "it mixes the photos of a batch");
    struct walk *walk = arena_new(&lowering->plan->arena, 1, sizeof *walk);
    if (!walk) return fail_memory(lowering->error, "plan");
    size_t strides[ONNX_RANK_MAX];
    value_strides(value, strides);
    walk->rank = value->rank;
    for (int i = 0; i < value->rank; i++) {
        walk->dims[i] = (size_t)value->dims[order[i]];
        walk->a_strides[i] = strides[order[i]];
    }
    int source = value->tensor;
    struct step *step;
    TRY(add_step(lowering, node, STEP_COPY, &shape, &step, ordered));
    step->input = source;
    step->walk = walk;
    return POMONA_OK;
}

pomona_status in_logical_order(struct lowering *lowering, const struct onnx_node *node,
                               const struct value *value, struct value *ordered) {
    static const int order[ONNX_RANK_MAX] = {0, 1, 2, 3, 4, 5, 6, 7};
    return with_order(lowering, node, value, order, ordered);
}

pomona_status as_image(struct lowering *lowering, const struct onnx_node *node, const struct value *value,
                       struct value *image) {
    static const int order[ONNX_RANK_MAX] = {0, 2, 3, 1};
    if (value->rank != 4)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "its input has rank %d, not 4", value->rank);
    return with_order(lowering, node, value, order, image);
}

int channel_axis(const struct value *value) {
    for (int i = value->rank - 1; i > 0; i--)
        if (value->dims[value->order[i]] > 1) return value->order[i];
    return -1;
}

pomona_status add_step(struct lowering *lowering, const struct onnx_node *node, enum step_kind kind,
                       const struct value *shape, struct step **step, struct value *result) {
    struct plan *plan = lowering->plan;
    size_t elements;
    TRY(check_dims(lowering, node, shape->dims, shape->rank, &elements));
    if (shape->dims[shape->order[0]] != 1)
        return NODE_FAIL(lowering, node, POMONA_E_UNSUPPORTED, "it mixes the photos of a batch");
    if (plan->step_count >= PLAN_STEPS_MAX)
        return NODE_FAIL(lowering, node, POMONA_E_LIMIT, "the network takes more than %d steps",
                         PLAN_STEPS_MAX);
    int tensor = plan_add_tensor(plan, elements);
    *step = tensor < 0 ? NULL : plan_add_step(plan, kind);
    if (!*step) return fail_memory(lowering->error, "plan");
    (*step)->output = tensor;
    (*step)->name = node->name;
    plan->tensors[tensor].producer = plan->step_count - 1;
    *result = *shape;
    result->kind = VALUE_TENSOR;
    result->constant = NULL;
    result->tensor = tensor;
    return POMONA_OK;
}

struct onnx_tensor *new_constant(struct lowering *lowering, enum onnx_type type, int rank,
                                 const int64_t *dims) {
    struct onnx_tensor *constant = arena_new(lowering->arena, 1, sizeof *constant);
    if (!constant || rank > ONNX_RANK_MAX) return NULL;
    constant->type = type;
    constant->rank = rank;
    constant->count = 1;
    for (int i = 0; i < rank; i++) {
        constant->dims[i] = dims[i];
        constant->count = size_multiply(constant->count, (size_t)dims[i]);
    }
    void *data =
        arena_new(lowering->arena, constant->count, type == ONNX_FLOAT ? sizeof(float) : sizeof(int64_t));
    if (!data) return NULL;
    if (type == ONNX_FLOAT)
        constant->floats = data;
    else
        constant->ints = data;
    return constant;
}
