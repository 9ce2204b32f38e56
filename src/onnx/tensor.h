/* ONNX tensor messages to typed constants. Internal to the onnx room. */
#ifndef ONNX_TENSOR_H
#define ONNX_TENSOR_H

#include "onnx/graph.h"

struct Onnx__Tensor; /* generated from onnx.proto */

/* Checks a tensor and copies its data into the arena. `file` and `name` are for messages. */
pomona_status onnx_tensor_read(const char *file, const char *name, const struct Onnx__Tensor *message,
                               struct arena *arena, struct onnx_tensor *tensor, struct pomona_error *error);

#endif
