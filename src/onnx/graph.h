/* An ONNX file as a checked, typed graph.
 *
 * What onnx_graph_load() promises about its result: names are unique and resolve (no dangling input), nodes are in an
 * order in which every input is computed before it is used (so there is no cycle), there is no subgraph, no sparse or
 * external tensor, every constant has exactly the data that its shape asks for. Operators and their shapes are not
 * looked at: that is the net room's business.
 *
 * Everything lives in one arena and is immutable after loading. Source of the format: the ONNX specification,
 * https://github.com/onnx/onnx/blob/main/docs/IR.md (IR versions 3 to 13, operator sets 7 to 23). */
#ifndef ONNX_GRAPH_H
#define ONNX_GRAPH_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ONNX_RANK_MAX = 8,
    ONNX_IR_MIN = 3,
    ONNX_IR_MAX = 13,
    ONNX_OPSET_MIN = 7,
    ONNX_OPSET_MAX = 23,
    ONNX_NODES_MAX = 1000000
};

/* What constants are held as: FLOAT16 and DOUBLE become FLOAT; INT8, UINT8, INT32 and BOOL become INT64. */
enum onnx_type { ONNX_FLOAT, ONNX_INT64 };

/* The integer types of quantised values, as the file has them; all others are ONNX_WIDE. */
enum onnx_width { ONNX_WIDE, ONNX_INT8, ONNX_UINT8 };

/* A constant. Exactly one of `floats` and `ints` is set, with `count` = product of dims elements. Subnormal floats
 * were flushed to zero: they cost a hundred times as much to multiply with and change nothing. */
struct onnx_tensor {
    enum onnx_type type;
    enum onnx_width width; /* of ONNX_INT64: values are in -128..127 or 0..255 */
    int rank;
    int64_t dims[ONNX_RANK_MAX]; /* each >= 0 */
    size_t count;
    const float *floats;
    const int64_t *ints;
};

enum onnx_attribute_type {
    ONNX_ATTRIBUTE_FLOAT = 1, /* the numbers of the specification */
    ONNX_ATTRIBUTE_INT = 2,
    ONNX_ATTRIBUTE_STRING = 3,
    ONNX_ATTRIBUTE_TENSOR = 4,
    ONNX_ATTRIBUTE_FLOATS = 6,
    ONNX_ATTRIBUTE_INTS = 7,
    ONNX_ATTRIBUTE_OTHER = 0 /* valid in ONNX, of no use to any operator that pomona has */
};

struct onnx_attribute {
    const char *name;
    enum onnx_attribute_type type;
    float number;
    int64_t integer;
    const char *text;
    const struct onnx_tensor *tensor;
    const float *floats;
    const int64_t *ints;
    size_t count; /* of floats or ints */
};

struct onnx_node {
    const char *name; /* never empty: the first output's name where the file gives none */
    const char *op;
    const char *domain; /* "" is ONNX's own, also where the file says "ai.onnx" */
    const int *inputs;  /* [input_count] value indices, -1 for an optional input left out */
    const int *outputs; /* [output_count] likewise */
    int input_count, output_count;
    const struct onnx_attribute *attributes;
    int attribute_count;
};

struct onnx_value {
    const char *name;
    int producer;                       /* node index; -1 for graph inputs and initialisers */
    const struct onnx_tensor *constant; /* initialisers only */
    bool is_input;                      /* a graph input that no initialiser fills */
};

/* A graph input with its declared type. */
struct onnx_input {
    int value;
    int elem_type;               /* ONNX number; 1 is FLOAT */
    int rank;                    /* -1 when not declared */
    int64_t dims[ONNX_RANK_MAX]; /* 0 when symbolic or unknown */
};

struct onnx_property {
    const char *key, *value;
};

struct onnx_graph {
    struct arena arena;
    int64_t ir_version, opset;
    struct onnx_value *values;
    int value_count;
    struct onnx_node *nodes; /* in execution order */
    int node_count;
    struct onnx_input *inputs;
    int input_count;
    int *outputs; /* value indices */
    int output_count;
    struct onnx_property *properties; /* sorted by key */
    int property_count;
};

/* Reads a file's bytes, which may be freed afterwards. `name` is for messages. The memory it takes is at most 64 MiB
 * and eight times the size of the file, whatever the file says. On failure *graph is empty. Errors:
 * POMONA_E_INPUT (empty, not ONNX), POMONA_E_CORRUPT (truncated; a name defined twice or not at all; a cycle; a
 * tensor whose data do not fit its shape), POMONA_E_LIMIT (memory, rank, number of nodes), POMONA_E_UNSUPPORTED
 * (version, external data, subgraph, sparse or exotic tensor), POMONA_E_MEMORY. */
pomona_status onnx_graph_load(const char *name, const void *data, size_t size, struct onnx_graph *graph,
                              struct pomona_error *error);

/* Accepts empty and half-built graphs; leaves an empty one. */
void onnx_graph_free(struct onnx_graph *graph);

/* A metadata property, or NULL. */
const char *onnx_graph_property(const struct onnx_graph *graph, const char *key);

/* An attribute by name, or NULL. */
const struct onnx_attribute *onnx_node_attribute(const struct onnx_node *node, const char *name);

#endif
