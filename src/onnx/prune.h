/* An ONNX file without what is not needed to compute some of its outputs. */
#ifndef ONNX_PRUNE_H
#define ONNX_PRUNE_H

#include "base/buffer.h"

#include <stdbool.h>

/* Appends to `out` the file data[size] with the outputs `keep` (ended by NULL; names that it does not have are passed over; NULL: all
 * of its outputs) and what they need:
 *  - nodes, constants and outputs that these do not depend on are left out,
 *  - Identity nodes, and Dropout where its mask is not used, are bypassed (not where they give an output its name),
 *  - documentation, producer, types of inner values and metadata for which keep_property is false are left out.
 * What remains computes the same numbers. Subgraphs are refused. Errors: those of onnx_graph_load; POMONA_E_INPUT when no
 * output is left. */
pomona_status onnx_prune(const char *name, const uint8_t *data, size_t size, const char *const *keep,
                         bool (*keep_property)(const char *key), struct buffer *out,
                         struct pomona_error *error);

#endif
