#include "onnx/order.h"

#include "base/memory.h"

/* Consumers of every node as one array of lists: those of node i are list[first[i]] ... list[first[i + 1] - 1]. */
struct consumers {
    int *first; /* [nodes + 1] */
    int *list;
};

static int producer_of(const struct onnx_graph *graph, int value) {
    return value < 0 ? -1 : graph->values[value].producer;
}

static bool collect_consumers(const struct onnx_graph *graph, int *waiting, struct consumers *consumers) {
    size_t nodes = (size_t)graph->node_count, edges = 0;
    consumers->first = memory_new(nodes + 2, sizeof(int));
    if (!consumers->first) return false;
    int *first = consumers->first;
    for (int i = 0; i < graph->node_count; i++)
        for (int j = 0; j < graph->nodes[i].input_count; j++) {
            int producer = producer_of(graph, graph->nodes[i].inputs[j]);
            if (producer < 0) continue;
            first[producer + 2]++;
            waiting[i]++;
            edges++;
        }
    consumers->list = memory_new(edges, sizeof(int));
    if (!consumers->list) return false;
    for (size_t i = 2; i < nodes + 2; i++) first[i] += first[i - 1];
    /* first[p + 1] is where the next consumer of p goes; when all are placed it is where those of p + 1 start. */
    for (int i = 0; i < graph->node_count; i++)
        for (int j = 0; j < graph->nodes[i].input_count; j++) {
            int producer = producer_of(graph, graph->nodes[i].inputs[j]);
            if (producer >= 0) consumers->list[first[producer + 1]++] = i;
        }
    return true;
}

/* A heap of ready nodes, smallest index on top, keeps the file's order where it can. */
static void heap_push(int *heap, int *size, int node) {
    int at = (*size)++;
    for (; at > 0 && heap[(at - 1) / 2] > node; at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = node;
}

static int heap_pop(int *heap, int *size) {
    int top = heap[0], last = heap[--*size], at = 0;
    for (;;) {
        int child = 2 * at + 1;
        if (child >= *size) break;
        if (child + 1 < *size && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= last) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return top;
}

static int sort_nodes(const struct onnx_graph *graph, const struct consumers *consumers, int *waiting,
                      int *heap, struct onnx_node *sorted) {
    int ready = 0, done = 0;
    for (int i = 0; i < graph->node_count; i++)
        if (waiting[i] == 0) heap_push(heap, &ready, i);
    while (ready > 0) {
        int node = heap_pop(heap, &ready);
        sorted[done++] = graph->nodes[node];
        for (int i = consumers->first[node]; i < consumers->first[node + 1]; i++)
            if (--waiting[consumers->list[i]] == 0) heap_push(heap, &ready, consumers->list[i]);
    }
    return done;
}

pomona_status onnx_order_nodes(const char *file, struct onnx_graph *graph, struct pomona_error *error) {
    size_t nodes = (size_t)graph->node_count;
    pomona_status status = POMONA_OK;
    struct consumers consumers = {NULL, NULL};
    int *waiting = memory_new(nodes, sizeof *waiting);
    int *heap = memory_new(nodes, sizeof *heap);
    struct onnx_node *sorted = arena_new(&graph->arena, nodes, sizeof *sorted);
    if (!waiting || !heap || !sorted || !collect_consumers(graph, waiting, &consumers)) {
        status = fail_memory(error, "ONNX graph");
        goto end;
    }
    if (sort_nodes(graph, &consumers, waiting, heap, sorted) < graph->node_count) {
        int stuck = 0;
        while (waiting[stuck] == 0) stuck++;
        status = fail(error, POMONA_E_CORRUPT, file, "node '%s' (%s) is part of a cycle, or waits for one",
                      graph->nodes[stuck].name, graph->nodes[stuck].op);
        goto end;
    }
    graph->nodes = sorted;
    for (int i = 0; i < graph->node_count; i++)
        for (int j = 0; j < sorted[i].output_count; j++)
            if (sorted[i].outputs[j] >= 0) graph->values[sorted[i].outputs[j]].producer = i;
end:
    memory_free(consumers.first);
    memory_free(consumers.list);
    memory_free(waiting);
    memory_free(heap);
    return status;
}
