/* Bytes to protobuf messages, within a memory budget. Internal to the onnx room. */
#ifndef ONNX_READ_H
#define ONNX_READ_H

#include "base/error.h"

#include <stddef.h>

struct Onnx__Model; /* generated from onnx.proto */

/* Bytes of memory that reading a file of `size` bytes may take: an honest file needs about its own size (its weights),
 * a hostile one could ask for a hundred times as much with empty messages of two bytes. */
size_t onnx_memory_budget(size_t size);

/* Unpacks a file. *model is freed with onnx_message_free(). Errors as onnx_graph_load(). */
pomona_status onnx_message_read(const char *name, const void *data, size_t size, struct Onnx__Model **model,
                                struct pomona_error *error);

/* Accepts NULL. */
void onnx_message_free(struct Onnx__Model *model);

#endif
