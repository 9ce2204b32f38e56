#include "net/layer.h"

#include "base/memory.h"

#include <string.h>

static pomona_status find_by_name(const char *file, const struct onnx_graph *graph, const char *name,
                                  struct layer_choice *choice, struct pomona_error *error) {
    for (int i = 0; i < graph->value_count; i++)
        if (strcmp(graph->values[i].name, name) == 0) {
            choice->value = i;
            return POMONA_OK;
        }
    for (int i = 0; i < graph->node_count; i++) {
        const struct onnx_node *node = &graph->nodes[i];
        if (strcmp(node->name, name) == 0 && node->output_count > 0 && node->outputs[0] >= 0) {
            choice->value = node->outputs[0];
            return POMONA_OK;
        }
    }
    return fail(error, POMONA_E_INPUT, file, "no node and no value is called '%.200s'", name);
}

/* Per node: whether the first output depends on it and it depends on the photo, and the last such node that reads
 * what it makes. A Shape is a constant, whatever it is the shape of. */
struct reach {
    bool *counts;  /* [node_count] */
    int *last_use; /* [node_count] */
    int input_last_use;
};

static bool reads_photo(const struct onnx_graph *graph, const bool *depends, const struct onnx_node *node) {
    if (strcmp(node->op, "Shape") == 0) return false;
    for (int i = 0; i < node->input_count; i++) {
        if (node->inputs[i] < 0) continue;
        const struct onnx_value *value = &graph->values[node->inputs[i]];
        if (value->is_input || (value->producer >= 0 && depends[value->producer])) return true;
    }
    return false;
}

static void measure_reach(const struct onnx_graph *graph, bool *needed, struct reach *reach) {
    for (int i = 0; i < graph->node_count; i++)
        reach->counts[i] = reads_photo(graph, reach->counts, &graph->nodes[i]);
    int producer = graph->values[graph->outputs[0]].producer;
    if (producer >= 0) needed[producer] = true;
    for (int i = graph->node_count; i-- > 0;) {
        reach->counts[i] = reach->counts[i] && needed[i];
        for (int j = 0; needed[i] && j < graph->nodes[i].input_count; j++) {
            if (graph->nodes[i].inputs[j] < 0) continue;
            const struct onnx_value *value = &graph->values[graph->nodes[i].inputs[j]];
            if (value->producer >= 0) needed[value->producer] = true;
            if (!reach->counts[i]) continue;
            if (value->is_input && i > reach->input_last_use) reach->input_last_use = i;
            if (value->producer >= 0 && i > reach->last_use[value->producer])
                reach->last_use[value->producer] = i;
        }
    }
}

static bool is_dense(const struct onnx_graph *graph, const struct reach *reach,
                     const struct onnx_node *node) {
    if ((strcmp(node->op, "Gemm") != 0 && strcmp(node->op, "MatMul") != 0) || node->input_count == 0)
        return false;
    if (node->inputs[0] < 0) return false;
    const struct onnx_value *value = &graph->values[node->inputs[0]];
    return value->is_input || (value->producer >= 0 && reach->counts[value->producer]);
}

pomona_status layer_choose(const char *file, const struct onnx_graph *graph, const char *name,
                           struct layer_choice *choice, struct pomona_error *error) {
    *choice = (struct layer_choice){graph->outputs[0], false, -1};
    if (name) return find_by_name(file, graph, name, choice, error);
    size_t nodes = (size_t)graph->node_count;
    bool *needed = memory_new(nodes, sizeof *needed);
    struct reach reach = {memory_new(nodes, sizeof(bool)), memory_new(nodes, sizeof(int)), -1};
    pomona_status status = POMONA_OK;
    if (!needed || !reach.counts || !reach.last_use) {
        status = fail_memory(error, "layers");
        goto end;
    }
    measure_reach(graph, needed, &reach);
    int dense = -1, pool = -1, open_until = reach.input_last_use;
    for (int i = 0; i < graph->node_count; i++) {
        if (!reach.counts[i]) continue;
        const struct onnx_node *node = &graph->nodes[i];
        bool on_every_path = open_until <= i;
        if (on_every_path && is_dense(graph, &reach, node)) dense = node->inputs[0];
        if (on_every_path && node->output_count > 0 && node->outputs[0] >= 0 &&
            (strcmp(node->op, "GlobalAveragePool") == 0 || strcmp(node->op, "ReduceMean") == 0))
            pool = node->outputs[0];
        if (reach.last_use[i] > open_until) open_until = reach.last_use[i];
    }
    if (dense >= 0)
        choice->value = dense;
    else
        *choice = (struct layer_choice){graph->outputs[0], true, pool};
end:
    memory_free(needed);
    memory_free(reach.counts);
    memory_free(reach.last_use);
    return status;
}
