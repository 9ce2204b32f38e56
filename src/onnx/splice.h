/* Appends to the graph of an ONNX file without touching what is there, and cuts the original out again.
 *
 * The new file is the old one with more bytes at the end of its graph (whose length is written anew) and more fields
 * behind everything. So the old file can be had back to the byte from its size, the size of its graph, and the new
 * file. */
#ifndef ONNX_SPLICE_H
#define ONNX_SPLICE_H

#include "base/buffer.h"
#include "base/sha256.h"

#include <stdbool.h>
#include <stddef.h>

/* What tells where the original lies in a spliced file, and what it must be. */
struct onnx_original {
    char hash[SHA256_HEX_SIZE]; /* SHA-256 of the original file */
    size_t bytes;               /* its size */
    size_t graph_bytes;         /* the size of its graph */
};

/* Appends to `out`: the file data[size] with `graph` at the end of its graph and `model` behind it.
 * POMONA_E_CORRUPT for what is no ONNX file, POMONA_E_UNSUPPORTED for one whose graph length is not written in the
 * shortest way. */
pomona_status onnx_splice(const char *name, const uint8_t *data, size_t size, const struct buffer *graph,
                          const struct buffer *model, struct buffer *out, struct pomona_error *error);

/* Fills `original` for a file that is to be spliced. Errors as onnx_splice. */
pomona_status onnx_original_of(const char *name, const uint8_t *data, size_t size,
                               struct onnx_original *original, struct pomona_error *error);

/* The metadata key of a spliced file that holds what follows. */
#define ONNX_ORIGINAL_KEY "pomona.backbone"

/* "sha256=<64 digits> bytes=<n> graph=<n>", and back: false for anything else. */
enum { ONNX_ORIGINAL_TEXT_MAX = 160 };
void onnx_original_format(const struct onnx_original *original, char text[ONNX_ORIGINAL_TEXT_MAX]);
bool onnx_original_parse(const char *text, struct onnx_original *original);

/* Appends the original file to `out`. POMONA_E_CORRUPT when the bytes are not those that `original` names. */
pomona_status onnx_cut(const char *name, const uint8_t *data, size_t size,
                       const struct onnx_original *original, struct buffer *out, struct pomona_error *error);

#endif
