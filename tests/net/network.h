/* Builds small ONNX files in memory, sound or broken on purpose, for the C tests. */
#ifndef TESTS_NETWORK_H
#define TESTS_NETWORK_H

#include "base/arena.h"
#include "base/buffer.h"
#include "onnx/onnx.pb-c.h"

#include <stdint.h>

enum { NETWORK_NODES_MAX = 64 };

/* Everything in it may be changed before network_pack(). Freed with network_free(). */
struct network {
    struct arena arena;
    Onnx__Model model;
    Onnx__Graph graph;
    Onnx__OperatorSet opset;
    Onnx__Graph *graphs[1];
    Onnx__OperatorSet *opsets[1];
    Onnx__KeyValue *properties[8];
    Onnx__Node *nodes[NETWORK_NODES_MAX];
    Onnx__Tensor *tensors[NETWORK_NODES_MAX];
    Onnx__ValueInfo *inputs[4], *outputs[4];
};

/* IR version 8, operator set 13, input "x" of FLOAT [N, 3, 8, 8], output "y", no nodes. */
void network_start(struct network *network);
void network_free(struct network *network);

/* A node named "n_OUTPUT"; `inputs` and `outputs` are names separated by spaces ("-": left out). */
Onnx__Node *network_node(struct network *network, const char *op, const char *inputs, const char *outputs);

void network_ints(struct network *network, Onnx__Node *node, const char *name, size_t count,
                  const int64_t *ints);
void network_int(struct network *network, Onnx__Node *node, const char *name, int64_t value);

/* An initialiser of floats that are small and different, or of the given integers. */
Onnx__Tensor *network_floats(struct network *network, const char *name, size_t rank, const int64_t *dims);
Onnx__Tensor *network_list(struct network *network, const char *name, size_t count, const int64_t *ints);

void network_input(struct network *network, const char *name, size_t rank, const int64_t *dims);
void network_property(struct network *network, const char *key, const char *value);

/* The usual small network: conv (4 channels) -> relu -> pool -> flatten -> gemm (5 classes) to "y"; the features are the
 * 4 values of "flat". */
void network_classifier(struct network *network);

/* Replaces the content of `out` (limit set by the caller) with the file. */
void network_pack(const struct network *network, struct buffer *out);

#endif
