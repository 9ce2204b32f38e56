/* Which value of the graph is the feature vector. Internal to the net room. */
#ifndef NET_LAYER_H
#define NET_LAYER_H

#include "onnx/graph.h"

struct layer_choice {
    int value; /* of the graph */
    bool
        needs_rank_2; /* a guess that holds only if the value has rank 2; `otherwise` holds if not (-1: nothing) */
    int otherwise;
};

/* With a name: the value of that name, else the first output of the node of that name.
 *
 * Without one, looking at the nodes that lie on every path from the photo to the graph's first output (so the dense
 * layers inside squeeze-and-excitation branches do not count):
 *   1. the input of the last Gemm or MatMul: what Keras calls layers[-2] in a classifier;
 *   2. else the graph's first output, if it has rank 2;
 *   3. else the output of the last GlobalAveragePool or ReduceMean.
 *
 * Errors: POMONA_E_INPUT when nothing has that name; POMONA_E_MEMORY. */
pomona_status layer_choose(const char *file, const struct onnx_graph *graph, const char *name,
                           struct layer_choice *choice, struct pomona_error *error);

#endif
