/* Operators on constants, computed while lowering: what exporters emit around the shapes of Reshape and friends.
 * Internal to the net room. Integers are int64, wrap-around is refused; everything is bounded by the lowering's
 * memory budget. */
#ifndef NET_CONSTANTS_H
#define NET_CONSTANTS_H

#include "net/lower.h"

/* Add, Sub, Mul, Div of two constants of one type, broadcast. */
pomona_status fold_binary(struct lowering *lowering, const struct onnx_node *node);
/* The constant with its axes permuted: axis i of the result is axis order[i]. */
pomona_status fold_transpose(struct lowering *lowering, const struct onnx_node *node,
                             const struct onnx_tensor *constant, const int *order);
/* The constant with another shape of as many elements. */
pomona_status fold_reshape(struct lowering *lowering, const struct onnx_node *node,
                           const struct onnx_tensor *constant, int rank, const int64_t *dims);
/* Constants side by side along an axis. */
pomona_status fold_concat(struct lowering *lowering, const struct onnx_node *node, int axis);

#endif
