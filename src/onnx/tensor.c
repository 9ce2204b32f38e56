#include "onnx/tensor.h"

#include "base/memory.h"
#include "onnx/onnx.pb-c.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Element types by their number in the specification. */
enum {
    DATA_FLOAT = 1,
    DATA_UINT8 = 2,
    DATA_INT8 = 3,
    DATA_INT32 = 6,
    DATA_INT64 = 7,
    DATA_BOOL = 9,
    DATA_FLOAT16 = 10,
    DATA_DOUBLE = 11
};

enum { LOCATION_EXTERNAL = 1 };

/* IEEE 754 binary16 to binary32; exact, infinities and NaN included. */
static float half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
    if (exponent == 0) return (sign ? -1.0f : 1.0f) * ldexpf((float)fraction, -24);
    uint32_t bits = sign | (exponent == 31 ? 255u : exponent + 112) << 23 | fraction << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float flush_subnormal(float value) { return fpclassify(value) == FP_SUBNORMAL ? 0.0f : value; }

static size_t element_size(int data_type) {
    switch (data_type) {
    case DATA_FLOAT:
    case DATA_INT32: return 4;
    case DATA_INT64:
    case DATA_DOUBLE: return 8;
    case DATA_FLOAT16: return 2;
    case DATA_UINT8:
    case DATA_INT8:
    case DATA_BOOL: return 1;
    default: return 0;
    }
}

/* Elements that the typed field of a type holds. */
static size_t typed_count(const Onnx__Tensor *message) {
    switch (message->data_type) {
    case DATA_FLOAT: return message->n_float_data;
    case DATA_INT64: return message->n_int64_data;
    case DATA_DOUBLE: return message->n_double_data;
    default: return message->n_int32_data; /* INT8, UINT8, INT32, BOOL; FLOAT16 as bits */
    }
}

static void convert_floats(const Onnx__Tensor *message, size_t count, float *out) {
    const uint8_t *raw = message->raw_data.len ? message->raw_data.data : NULL;
    for (size_t i = 0; i < count; i++) {
        float value = 0;
        if (message->data_type == DATA_FLOAT) {
            if (raw)
                memcpy(&value, raw + 4 * i, 4);
            else
                value = message->float_data[i];
        } else if (message->data_type == DATA_DOUBLE) {
            double wide;
            if (raw)
                memcpy(&wide, raw + 8 * i, 8);
            else
                wide = message->double_data[i];
            value = (float)wide;
        } else {
            uint16_t half;
            if (raw)
                memcpy(&half, raw + 2 * i, 2);
            else
                half = (uint16_t)message->int32_data[i];
            value = half_to_float(half);
        }
        out[i] = flush_subnormal(value);
    }
}

static void convert_ints(const Onnx__Tensor *message, size_t count, int64_t *out) {
    const uint8_t *raw = message->raw_data.len ? message->raw_data.data : NULL;
    for (size_t i = 0; i < count; i++) {
        if (message->data_type == DATA_INT64) {
            if (raw)
                memcpy(&out[i], raw + 8 * i, 8);
            else
                out[i] = message->int64_data[i];
        } else if (message->data_type == DATA_INT32) {
            int32_t value;
            if (raw)
                memcpy(&value, raw + 4 * i, 4);
            else
                value = message->int32_data[i];
            out[i] = value;
        } else if (message->data_type == DATA_INT8 || message->data_type == DATA_UINT8) {
            int64_t byte = raw ? raw[i] : message->int32_data[i];
            out[i] = raw && message->data_type == DATA_INT8 ? (int8_t)byte : byte;
        } else {
            out[i] = raw ? raw[i] != 0 : message->int32_data[i] != 0;
        }
    }
}

static pomona_status read_shape(const char *file, const char *name, const Onnx__Tensor *message,
                                struct onnx_tensor *tensor, struct pomona_error *error) {
    if (message->n_dims > ONNX_RANK_MAX)
        return fail(error, POMONA_E_LIMIT, file, "tensor '%s' has rank %zu, more than %d", name,
                    message->n_dims, ONNX_RANK_MAX);
    tensor->rank = (int)message->n_dims;
    tensor->count = 1;
    for (int i = 0; i < tensor->rank; i++) {
        int64_t dim = message->dims[i];
        if (dim < 0)
            return fail(error, POMONA_E_CORRUPT, file, "tensor '%s' has a negative dimension %lld", name,
                        (long long)dim);
        tensor->dims[i] = dim;
        tensor->count = size_multiply(tensor->count, (size_t)dim);
        if (tensor->count > SIZE_MAX / 16)
            return fail(error, POMONA_E_LIMIT, file, "tensor '%s' has an absurd shape", name);
    }
    return POMONA_OK;
}

/* 8-bit values in a wider field must fit their type. */
static pomona_status check_width(const char *file, const char *name, const struct onnx_tensor *tensor,
                                 struct pomona_error *error) {
    int64_t low = tensor->width == ONNX_INT8 ? -128 : 0, high = tensor->width == ONNX_INT8 ? 127 : 255;
    for (size_t i = 0; tensor->width != ONNX_WIDE && i < tensor->count; i++)
        if (tensor->ints[i] < low || tensor->ints[i] > high)
            return fail(error, POMONA_E_CORRUPT, file, "tensor '%s' holds %lld, which is no %s", name,
                        (long long)tensor->ints[i], low ? "INT8" : "UINT8");
    return POMONA_OK;
}

pomona_status onnx_tensor_read(const char *file, const char *name, const Onnx__Tensor *message,
                               struct arena *arena, struct onnx_tensor *tensor, struct pomona_error *error) {
    if (message->data_location == LOCATION_EXTERNAL || message->n_external_data > 0)
        return fail(error, POMONA_E_UNSUPPORTED, file, "tensor '%s' keeps its data in another file", name);
    size_t size = element_size(message->data_type);
    if (size == 0)
        return fail(error, POMONA_E_UNSUPPORTED, file,
                    "tensor '%s' has element type %d, not one of FLOAT, "
                    "FLOAT16, DOUBLE, INT8, UINT8, INT32, INT64, BOOL",
                    name, message->data_type);
    TRY(read_shape(file, name, message, tensor, error));
    size_t raw = message->raw_data.len, typed = typed_count(message);
    if (raw ? raw != tensor->count * size : typed != tensor->count)
        return fail(error, POMONA_E_CORRUPT, file,
                    "tensor '%s' has %zu %s of data for a shape of %zu elements", name, raw ? raw : typed,
                    raw ? "bytes" : "elements", tensor->count);
    bool floats = message->data_type == DATA_FLOAT || message->data_type == DATA_FLOAT16 ||
                  message->data_type == DATA_DOUBLE;
    tensor->type = floats ? ONNX_FLOAT : ONNX_INT64;
    void *data = arena_new(arena, tensor->count, floats ? sizeof(float) : sizeof(int64_t));
    if (!data) return fail_memory(error, "ONNX tensor");
    if (floats) {
        convert_floats(message, tensor->count, data);
        tensor->floats = data;
    } else {
        convert_ints(message, tensor->count, data);
        tensor->ints = data;
        tensor->width = message->data_type == DATA_INT8    ? ONNX_INT8
                        : message->data_type == DATA_UINT8 ? ONNX_UINT8
                                                           : ONNX_WIDE;
        TRY(check_width(file, name, tensor, error));
    }
    return POMONA_OK;
}
