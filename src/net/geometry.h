/* Windows of convolutions and pools from ONNX attributes. Internal to the net room. */
#ifndef NET_GEOMETRY_H
#define NET_GEOMETRY_H

#include "net/lower.h"

/* Fills `window` for an image from kernel_shape, strides, pads, dilations, auto_pad (and ceil_mode: 0 or 1) of a node.
 * kernel_height, kernel_width: what the weights say, 0 when only the attribute says it. `before` and `after` are
 * padding that a Pad node already asked for: top, left and bottom, right. *pads receives the padding in effect:
 * top, left, bottom, right. Rules: ONNX operators Conv-11, AveragePool-19, MaxPool-12. */
pomona_status window_from_node(const struct lowering *lowering, const struct onnx_node *node,
                               const struct value *image, int kernel_height, int kernel_width,
                               const int before[2], const int after[2], struct window *window, int pads[4]);

/* When an image was made by a zero-padding step, the image before it and the padding; else the image itself and
 * nothing. */
struct padding {
    int tensor, height, width;
    int before[2], after[2]; /* vertical, horizontal */
    bool from_step;
};
struct padding padding_before(const struct plan *plan, const struct value *image);

#endif
