#include "onnx/graph.h"
#include "onnx/names.h"
#include "onnx/onnx.pb-c.h"
#include "onnx/order.h"
#include "onnx/read.h"
#include "onnx/tensor.h"

#include <stdlib.h>
#include <string.h>

enum { ATTRIBUTES_MAX = 64 }; /* of one node; ONNX operators have at most a dozen */

/* What the steps of loading share. */
struct loader {
    const char *file;
    const Onnx__Graph *source;
    struct onnx_graph *graph;
    struct name_table names; /* of values */
    struct pomona_error *error;
};

#define FAIL(loader, code, ...) fail((loader)->error, (code), (loader)->file, __VA_ARGS__)

static void *new_array(struct loader *loader, size_t count, size_t size) {
    return arena_new(&loader->graph->arena, count, size);
}

static const char *copy_text(struct loader *loader, const char *text) {
    return arena_copy_text(&loader->graph->arena, text, strlen(text));
}

static pomona_status check_version(struct loader *loader, const Onnx__Model *model) {
    struct onnx_graph *graph = loader->graph;
    graph->ir_version = model->ir_version;
    if (graph->ir_version < ONNX_IR_MIN || graph->ir_version > ONNX_IR_MAX)
        return FAIL(loader, POMONA_E_UNSUPPORTED, "ONNX IR version %lld is not one of %d to %d",
                    (long long)graph->ir_version, ONNX_IR_MIN, ONNX_IR_MAX);
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const char *domain = model->opset_import[i]->domain;
        if (*domain == '\0' || strcmp(domain, "ai.onnx") == 0) graph->opset = model->opset_import[i]->version;
    }
    if (graph->opset < ONNX_OPSET_MIN || graph->opset > ONNX_OPSET_MAX)
        return FAIL(loader, POMONA_E_UNSUPPORTED, "ONNX operator set %lld is not one of %d to %d",
                    (long long)graph->opset, ONNX_OPSET_MIN, ONNX_OPSET_MAX);
    return POMONA_OK;
}

static int compare_properties(const void *a, const void *b) {
    const struct onnx_property *left = a, *right = b;
    return strcmp(left->key, right->key);
}

static pomona_status read_properties(struct loader *loader, const Onnx__Model *model) {
    struct onnx_graph *graph = loader->graph;
    graph->properties = new_array(loader, model->n_metadata_props, sizeof *graph->properties);
    if (!graph->properties) return fail_memory(loader->error, "ONNX metadata");
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        struct onnx_property *property = &graph->properties[i];
        property->key = copy_text(loader, model->metadata_props[i]->key);
        property->value = copy_text(loader, model->metadata_props[i]->value);
        if (!property->key || !property->value) return fail_memory(loader->error, "ONNX metadata");
    }
    graph->property_count = (int)model->n_metadata_props;
    if (graph->property_count > 1)
        qsort(graph->properties, model->n_metadata_props, sizeof *graph->properties, compare_properties);
    for (int i = 1; i < graph->property_count; i++)
        if (strcmp(graph->properties[i - 1].key, graph->properties[i].key) == 0)
            return FAIL(loader, POMONA_E_CORRUPT, "metadata key '%s' occurs twice", graph->properties[i].key);
    return POMONA_OK;
}

static pomona_status check_sizes(struct loader *loader) {
    const Onnx__Graph *source = loader->source;
    if (source->n_sparse_initializer > 0)
        return FAIL(loader, POMONA_E_UNSUPPORTED, "the graph has sparse tensors");
    if (source->n_node == 0 || source->n_input == 0 || source->n_output == 0)
        return FAIL(loader, POMONA_E_CORRUPT, "the graph has no %s",
                    source->n_node == 0    ? "nodes"
                    : source->n_input == 0 ? "input"
                                           : "output");
    if (source->n_node > ONNX_NODES_MAX || source->n_initializer > ONNX_NODES_MAX ||
        source->n_input > ONNX_NODES_MAX || source->n_output > ONNX_NODES_MAX)
        return FAIL(loader, POMONA_E_LIMIT, "the graph has more than %d nodes, tensors or inputs",
                    ONNX_NODES_MAX);
    return POMONA_OK;
}

/* Gives an index to every name that the graph defines: initialisers first, then node outputs. Inputs come last, because
 * files of IR version 3 list initialisers as inputs too. */
static pomona_status define_values(struct loader *loader) {
    const Onnx__Graph *source = loader->source;
    struct onnx_graph *graph = loader->graph;
    size_t capacity = source->n_initializer + source->n_input;
    for (size_t i = 0; i < source->n_node; i++) capacity += source->node[i]->n_output;
    if (capacity > 4 * (size_t)ONNX_NODES_MAX)
        return FAIL(loader, POMONA_E_LIMIT, "the graph has more than %d values", 4 * ONNX_NODES_MAX);
    graph->values = new_array(loader, capacity, sizeof *graph->values);
    struct name_entry *entries = new_array(loader, capacity, sizeof *entries);
    if (!graph->values || !entries) return fail_memory(loader->error, "ONNX values");
    int count = 0;
    for (size_t i = 0; i < source->n_initializer; i++) entries[count++].name = source->initializer[i]->name;
    for (size_t i = 0; i < source->n_node; i++)
        for (size_t j = 0; j < source->node[i]->n_output; j++)
            if (*source->node[i]->output[j]) entries[count++].name = source->node[i]->output[j];
    for (int i = 0; i < count; i++) {
        entries[i].index = i;
        graph->values[i].name = copy_text(loader, entries[i].name);
        graph->values[i].producer = -1;
        if (!graph->values[i].name) return fail_memory(loader->error, "ONNX values");
    }
    graph->value_count = count;
    loader->names = (struct name_table){entries, count};
    const char *twice = name_table_sort(&loader->names);
    if (twice) return FAIL(loader, POMONA_E_CORRUPT, "the name '%s' is defined twice", twice);
    return POMONA_OK;
}

static pomona_status read_initializers(struct loader *loader) {
    const Onnx__Graph *source = loader->source;
    for (size_t i = 0; i < source->n_initializer; i++) {
        const char *name = source->initializer[i]->name;
        if (*name == '\0') return FAIL(loader, POMONA_E_CORRUPT, "initializer %zu has no name", i);
        struct onnx_tensor *tensor = new_array(loader, 1, sizeof *tensor);
        if (!tensor) return fail_memory(loader->error, "ONNX tensor");
        TRY(onnx_tensor_read(loader->file, name, source->initializer[i], &loader->graph->arena, tensor,
                             loader->error));
        loader->graph->values[i].constant = tensor;
    }
    return POMONA_OK;
}

static pomona_status read_input_type(struct loader *loader, const Onnx__ValueInfo *info,
                                     struct onnx_input *input) {
    input->rank = -1;
    if (info->n_type != 1 || info->type[0]->n_tensor_type != 1)
        return FAIL(loader, POMONA_E_UNSUPPORTED, "input '%s' is not a tensor", info->name);
    const Onnx__TensorType *type = info->type[0]->tensor_type[0];
    input->elem_type = type->elem_type;
    if (type->n_shape == 0) return POMONA_OK;
    const Onnx__Shape *shape = type->shape[0];
    if (type->n_shape > 1 || shape->n_dim > ONNX_RANK_MAX)
        return FAIL(loader, POMONA_E_LIMIT, "input '%s' has rank %zu, more than %d", info->name, shape->n_dim,
                    ONNX_RANK_MAX);
    input->rank = (int)shape->n_dim;
    for (int i = 0; i < input->rank; i++) {
        int64_t dim = shape->dim[i]->dim_value;
        if (dim < 0 && dim != -1) /* some exporters write -1 for an unknown size */
            return FAIL(loader, POMONA_E_CORRUPT, "input '%s' has a negative dimension %lld", info->name,
                        (long long)dim);
        input->dims[i] = dim < 0 ? 0 : dim;
    }
    return POMONA_OK;
}

/* Appends the inputs that no initialiser fills to the values and sorts the names again. */
static pomona_status read_inputs(struct loader *loader) {
    const Onnx__Graph *source = loader->source;
    struct onnx_graph *graph = loader->graph;
    graph->inputs = new_array(loader, source->n_input, sizeof *graph->inputs);
    if (!graph->inputs) return fail_memory(loader->error, "ONNX inputs");
    for (size_t i = 0; i < source->n_input; i++) {
        const char *name = source->input[i]->name;
        if (*name == '\0') return FAIL(loader, POMONA_E_CORRUPT, "input %zu has no name", i);
        int known = name_table_find(&loader->names, name);
        if (known >= 0 && graph->values[known].constant) continue;
        if (known >= 0) return FAIL(loader, POMONA_E_CORRUPT, "the name '%s' is defined twice", name);
        struct onnx_input *input = &graph->inputs[graph->input_count++];
        input->value = graph->value_count + graph->input_count - 1;
        TRY(read_input_type(loader, source->input[i], input));
        struct onnx_value *value = &graph->values[input->value];
        *value = (struct onnx_value){copy_text(loader, name), -1, NULL, true};
        if (!value->name) return fail_memory(loader->error, "ONNX inputs");
    }
    for (int i = 0; i < graph->input_count; i++) {
        int value = graph->inputs[i].value;
        loader->names.entries[value] = (struct name_entry){graph->values[value].name, value};
    }
    graph->value_count += graph->input_count;
    loader->names.count = graph->value_count;
    const char *twice = name_table_sort(&loader->names);
    if (twice) return FAIL(loader, POMONA_E_CORRUPT, "the name '%s' is defined twice", twice);
    return POMONA_OK;
}

static pomona_status read_attribute(struct loader *loader, const char *node, const Onnx__Attribute *source,
                                    struct onnx_attribute *attribute) {
    if (source->n_g > 0)
        return FAIL(loader, POMONA_E_UNSUPPORTED, "node '%s' has a subgraph in attribute '%s'", node,
                    source->name);
    attribute->name = copy_text(loader, source->name);
    attribute->type = ONNX_ATTRIBUTE_OTHER;
    attribute->number = source->f;
    attribute->integer = source->i;
    switch (source->type) {
    case ONNX_ATTRIBUTE_FLOAT:
    case ONNX_ATTRIBUTE_INT:
    case ONNX_ATTRIBUTE_STRING:
    case ONNX_ATTRIBUTE_TENSOR:
    case ONNX_ATTRIBUTE_FLOATS:
    case ONNX_ATTRIBUTE_INTS: attribute->type = (enum onnx_attribute_type)source->type; break;
    default: break;
    }
    attribute->text = arena_copy_text(&loader->graph->arena, (const char *)source->s.data, source->s.len);
    attribute->count = attribute->type == ONNX_ATTRIBUTE_INTS ? source->n_ints : source->n_floats;
    float *floats = new_array(loader, source->n_floats, sizeof *floats);
    int64_t *ints = new_array(loader, source->n_ints, sizeof *ints);
    if (!attribute->name || !attribute->text || !floats || !ints)
        return fail_memory(loader->error, "ONNX attribute");
    if (source->n_floats) memcpy(floats, source->floats, source->n_floats * sizeof *floats);
    if (source->n_ints) memcpy(ints, source->ints, source->n_ints * sizeof *ints);
    attribute->floats = floats;
    attribute->ints = ints;
    if (attribute->type != ONNX_ATTRIBUTE_TENSOR) return POMONA_OK;
    if (source->n_t != 1)
        return FAIL(loader, POMONA_E_CORRUPT, "node '%s' has %zu tensors in attribute '%s'", node,
                    source->n_t, source->name);
    struct onnx_tensor *tensor = new_array(loader, 1, sizeof *tensor);
    if (!tensor) return fail_memory(loader->error, "ONNX attribute");
    attribute->tensor = tensor;
    return onnx_tensor_read(loader->file, node, source->t[0], &loader->graph->arena, tensor, loader->error);
}

static pomona_status read_attributes(struct loader *loader, const Onnx__Node *source,
                                     struct onnx_node *node) {
    if (source->n_attribute > ATTRIBUTES_MAX)
        return FAIL(loader, POMONA_E_LIMIT, "node '%s' has %zu attributes, more than %d", node->name,
                    source->n_attribute, ATTRIBUTES_MAX);
    struct onnx_attribute *attributes = new_array(loader, source->n_attribute, sizeof *attributes);
    if (!attributes) return fail_memory(loader->error, "ONNX node");
    node->attributes = attributes;
    for (size_t i = 0; i < source->n_attribute; i++) {
        if (onnx_node_attribute(node, source->attribute[i]->name))
            return FAIL(loader, POMONA_E_CORRUPT, "node '%s' has attribute '%s' twice", node->name,
                        source->attribute[i]->name);
        TRY(read_attribute(loader, node->name, source->attribute[i], &attributes[i]));
        node->attribute_count++;
    }
    return POMONA_OK;
}

static pomona_status read_node(struct loader *loader, size_t index) {
    const Onnx__Node *source = loader->source->node[index];
    struct onnx_graph *graph = loader->graph;
    struct onnx_node *node = &graph->nodes[index];
    const char *first_output = source->n_output > 0 ? source->output[0] : source->op_type;
    bool own = strcmp(source->domain, "ai.onnx") == 0;
    node->name = copy_text(loader, *source->name ? source->name : first_output);
    node->op = copy_text(loader, source->op_type);
    node->domain = own ? "" : copy_text(loader, source->domain);
    int *inputs = new_array(loader, source->n_input, sizeof *inputs);
    int *outputs = new_array(loader, source->n_output, sizeof *outputs);
    if (!node->name || !node->op || !node->domain || !inputs || !outputs)
        return fail_memory(loader->error, "ONNX node");
    for (size_t i = 0; i < source->n_input; i++) {
        inputs[i] = *source->input[i] ? name_table_find(&loader->names, source->input[i]) : -1;
        if (*source->input[i] && inputs[i] < 0)
            return FAIL(loader, POMONA_E_CORRUPT, "node '%s' (%s) reads '%s', which nothing defines",
                        node->name, node->op, source->input[i]);
    }
    for (size_t i = 0; i < source->n_output; i++) {
        outputs[i] = *source->output[i] ? name_table_find(&loader->names, source->output[i]) : -1;
        if (outputs[i] >= 0) graph->values[outputs[i]].producer = (int)index;
    }
    node->inputs = inputs;
    node->outputs = outputs;
    node->input_count = (int)source->n_input;
    node->output_count = (int)source->n_output;
    return read_attributes(loader, source, node);
}

static pomona_status read_nodes(struct loader *loader) {
    const Onnx__Graph *source = loader->source;
    struct onnx_graph *graph = loader->graph;
    graph->nodes = new_array(loader, source->n_node, sizeof *graph->nodes);
    if (!graph->nodes) return fail_memory(loader->error, "ONNX nodes");
    graph->node_count = (int)source->n_node;
    for (size_t i = 0; i < source->n_node; i++) TRY(read_node(loader, i));
    return POMONA_OK;
}

static pomona_status read_outputs(struct loader *loader) {
    const Onnx__Graph *source = loader->source;
    struct onnx_graph *graph = loader->graph;
    graph->outputs = new_array(loader, source->n_output, sizeof *graph->outputs);
    if (!graph->outputs) return fail_memory(loader->error, "ONNX outputs");
    for (size_t i = 0; i < source->n_output; i++) {
        int value = name_table_find(&loader->names, source->output[i]->name);
        if (value < 0)
            return FAIL(loader, POMONA_E_CORRUPT, "the graph's output '%s' is computed by no node",
                        source->output[i]->name);
        graph->outputs[graph->output_count++] = value;
    }
    return POMONA_OK;
}

static pomona_status build(struct loader *loader, const Onnx__Model *model) {
    TRY(check_version(loader, model));
    TRY(read_properties(loader, model));
    TRY(check_sizes(loader));
    TRY(define_values(loader));
    TRY(read_initializers(loader));
    TRY(read_inputs(loader));
    TRY(read_nodes(loader));
    TRY(read_outputs(loader));
    return onnx_order_nodes(loader->file, loader->graph, loader->error);
}

pomona_status onnx_graph_load(const char *name, const void *data, size_t size, struct onnx_graph *graph,
                              struct pomona_error *error) {
    *graph = (struct onnx_graph){0};
    Onnx__Model *model = NULL;
    TRY(onnx_message_read(name, data, size, &model, error));
    graph->arena = ARENA_INIT(onnx_memory_budget(size));
    struct loader loader = {.file = name, .source = model->graph[0], .graph = graph, .error = error};
    pomona_status status = build(&loader, model);
    onnx_message_free(model);
    if (status != POMONA_OK) onnx_graph_free(graph);
    return status;
}
