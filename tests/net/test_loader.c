/* The ONNX loader on files that are broken in every way that came to mind. */
#include "network.h"
#include "onnx/graph.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct pomona_error error;
static struct network net;
static struct buffer file = {.limit = (size_t)64 << 20};
static struct onnx_graph graph;

static int setup(void **state) {
    (void)state;
    network_classifier(&net);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    network_free(&net);
    onnx_graph_free(&graph);
    buffer_free(&file);
    return 0;
}

static pomona_status load(void) {
    network_pack(&net, &file);
    onnx_graph_free(&graph);
    return onnx_graph_load("a.onnx", file.data, file.size, &graph, &error);
}

static pomona_status load_bytes(const void *data, size_t size) {
    onnx_graph_free(&graph);
    return onnx_graph_load("a.onnx", data, size, &graph, &error);
}

static void assert_one_line(void) {
    assert_true(strlen(error.message) > 10);
    assert_null(strchr(error.message, '\n'));
    assert_ptr_equal(strstr(error.message, "a.onnx: "), error.message);
}

static void a_sound_file_loads(void **state) {
    (void)state;
    network_property(&net, "key", "value");
    network_property(&net, "a", "b");
    assert_int_equal(load(), POMONA_OK);
    assert_int_equal(graph.node_count, 5);
    assert_int_equal(graph.opset, 13);
    assert_int_equal(graph.input_count, 1);
    assert_int_equal(graph.inputs[0].rank, 4);
    assert_string_equal(graph.values[graph.outputs[0]].name, "y");
    assert_string_equal(onnx_graph_property(&graph, "key"), "value");
    assert_null(onnx_graph_property(&graph, "ke"));
    assert_int_equal(onnx_node_attribute(&graph.nodes[4], "transB")->integer, 1);
    assert_null(onnx_node_attribute(&graph.nodes[4], "transA"));
}

static void what_is_no_onnx_says_so(void **state) {
    (void)state;
    assert_failure(load_bytes("", 0), POMONA_E_INPUT, "empty");
    assert_failure(load_bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16), POMONA_E_INPUT, "not an ONNX model");
    assert_failure(load_bytes("\xFF\xD8\xFF\xE0 JFIF", 9), POMONA_E_INPUT, "not an ONNX model");
    assert_failure(load_bytes("hello, world, this is text", 26), POMONA_E_INPUT, "not an ONNX model");
    assert_failure(load_bytes("\0\0\0\0\0\0\0\0", 8), POMONA_E_INPUT, "not an ONNX model");
}

static void every_truncation_is_an_error(void **state) {
    (void)state;
    network_pack(&net, &file);
    for (size_t size = 0; size < file.size; size++) {
        uint8_t *copy =
            malloc(size ? size : 1); /* exactly that long, so that a sanitizer sees reads past it */
        assert_non_null(copy);
        memcpy(copy, file.data, size);
        memset(&error, 0, sizeof error);
        assert_int_not_equal(load_bytes(copy, size), POMONA_OK);
        assert_one_line();
        free(copy);
    }
}

static void no_changed_byte_does_harm(void **state) {
    (void)state;
    static const uint8_t changes[] = {0x01, 0x80, 0xFF, 0x08};
    network_pack(&net, &file);
    for (size_t at = 0; at < file.size; at++)
        for (size_t i = 0; i < sizeof changes; i++) {
            file.data[at] ^= changes[i];
            memset(&error, 0, sizeof error);
            if (load_bytes(file.data, file.size) != POMONA_OK) assert_one_line();
            file.data[at] ^= changes[i];
        }
}

static void versions_have_bounds(void **state) {
    (void)state;
    net.model.ir_version = 2;
    assert_failure(load(), POMONA_E_UNSUPPORTED, "IR version 2");
    net.model.ir_version = 8;
    net.opset.version = 6;
    assert_failure(load(), POMONA_E_UNSUPPORTED, "operator set 6");
    net.opset.version = 99;
    assert_failure(load(), POMONA_E_UNSUPPORTED, "operator set 99");
    net.opset.version = 21;
    net.opset.domain = "ai.onnx";
    assert_int_equal(load(), POMONA_OK);
    net.opset.domain = "other";
    assert_failure(load(), POMONA_E_UNSUPPORTED, "operator set 0");
}

static void names_resolve_once(void **state) {
    (void)state;
    net.nodes[1]->input[0] = "nothing";
    assert_failure(load(), POMONA_E_CORRUPT, "node 'n_relu' (Relu) reads 'nothing', which nothing defines");
    net.nodes[1]->input[0] = "conv";
    net.nodes[1]->output[0] = "conv";
    assert_failure(load(), POMONA_E_CORRUPT, "the name 'conv' is defined twice");
    net.nodes[1]->output[0] = "x";
    assert_failure(load(), POMONA_E_CORRUPT, "the name 'x' is defined twice");
    net.nodes[1]->output[0] = "relu";
    net.outputs[0]->name = "z";
    assert_failure(load(), POMONA_E_CORRUPT, "output 'z' is computed by no node");
}

static void two_inputs_of_one_name_are_refused(void **state) {
    (void)state;
    network_input(&net, "x", 1, (const int64_t[]){1});
    assert_failure(load(), POMONA_E_CORRUPT, "the name 'x' is defined twice");
}

static void old_files_list_weights_as_inputs(void **state) {
    (void)state;
    network_input(&net, "w", 4, (const int64_t[]){4, 3, 3, 3});
    assert_int_equal(load(), POMONA_OK);
    assert_int_equal(graph.input_count, 1);
}

static void cycles_are_found(void **state) {
    (void)state;
    net.nodes[1]->input[0] = "relu";
    assert_failure(load(), POMONA_E_CORRUPT, "node 'n_relu' (Relu) is part of a cycle");
    net.nodes[1]->input[0] = "flat";
    assert_failure(load(), POMONA_E_CORRUPT, "cycle");
}

static void nodes_are_put_in_order(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        Onnx__Node *node = net.nodes[i];
        net.nodes[i] = net.nodes[4 - i];
        net.nodes[4 - i] = node;
    }
    assert_int_equal(load(), POMONA_OK);
    assert_string_equal(graph.nodes[0].op, "Conv");
    assert_string_equal(graph.nodes[4].op, "Gemm");
    assert_int_equal(graph.values[graph.nodes[4].outputs[0]].producer, 4);
}

static void tensors_are_what_their_shape_says(void **state) {
    (void)state;
    Onnx__Tensor *w = net.tensors[0];
    w->dims[0] = -4;
    assert_failure(load(), POMONA_E_CORRUPT, "tensor 'w' has a negative dimension -4");
    w->dims[0] = 5;
    assert_failure(load(), POMONA_E_CORRUPT,
                   "tensor 'w' has 108 elements of data for a shape of 135 elements");
    w->dims[0] = w->dims[1] = w->dims[2] = INT64_C(1) << 40;
    assert_failure(load(), POMONA_E_LIMIT, "absurd shape");
    w->dims[0] = w->dims[1] = INT64_C(1) << 32; /* the product is 0 in 64 bits */
    assert_failure(load(), POMONA_E_LIMIT, "absurd shape");
    w->dims[0] = 4, w->dims[1] = w->dims[2] = 3;
    w->data_type = 8;
    assert_failure(load(), POMONA_E_UNSUPPORTED, "tensor 'w' has element type 8");
    w->data_type = 1;
    w->data_location = 1;
    assert_failure(load(), POMONA_E_UNSUPPORTED, "tensor 'w' keeps its data in another file");
    w->data_location = 0;
    w->raw_data.data = (uint8_t *)"1234567";
    w->raw_data.len = 7;
    assert_failure(load(), POMONA_E_CORRUPT, "tensor 'w' has 7 bytes of data");
    w->raw_data.len = 0;
    w->n_dims = 0;
    assert_failure(load(), POMONA_E_CORRUPT, "tensor 'w' has 108 elements of data for a shape of 1 elements");
}

static void rank_has_a_bound(void **state) {
    (void)state;
    network_floats(&net, "deep", 9, (const int64_t[]){1, 1, 1, 1, 1, 1, 1, 1, 1});
    assert_failure(load(), POMONA_E_LIMIT, "tensor 'deep' has rank 9");
}

static void other_types_are_converted(void **state) {
    (void)state;
    static const uint16_t halves[5] = {0x3C00, 0xC000, 0x0001, 0x7C00, 0x8000};
    Onnx__Tensor *b = net.tensors[1];
    b->data_type = 10;
    b->n_float_data = 0;
    b->dims[0] = 5;
    b->raw_data.data = (uint8_t *)halves;
    b->raw_data.len = sizeof halves;
    assert_int_equal(load(), POMONA_OK);
    const struct onnx_tensor *tensor = graph.values[1].constant;
    static const float want[5] = {1.0f, -2.0f, 0x1p-24f, INFINITY, -0.0f};
    assert_memory_equal(tensor->floats, want, sizeof want);
}

static void subnormal_weights_are_zero(void **state) {
    (void)state;
    net.tensors[1]->float_data[2] = 1e-40f;
    net.tensors[1]->float_data[3] = 1e-37f;
    assert_int_equal(load(), POMONA_OK);
    assert_true(graph.values[1].constant->floats[2] == 0.0f);
    assert_true(graph.values[1].constant->floats[3] == 1e-37f);
}

static void what_is_not_supported_says_so(void **state) {
    (void)state;
    ProtobufCBinaryData bytes = {3, (uint8_t *)"abc"};
    Onnx__Attribute *attribute = net.nodes[4]->attribute[0];
    attribute->g = &bytes;
    attribute->n_g = 1;
    assert_failure(load(), POMONA_E_UNSUPPORTED, "node 'n_y' has a subgraph in attribute 'transB'");
    attribute->n_g = 0;
    net.graph.sparse_initializer = &bytes;
    net.graph.n_sparse_initializer = 1;
    assert_failure(load(), POMONA_E_UNSUPPORTED, "sparse");
}

static void a_graph_has_nodes_inputs_and_outputs(void **state) {
    (void)state;
    net.graph.n_output = 0;
    assert_failure(load(), POMONA_E_CORRUPT, "no output");
    net.graph.n_input = 0;
    assert_failure(load(), POMONA_E_CORRUPT, "no input");
    net.graph.n_node = 0;
    assert_failure(load(), POMONA_E_CORRUPT, "no nodes");
    net.model.n_graph = 0;
    assert_failure(load(), POMONA_E_CORRUPT, "no graph");
    Onnx__Graph *twice[2] = {&net.graph, &net.graph};
    net.model.graph = twice;
    net.model.n_graph = 2;
    assert_failure(load(), POMONA_E_CORRUPT, "2 graphs");
}

static void metadata_keys_are_unique(void **state) {
    (void)state;
    network_property(&net, "key", "1");
    network_property(&net, "key", "2");
    assert_failure(load(), POMONA_E_CORRUPT, "metadata key 'key' occurs twice");
}

/* A graph message that is nothing but empty nodes: two bytes each in the file, a hundred times that in memory. */
static void memory_follows_the_size_of_the_file(void **state) {
    (void)state;
    enum { NODES = 4 << 20 };
    buffer_clear(&file);
    static const uint8_t head[] = {0x08, 0x08, 0x3A, 0x80,
                                   0x80, 0x80, 0x04}; /* ir_version 8; graph of 8 MiB */
    assert_int_equal(buffer_append(&file, head, sizeof head, NULL), POMONA_OK);
    assert_int_equal(buffer_reserve(&file, 2 * NODES, NULL), POMONA_OK);
    for (int i = 0; i < NODES; i++) {
        file.data[file.size++] = 0x0A;
        file.data[file.size++] = 0x00;
    }
    assert_failure(load_bytes(file.data, file.size), POMONA_E_LIMIT, "would take more than");
}

/* A chain of many nodes in reverse order: linear or n log n work only. */
static void large_graphs_take_no_quadratic_time(void **state) {
    (void)state;
    enum { NODES = 100000 };
    struct arena arena = ARENA_INIT((size_t)256 << 20);
    Onnx__Node **nodes = arena_new(&arena, NODES, sizeof *nodes);
    assert_non_null(nodes);
    for (int i = 0; i < NODES; i++) {
        Onnx__Node *node = arena_new(&arena, 1, sizeof *node);
        char **names = arena_new(&arena, 2, sizeof *names), text[32];
        assert_non_null(names);
        onnx__node__init(node);
        node->op_type = "Relu";
        int from = snprintf(text, sizeof text, "%s%d", i ? "v" : "", i);
        names[0] = arena_copy_text(&arena, i ? text : "x", i ? (size_t)from : 1);
        int to = snprintf(text, sizeof text, "v%d", i + 1);
        names[1] = arena_copy_text(&arena, text, (size_t)to);
        node->input = names;
        node->output = names + 1;
        node->n_input = node->n_output = 1;
        nodes[NODES - 1 - i] = node;
    }
    net.graph.node = nodes;
    net.graph.n_node = NODES;
    net.outputs[0]->name = "v100000";
    clock_t start = clock();
    assert_int_equal(load(), POMONA_OK);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 5.0); /* 0.1 s; quadratic would be minutes */
    assert_string_equal(graph.values[graph.nodes[0].inputs[0]].name, "x");
    arena_free(&arena);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_sound_file_loads),
        T(what_is_no_onnx_says_so),
        T(every_truncation_is_an_error),
        T(no_changed_byte_does_harm),
        T(versions_have_bounds),
        T(names_resolve_once),
        T(two_inputs_of_one_name_are_refused),
        T(old_files_list_weights_as_inputs),
        T(cycles_are_found),
        T(nodes_are_put_in_order),
        T(tensors_are_what_their_shape_says),
        T(rank_has_a_bound),
        T(other_types_are_converted),
        T(subnormal_weights_are_zero),
        T(what_is_not_supported_says_so),
        T(a_graph_has_nodes_inputs_and_outputs),
        T(metadata_keys_are_unique),
        T(memory_follows_the_size_of_the_file),
        T(large_graphs_take_no_quadratic_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
