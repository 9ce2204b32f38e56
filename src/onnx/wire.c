#include "onnx/wire.h"

bool wire_read_varint(const uint8_t *data, size_t size, size_t *at, uint64_t *value) {
    *value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (*at >= size) return false;
        uint8_t byte = data[(*at)++];
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

bool wire_skip(const uint8_t *data, size_t size, size_t *at, unsigned wire) {
    uint64_t length;
    switch (wire) {
    case WIRE_VARINT: return wire_read_varint(data, size, at, &length);
    case WIRE_64: length = 8; break;
    case WIRE_32: length = 4; break;
    case WIRE_BYTES:
        if (!wire_read_varint(data, size, at, &length)) return false;
        break;
    default: return false;
    }
    if (length > size - *at) return false;
    *at += (size_t)length;
    return true;
}
