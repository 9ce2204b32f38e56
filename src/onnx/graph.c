#include "onnx/graph.h"

#include <stdlib.h>
#include <string.h>

void onnx_graph_free(struct onnx_graph *graph) {
    if (!graph) return;
    arena_free(&graph->arena);
    *graph = (struct onnx_graph){0};
}

static int compare_key(const void *key, const void *property) {
    return strcmp(key, ((const struct onnx_property *)property)->key);
}

const char *onnx_graph_property(const struct onnx_graph *graph, const char *key) {
    if (graph->property_count == 0) return NULL;
    const struct onnx_property *found = bsearch(key, graph->properties, (size_t)graph->property_count,
                                                sizeof *graph->properties, compare_key);
    return found ? found->value : NULL;
}

const struct onnx_attribute *onnx_node_attribute(const struct onnx_node *node, const char *name) {
    for (int i = 0; i < node->attribute_count; i++)
        if (strcmp(node->attributes[i].name, name) == 0) return &node->attributes[i];
    return NULL;
}
