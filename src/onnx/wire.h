/* Protobuf's wire format, as far as it is walked without a schema.
 * Source: https://protobuf.dev/programming-guides/encoding/ */
#ifndef ONNX_WIRE_H
#define ONNX_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

/* Reads a varint at data[*at]; false when it runs past the end or past ten bytes. */
bool wire_read_varint(const uint8_t *data, size_t size, size_t *at, uint64_t *value);

/* Skips one field's value; false when it does not fit. */
bool wire_skip(const uint8_t *data, size_t size, size_t *at, unsigned wire);

#endif
