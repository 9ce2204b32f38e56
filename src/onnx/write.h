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

/* An attribute of an operator: an integer, a list of them (values [count]), or a float. */
struct onnx_attribute_text {
    const char *name;
    enum onnx_attribute_type type; /* INT, INTS or FLOAT */
    float number;
    int64_t value;
    const int64_t *values;
    size_t count;
};

/* One operator of the standard domain, of any size. `name` NULL: that of its first output. Lists of names end with NULL; an
 * empty name is an operand left out. */
void onnx_write_operator(struct onnx_writer *writer, const char *op, const char *name,
                         const char *const *inputs, const char *const *outputs,
                         const struct onnx_attribute_text *attributes, size_t attribute_count);

/* Element types by their number in the specification. */
enum onnx_element {
    ONNX_ELEMENT_FLOAT = 1,
    ONNX_ELEMENT_UINT8 = 2,
    ONNX_ELEMENT_INT8 = 3,
    ONNX_ELEMENT_INT32 = 6
};

/* A constant of any rank, `size` bytes of little-endian elements. */
void onnx_write_tensor(struct onnx_writer *writer, const char *name, enum onnx_element type, size_t rank,
                       const int64_t *dims, const void *data, size_t size);

/* A constant of rank 1 or 2: dims {rows, columns}, columns 0 for rank 1. `half`: stored as FLOAT16, of values that are
 * exact in it. */
void onnx_write_floats(struct onnx_writer *writer, const char *name, size_t rows, size_t columns,
                       const float *values, bool half);
void onnx_write_integers(struct onnx_writer *writer, const char *name, size_t count, const int64_t *values);

/* A float input or output [N, columns]. */
void onnx_write_value(struct onnx_writer *writer, bool output, const char *name, size_t columns);

/* The same of any rank: [N, dims[0], dims[1], ...]. */
void onnx_write_shaped_value(struct onnx_writer *writer, bool output, const char *name, size_t rank,
                             const int64_t *dims);

/* A metadata property of a model. */
void onnx_write_property(struct onnx_writer *writer, const char *key, const char *value);

/* The fields of a model around the pieces of its graph, which is called `name`: IR version 8, operator set `opset`. */
void onnx_write_model(struct onnx_writer *writer, const char *name, int opset, const struct buffer *graph);

/* The half nearest to a float (ties to even) and back; infinite beyond 65504. */
uint16_t onnx_half_of(float value);
float onnx_half_round(float value);

/* A varint, for splicing. */
void onnx_write_varint(struct onnx_writer *writer, uint64_t value);

#endif
