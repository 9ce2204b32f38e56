/* Writes pieces of an ONNX file: nodes, constants, typed values, metadata, and a whole small model.
 *
 * A piece is the bytes of some fields of a protobuf message; pieces of one message are put together by appending them,
 * so a graph's pieces can also be appended to the graph of a file (onnx/splice.h). Field numbers are those of onnx.proto.
 *
 * The first failure sticks: calls after it do nothing, and `status` has it. */
#ifndef ONNX_WRITE_H
#define ONNX_WRITE_H

#include "base/buffer.h"
#include "onnx/graph.h"

#include <stdbool.h>
#include <stdint.h>

struct onnx_writer {
    struct buffer *out; /* fields of a graph (onnx_write_property, onnx_write_model: of a model) */
    struct pomona_error *error;
    pomona_status status;
};

static inline struct onnx_writer onnx_write_to(struct buffer *out, struct pomona_error *error) {
    return (struct onnx_writer){out, error, POMONA_OK};
}

/* One operator of the standard domain with at most one attribute, an integer. Inputs and outputs end with NULL. */
struct onnx_node_text {
    const char *op;
    const char *inputs[4], *outputs[3];
    const char *attribute; /* NULL: none */
    int64_t value;
};

void onnx_write_node(struct onnx_writer *writer, const struct onnx_node_text *text);

/* A constant of rank 1 or 2: dims {rows, columns}, columns 0 for rank 1. `half`: stored as FLOAT16, of values that are
 * exact in it. */
void onnx_write_floats(struct onnx_writer *writer, const char *name, size_t rows, size_t columns,
                       const float *values, bool half);
void onnx_write_integers(struct onnx_writer *writer, const char *name, size_t count, const int64_t *values);

/* A float input or output [N, columns]. */
void onnx_write_value(struct onnx_writer *writer, bool output, const char *name, size_t columns);

/* A metadata property of a model. */
void onnx_write_property(struct onnx_writer *writer, const char *key, const char *value);

/* The fields of a model around the pieces of its graph: IR version 8, operator set `opset`. */
void onnx_write_model(struct onnx_writer *writer, int opset, const struct buffer *graph);

/* The half nearest to a float (ties to even) and back; infinite beyond 65504. */
uint16_t onnx_half_of(float value);
float onnx_half_round(float value);

/* A varint, for splicing. */
void onnx_write_varint(struct onnx_writer *writer, uint64_t value);

#endif
