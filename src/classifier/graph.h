/* A head as nodes and constants of an ONNX graph. */
#ifndef CLASSIFIER_GRAPH_H
#define CLASSIFIER_GRAPH_H

#include "onnx/write.h"
#include "stats/apply/head.h"

#include <stdbool.h>

/* The graph's names for what the head computes: the short ones unless the backbone has them already. */
struct head_outputs {
    const char *probabilities, *coarse, *known;
};

/* Names of the constants, by which a reader finds them. */
#define HEAD_TENSOR(name) "pomona.head/" name

enum { HEAD_MATRIX_MAX = 1 << 26 };

/* Writes nodes, constants and outputs. `layer` is the graph's value that the head reads, [N, features] or with axes of
 * length 1 behind or between; `opset` that of the graph. The operators used mean the same in sets 7 to 23 (Softmax and LogSoftmax on rank 2
 * with their axis given; sums as products with ones, because the Reduce operators changed); neighbours need 11. Errors as
 * classifier_write. */
void head_write_graph(struct onnx_writer *writer, const struct head *head, const char *layer, int opset,
                      const struct head_outputs *outputs, bool half);

#endif
