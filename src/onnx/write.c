#include "onnx/write.h"

#include "base/memory.h"
#include "onnx/wire.h"

#include <math.h>
#include <string.h>

/* Field numbers, by message. */
enum {
    MODEL_IR_VERSION = 1,
    MODEL_PRODUCER = 2,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    MODEL_METADATA = 14,
    OPSET_VERSION = 2,
    PROPERTY_KEY = 1,
    PROPERTY_VALUE = 2,
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_OP = 4,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_F = 2,
    ATTRIBUTE_I = 3,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_TYPE = 20,
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    VALUE_NAME = 1,
    VALUE_TYPE = 2,
    TYPE_TENSOR = 1,
    TENSOR_TYPE_ELEMENT = 1,
    TENSOR_TYPE_SHAPE = 2,
    SHAPE_DIM = 1,
    DIM_VALUE = 1,
    DIM_PARAM = 2
};

enum { TYPE_FLOAT = 1, TYPE_INT64 = 7, TYPE_FLOAT16 = 10, IR_VERSION = 8, PIECE_MAX = 1 << 30 };

static void append(struct onnx_writer *writer, const void *data, size_t size) {
    if (writer->status == POMONA_OK) writer->status = buffer_append(writer->out, data, size, writer->error);
}

void onnx_write_varint(struct onnx_writer *writer, uint64_t value) {
    uint8_t bytes[10];
    size_t count = 0;
    do {
        bytes[count] = (uint8_t)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        value >>= 7;
        count++;
    } while (value);
    append(writer, bytes, count);
}

static void write_integer(struct onnx_writer *writer, unsigned field, int64_t value) {
    onnx_write_varint(writer, field << 3 | WIRE_VARINT);
    onnx_write_varint(writer, (uint64_t)value);
}

static void write_bytes(struct onnx_writer *writer, unsigned field, const void *data, size_t size) {
    onnx_write_varint(writer, field << 3 | WIRE_BYTES);
    onnx_write_varint(writer, size);
    append(writer, data, size);
}

static void write_text(struct onnx_writer *writer, unsigned field, const char *text) {
    write_bytes(writer, field, text, strlen(text));
}

/* A message inside another: written to `inner` first, because its length comes before it. */
static struct onnx_writer begin(struct onnx_writer *writer, struct buffer *inner) {
    *inner = BUFFER_INIT(PIECE_MAX);
    return (struct onnx_writer){inner, writer->error, writer->status};
}

static void end(struct onnx_writer *writer, unsigned field, struct onnx_writer *inner) {
    writer->status = inner->status;
    write_bytes(writer, field, inner->out->data, inner->out->size);
    buffer_free(inner->out);
}

static void write_attribute(struct onnx_writer *writer, const struct onnx_attribute_text *text) {
    struct buffer bytes;
    struct onnx_writer attribute = begin(writer, &bytes);
    write_text(&attribute, ATTRIBUTE_NAME, text->name);
    if (text->type == ONNX_ATTRIBUTE_FLOAT) {
        onnx_write_varint(&attribute, ATTRIBUTE_F << 3 | WIRE_32);
        append(&attribute, &text->number, sizeof text->number);
    } else if (text->type == ONNX_ATTRIBUTE_INT) {
        write_integer(&attribute, ATTRIBUTE_I, text->value);
    } else {
        for (size_t i = 0; i < text->count; i++) write_integer(&attribute, ATTRIBUTE_INTS, text->values[i]);
    }
    write_integer(&attribute, ATTRIBUTE_TYPE, text->type);
    end(writer, NODE_ATTRIBUTE, &attribute);
}

void onnx_write_operator(struct onnx_writer *writer, const char *op, const char *name,
                         const char *const *inputs, const char *const *outputs,
                         const struct onnx_attribute_text *attributes, size_t attribute_count) {
    struct buffer bytes;
    struct onnx_writer node = begin(writer, &bytes);
    for (int i = 0; inputs[i]; i++) write_text(&node, NODE_INPUT, inputs[i]);
    for (int i = 0; outputs[i]; i++) write_text(&node, NODE_OUTPUT, outputs[i]);
    if (name || outputs[0]) write_text(&node, NODE_NAME, name ? name : outputs[0]);
    write_text(&node, NODE_OP, op);
    for (size_t i = 0; i < attribute_count; i++) write_attribute(&node, &attributes[i]);
    end(writer, GRAPH_NODE, &node);
}

void onnx_write_node(struct onnx_writer *writer, const struct onnx_node_text *text) {
    const struct onnx_attribute_text attribute = {
        .name = text->attribute, .type = ONNX_ATTRIBUTE_INT, .value = text->value};
    onnx_write_operator(writer, text->op, NULL, text->inputs, text->outputs, &attribute,
                        text->attribute ? 1 : 0);
}

uint16_t onnx_half_of(float value) {
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    float magnitude = fabsf(value);
    if (isnan(value)) return 0x7E00;
    if (magnitude >= 65520.0f) return sign | 0x7C00;
    if (magnitude < 6.103515625e-05f) /* subnormal: multiples of 2^-24 */
        return sign | (uint16_t)rintf(magnitude * 16777216.0f);
    int exponent;
    float fraction = frexpf(magnitude, &exponent); /* in [0.5, 1) */
    int steps = (int)rintf(fraction * 2048.0f);    /* 1024..2048; 2048 carries into the exponent */
    return (uint16_t)(sign | (((exponent + 14) << 10) + (steps - 1024)));
}

float onnx_half_round(float value) {
    uint16_t half = onnx_half_of(value);
    int exponent = half >> 10 & 31, fraction = half & 1023;
    float magnitude = exponent == 31  ? (fraction ? NAN : INFINITY)
                      : exponent == 0 ? ldexpf((float)fraction, -24)
                                      : ldexpf((float)(1024 + fraction), exponent - 25);
    return half & 0x8000 ? -magnitude : magnitude;
}

void onnx_write_tensor(struct onnx_writer *writer, const char *name, enum onnx_element type, size_t rank,
                       const int64_t *dims, const void *data, size_t size) {
    struct buffer bytes;
    struct onnx_writer tensor = begin(writer, &bytes);
    for (size_t i = 0; i < rank; i++) write_integer(&tensor, TENSOR_DIMS, dims[i]);
    write_integer(&tensor, TENSOR_TYPE, type);
    write_text(&tensor, TENSOR_NAME, name);
    write_bytes(&tensor, TENSOR_RAW, data, size);
    end(writer, GRAPH_INITIALIZER, &tensor);
}

/* Raw data is little-endian, as is every machine that this is built for. */
static void write_matrix(struct onnx_writer *writer, const char *name, size_t rows, size_t columns, int type,
                         const void *data, size_t size) {
    const int64_t dims[2] = {(int64_t)rows, (int64_t)columns};
    onnx_write_tensor(writer, name, (enum onnx_element)type, columns ? 2 : 1, dims, data, size);
}

void onnx_write_floats(struct onnx_writer *writer, const char *name, size_t rows, size_t columns,
                       const float *values, bool half) {
    size_t count = rows * (columns ? columns : 1);
    void *copy = memory_new(count, half ? sizeof(uint16_t) : sizeof(float));
    if (!copy) {
        if (writer->status == POMONA_OK) writer->status = fail_memory(writer->error, "weights");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        /* subnormals as zero, as they are read: so a file that is read and written is the same file */
        float value = fpclassify(values[i]) == FP_SUBNORMAL ? 0 : values[i];
        if (half)
            ((uint16_t *)copy)[i] = onnx_half_of(value);
        else
            ((float *)copy)[i] = value;
    }
    write_matrix(writer, name, rows, columns, half ? TYPE_FLOAT16 : TYPE_FLOAT, copy,
                 count * (half ? sizeof(uint16_t) : sizeof(float)));
    memory_free(copy);
}

void onnx_write_integers(struct onnx_writer *writer, const char *name, size_t count, const int64_t *values) {
    write_matrix(writer, name, count, 0, TYPE_INT64, values, count * sizeof *values);
}

static void write_shape(struct onnx_writer *writer, size_t rank, const int64_t *dims) {
    struct buffer bytes, dim_bytes;
    struct onnx_writer shape = begin(writer, &bytes);
    struct onnx_writer batch = begin(&shape, &dim_bytes);
    write_text(&batch, DIM_PARAM, "N");
    end(&shape, SHAPE_DIM, &batch);
    for (size_t i = 0; i < rank; i++) {
        struct onnx_writer dim = begin(&shape, &dim_bytes);
        write_integer(&dim, DIM_VALUE, dims[i]);
        end(&shape, SHAPE_DIM, &dim);
    }
    end(writer, TENSOR_TYPE_SHAPE, &shape);
}

void onnx_write_shaped_value(struct onnx_writer *writer, bool output, const char *name, size_t rank,
                             const int64_t *dims) {
    struct buffer value_bytes, type_bytes, tensor_bytes;
    struct onnx_writer value = begin(writer, &value_bytes);
    write_text(&value, VALUE_NAME, name);
    struct onnx_writer type = begin(&value, &type_bytes);
    struct onnx_writer tensor = begin(&type, &tensor_bytes);
    write_integer(&tensor, TENSOR_TYPE_ELEMENT, TYPE_FLOAT);
    write_shape(&tensor, rank, dims);
    end(&type, TYPE_TENSOR, &tensor);
    end(&value, VALUE_TYPE, &type);
    end(writer, output ? GRAPH_OUTPUT : GRAPH_INPUT, &value);
}

void onnx_write_value(struct onnx_writer *writer, bool output, const char *name, size_t columns) {
    const int64_t dims[1] = {(int64_t)columns};
    onnx_write_shaped_value(writer, output, name, 1, dims);
}

void onnx_write_property(struct onnx_writer *writer, const char *key, const char *value) {
    struct buffer bytes;
    struct onnx_writer property = begin(writer, &bytes);
    write_text(&property, PROPERTY_KEY, key);
    write_text(&property, PROPERTY_VALUE, value);
    end(writer, MODEL_METADATA, &property);
}

void onnx_write_model(struct onnx_writer *writer, const char *name, int opset, const struct buffer *graph) {
    struct buffer graph_bytes, opset_bytes;
    write_integer(writer, MODEL_IR_VERSION, IR_VERSION);
    write_text(writer, MODEL_PRODUCER, "pomona");
    struct onnx_writer named = begin(writer, &graph_bytes);
    append(&named, graph->data, graph->size);
    write_text(&named, GRAPH_NAME, name);
    end(writer, MODEL_GRAPH, &named);
    struct onnx_writer operators = begin(writer, &opset_bytes);
    write_integer(&operators, OPSET_VERSION, opset);
    end(writer, MODEL_OPSET, &operators);
}
