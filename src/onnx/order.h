/* Topological order of nodes. Internal to the onnx room. */
#ifndef ONNX_ORDER_H
#define ONNX_ORDER_H

#include "onnx/graph.h"

/* Reorders graph->nodes so that every node comes after the producers of its inputs, and keeps the file's order where
 * that is free; updates the values' producers. Kahn's algorithm (CACM 5:11, 1962): linear in nodes and inputs. Errors:
 * POMONA_E_CORRUPT names a node on or behind a cycle; POMONA_E_MEMORY. */
pomona_status onnx_order_nodes(const char *file, struct onnx_graph *graph, struct pomona_error *error);

#endif
