#include "network.h"

#include "unit.h"

#include <string.h>

static void *need(struct network *network, size_t count, size_t size) {
    void *block = arena_new(&network->arena, count, size);
    assert_non_null(block);
    return block;
}

static char *text(struct network *network, const char *from, size_t size) {
    char *copy = arena_copy_text(&network->arena, from, size);
    assert_non_null(copy);
    return copy;
}

static char **split(struct network *network, const char *names, size_t *count) {
    char **list = need(network, strlen(names) + 1, sizeof *list);
    for (*count = 0; *names; names += strspn(names, " ")) {
        size_t size = strcspn(names, " ");
        list[(*count)++] = text(network, names, names[0] == '-' ? 0 : size);
        names += size;
    }
    return list;
}

void network_start(struct network *network) {
    memset(network, 0, sizeof *network);
    network->arena = ARENA_INIT((size_t)64 << 20);
    onnx__model__init(&network->model);
    onnx__graph__init(&network->graph);
    onnx__operator_set__init(&network->opset);
    network->opset.version = 13;
    network->model.ir_version = 8;
    network->graphs[0] = &network->graph;
    network->opsets[0] = &network->opset;
    network->model.graph = network->graphs;
    network->model.n_graph = 1;
    network->model.opset_import = network->opsets;
    network->model.n_opset_import = 1;
    network->model.metadata_props = network->properties;
    network->graph.node = network->nodes;
    network->graph.initializer = network->tensors;
    network->graph.input = network->inputs;
    network->graph.output = network->outputs;
    network_input(network, "x", 4, (const int64_t[]){0, 3, 8, 8});
    Onnx__ValueInfo *output = need(network, 1, sizeof *output);
    onnx__value_info__init(output);
    output->name = text(network, "y", 1);
    network->outputs[network->graph.n_output++] = output;
}

void network_free(struct network *network) { arena_free(&network->arena); }

Onnx__Node *network_node(struct network *network, const char *op, const char *inputs, const char *outputs) {
    Onnx__Node *node = need(network, 1, sizeof *node);
    onnx__node__init(node);
    node->op_type = text(network, op, strlen(op));
    node->input = split(network, inputs, &node->n_input);
    node->output = split(network, outputs, &node->n_output);
    char *name = need(network, strlen(outputs) + 3, 1);
    memcpy(name, "n_", 2);
    memcpy(name + 2, outputs, strcspn(outputs, " "));
    node->name = name;
    node->attribute = need(network, 8, sizeof *node->attribute);
    assert_true(network->graph.n_node < NETWORK_NODES_MAX);
    network->nodes[network->graph.n_node++] = node;
    return node;
}

static Onnx__Attribute *add_attribute(struct network *network, Onnx__Node *node, const char *name,
                                      int32_t type) {
    Onnx__Attribute *attribute = need(network, 1, sizeof *attribute);
    onnx__attribute__init(attribute);
    attribute->name = text(network, name, strlen(name));
    attribute->type = type;
    node->attribute[node->n_attribute++] = attribute;
    return attribute;
}

void network_ints(struct network *network, Onnx__Node *node, const char *name, size_t count,
                  const int64_t *ints) {
    Onnx__Attribute *attribute = add_attribute(network, node, name, 7);
    attribute->ints = need(network, count, sizeof *ints);
    attribute->n_ints = count;
    memcpy(attribute->ints, ints, count * sizeof *ints);
}

void network_int(struct network *network, Onnx__Node *node, const char *name, int64_t value) {
    add_attribute(network, node, name, 2)->i = value;
}

static Onnx__Tensor *add_tensor(struct network *network, const char *name, size_t rank, const int64_t *dims) {
    Onnx__Tensor *tensor = need(network, 1, sizeof *tensor);
    onnx__tensor__init(tensor);
    tensor->name = text(network, name, strlen(name));
    tensor->dims = need(network, rank, sizeof *dims);
    tensor->n_dims = rank;
    memcpy(tensor->dims, dims, rank * sizeof *dims);
    assert_true(network->graph.n_initializer < NETWORK_NODES_MAX);
    network->tensors[network->graph.n_initializer++] = tensor;
    return tensor;
}

Onnx__Tensor *network_floats(struct network *network, const char *name, size_t rank, const int64_t *dims) {
    Onnx__Tensor *tensor = add_tensor(network, name, rank, dims);
    size_t count = 1;
    for (size_t i = 0; i < rank; i++) count *= (size_t)dims[i];
    tensor->data_type = 1;
    tensor->n_float_data = count;
    tensor->float_data = need(network, count, sizeof *tensor->float_data);
    for (size_t i = 0; i < count; i++) tensor->float_data[i] = (float)((i * 37 + 11) % 64) / 64.0f - 0.4f;
    return tensor;
}

Onnx__Tensor *network_list(struct network *network, const char *name, size_t count, const int64_t *ints) {
    Onnx__Tensor *tensor = add_tensor(network, name, 1, (const int64_t[]){(int64_t)count});
    tensor->data_type = 7;
    tensor->n_int64_data = count;
    tensor->int64_data = need(network, count, sizeof *ints);
    memcpy(tensor->int64_data, ints, count * sizeof *ints);
    return tensor;
}

void network_input(struct network *network, const char *name, size_t rank, const int64_t *dims) {
    Onnx__ValueInfo *info = need(network, 1, sizeof *info);
    Onnx__Type *type = need(network, 1, sizeof *type);
    Onnx__TensorType *tensor = need(network, 1, sizeof *tensor);
    Onnx__Shape *shape = need(network, 1, sizeof *shape);
    onnx__value_info__init(info);
    onnx__type__init(type);
    onnx__tensor_type__init(tensor);
    onnx__shape__init(shape);
    info->name = text(network, name, strlen(name));
    info->type = need(network, 1, sizeof *info->type);
    info->type[info->n_type++] = type;
    type->tensor_type = need(network, 1, sizeof *type->tensor_type);
    type->tensor_type[type->n_tensor_type++] = tensor;
    tensor->elem_type = 1;
    tensor->shape = need(network, 1, sizeof *tensor->shape);
    tensor->shape[tensor->n_shape++] = shape;
    shape->dim = need(network, rank, sizeof *shape->dim);
    for (size_t i = 0; i < rank; i++) {
        shape->dim[i] = need(network, 1, sizeof **shape->dim);
        onnx__dimension__init(shape->dim[i]);
        shape->dim[i]->dim_value = dims[i];
    }
    shape->n_dim = rank;
    network->inputs[network->graph.n_input++] = info;
}

void network_property(struct network *network, const char *key, const char *value) {
    Onnx__KeyValue *property = need(network, 1, sizeof *property);
    onnx__key_value__init(property);
    property->key = text(network, key, strlen(key));
    property->value = text(network, value, strlen(value));
    network->properties[network->model.n_metadata_props++] = property;
}

void network_classifier(struct network *network) {
    network_start(network);
    network_floats(network, "w", 4, (const int64_t[]){4, 3, 3, 3});
    network_floats(network, "b", 1, (const int64_t[]){4});
    network_floats(network, "v", 2, (const int64_t[]){5, 4});
    network_node(network, "Conv", "x w b", "conv");
    network_node(network, "Relu", "conv", "relu");
    network_node(network, "GlobalAveragePool", "relu", "pool");
    network_node(network, "Flatten", "pool", "flat");
    network_int(network, network_node(network, "Gemm", "flat v", "y"), "transB", 1);
}

void network_pack(const struct network *network, struct buffer *out) {
    buffer_clear(out);
    size_t size = onnx__model__get_packed_size(&network->model);
    assert_int_equal(buffer_reserve(out, size, NULL), POMONA_OK);
    out->size = onnx__model__pack(&network->model, out->data);
}
