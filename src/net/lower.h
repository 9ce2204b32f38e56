/* Lowering: from ONNX nodes to plan steps. Internal to the net room.
 *
 * Every ONNX value is either a constant or a tensor of the plan seen through an axis order. The shape that the file
 * speaks of (logical) and the order in memory (physical) are kept apart: a Transpose only changes the order, so NHWC
 * and NCHW exports of a network lower to the same steps. Where an operator needs another order than a tensor has, a
 * STEP_COPY is put in between; in the networks of the mobile zoo that never happens before the head. */
#ifndef NET_LOWER_H
#define NET_LOWER_H

#include "net/plan.h"
#include "onnx/graph.h"

enum value_kind { VALUE_UNSET, VALUE_CONSTANT, VALUE_TENSOR };

struct value {
    enum value_kind kind;
    const struct onnx_tensor *constant;
    const struct integer_weights *integers; /* what a constant was dequantised from, or NULL */
    int tensor;                             /* of the plan */
    int rank;                               /* of tensors, 1..8; axis `order[0]` is the batch */
    int64_t dims[ONNX_RANK_MAX];            /* logical; 1 for the batch */
    int order[ONNX_RANK_MAX];               /* logical axis of each physical axis, outermost first */
};

struct lowering {
    const char *file;
    const struct onnx_graph *graph;
    struct plan *plan;
    struct value *values; /* [graph->value_count] */
    struct arena *arena;  /* constants made while lowering */
    int64_t file_batch;   /* batch that the file asks for, > 1; else 1 */
    bool *
        whole_image; /* [graph->node_count] or NULL: pooling windows that see all of their input; filled at the
                             network's own size, read when `resized` */
    bool integers;   /* quantised values become bytes; else floats pass QuantizeLinear unchanged */
    bool quantised;  /* a QuantizeLinear was met */
    bool resized;    /* for another input size than the network's own */
    struct pomona_error *error;
};

/* Lowers the nodes that `target` (a value) depends on. `input` is the plan's pixels: value `input_value` of logical
 * shape dims, NHWC in memory. On success the plan's input and output are set and the output's elements are in logical
 * order. */
pomona_status lower_graph(struct lowering *lowering, int input_value, const struct value *input, int target);

typedef pomona_status (*lower_function)(struct lowering *lowering, const struct onnx_node *node);

pomona_status lower_conv(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_batch_normalization(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_max_pool(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_average_pool(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_global_average_pool(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_reduce_mean(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_gemm(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_matmul(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_softmax(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_relu(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_clip(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_activation(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_binary(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_constant(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_identity(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_cast(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_shape(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_gather(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_slice(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_reshape(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_flatten(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_squeeze(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_unsqueeze(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_transpose(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_concat(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_quantize_linear(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_dequantize_linear(struct lowering *lowering, const struct onnx_node *node);
pomona_status lower_pad(struct lowering *lowering, const struct onnx_node *node);

/* fail() with the file, the node and its operator in front. */
#define NODE_FAIL(lowering, node, code, ...) node_fail((lowering), (node), (code), __VA_ARGS__)
pomona_status node_fail(const struct lowering *lowering, const struct onnx_node *node, pomona_status code,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));

/* ---- attributes: absent means the default; of another type is POMONA_E_CORRUPT ---- */

pomona_status attribute_int(const struct lowering *lowering, const struct onnx_node *node, const char *name,
                            int64_t absent, int64_t *value);
pomona_status attribute_float(const struct lowering *lowering, const struct onnx_node *node, const char *name,
                              float absent, float *value);
/* *text is NULL when absent. */
pomona_status attribute_text(const struct lowering *lowering, const struct onnx_node *node, const char *name,
                             const char **text);
/* *ints is NULL and *count 0 when absent. */
pomona_status attribute_ints(const struct lowering *lowering, const struct onnx_node *node, const char *name,
                             const int64_t **ints, size_t *count);
/* A list of integers that newer operator sets take as input `index` and older ones as an attribute. *ints is NULL when
 * absent; a value that is no constant is POMONA_E_UNSUPPORTED. */
pomona_status list_argument(const struct lowering *lowering, const struct onnx_node *node, int index,
                            const char *name, const int64_t **ints, size_t *count);

/* ---- operands ---- */

/* Whether the node has input `index`. */
bool has_input(const struct onnx_node *node, int index);
/* Input `index` of any kind; POMONA_E_CORRUPT when missing, POMONA_E_UNSUPPORTED when it is an output that its
 * operator does not compute here. */
pomona_status any_input(const struct lowering *lowering, const struct onnx_node *node, int index,
                        const struct value **value);
/* Input `index`, which must be a tensor (an input that depends on the photo). */
pomona_status tensor_input(const struct lowering *lowering, const struct onnx_node *node, int index,
                           const struct value **value);
/* Input `index`, which must be a constant of `type`. */
pomona_status constant_input(const struct lowering *lowering, const struct onnx_node *node, int index,
                             enum onnx_type type, const struct onnx_tensor **constant);
/* The same with one element. *constant is `absent` when the input is left out. */
pomona_status scalar_input(const struct lowering *lowering, const struct onnx_node *node, int index,
                           float absent, float *scalar);

/* Sets output 0. */
void set_output(struct lowering *lowering, const struct onnx_node *node, const struct value *value);
pomona_status set_constant(struct lowering *lowering, const struct onnx_node *node,
                           const struct onnx_tensor *constant);

/* Axis -rank..rank-1 to 0..rank-1. */
pomona_status normal_axis(const struct lowering *lowering, const struct onnx_node *node, int64_t axis,
                          int rank, int *normal);

/* ---- values ---- */

/* Product of dims; POMONA_E_LIMIT when a dim or the product is absurd, POMONA_E_CORRUPT when a dim is not positive. */
pomona_status check_dims(const struct lowering *lowering, const struct onnx_node *node, const int64_t *dims,
                         int rank, size_t *elements);

size_t value_elements(const struct value *value);
bool same_dims(const struct value *a, const struct value *b);
/* Whether memory order is `order`, axes of size one aside. */
bool has_order(const struct value *value, const int *order);
/* The value in that order: relabelled where possible, else copied by a step. */
pomona_status with_order(struct lowering *lowering, const struct onnx_node *node, const struct value *value,
                         const int *order, struct value *ordered);
/* The same for the order that the file has. */
pomona_status in_logical_order(struct lowering *lowering, const struct onnx_node *node,
                               const struct value *value, struct value *ordered);
/* A rank 4 value (N, C, H, W for the file) with NHWC memory. */
pomona_status as_image(struct lowering *lowering, const struct onnx_node *node, const struct value *value,
                       struct value *image);
/* The logical axis that runs fastest in memory, units aside; -1 when all are one. */
int channel_axis(const struct value *value);
/* Elements from one index to the next along each logical axis; 0 for axes of size one. */
void value_strides(const struct value *value, size_t *strides);

/* Appends a step and its output tensor, shaped as `shape` (checked); *result is that shape on the new tensor. */
pomona_status add_step(struct lowering *lowering, const struct onnx_node *node, enum step_kind kind,
                       const struct value *shape, struct step **step, struct value *result);

/* A constant in the lowering's arena with uninitialised data; NULL when out of memory or beyond its budget. */
struct onnx_tensor *new_constant(struct lowering *lowering, enum onnx_type type, int rank,
                                 const int64_t *dims);

#endif
