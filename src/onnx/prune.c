#include "onnx/prune.h"

#include "base/memory.h"
#include "onnx/graph.h"
#include "onnx/names.h"
#include "onnx/wire.h"
#include "onnx/write.h"

#include <string.h>

/* Field numbers of what is looked into; onnx.proto has them. */
enum {
    MODEL_IR_VERSION = 1,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    MODEL_METADATA = 14,
    MODEL_FUNCTIONS = 25,
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_DOC = 6,
    TENSOR_NAME = 8,
    VALUE_NAME = 1,
    PROPERTY_KEY = 1
};

struct pruning {
    const char *file;
    struct onnx_graph graph;
    struct name_table names; /* of all values */
    bool *needed;            /* [value_count] */
    bool *kept_output;       /* [value_count] */
    int *stands_for;         /* [value_count]: the value itself, or the one that a bypassed node copies */
    bool (*keep_property)(const char *key);
    struct pomona_error *error;
    pomona_status status; /* of reading names: a failure there must not look like a name that is not needed */
};

/* ---- what is needed ---- */

static bool is_wanted(const char *const *keep, const char *name) {
    if (!keep) return true;
    for (; *keep; keep++)
        if (strcmp(*keep, name) == 0) return true;
    return false;
}

static bool is_copy(const struct pruning *p, const struct onnx_node *node) {
    bool identity = strcmp(node->op, "Identity") == 0, dropout = strcmp(node->op, "Dropout") == 0;
    if ((!identity && !dropout) || *node->domain || node->input_count < 1 || node->inputs[0] < 0)
        return false;
    for (int i = 1; i < node->output_count; i++)
        if (node->outputs[i] >= 0) return false; /* a mask that somebody may want */
    return node->output_count > 0 && node->outputs[0] >= 0 && !p->kept_output[node->outputs[0]];
}

static pomona_status find_needed(struct pruning *p, const char *const *keep) {
    const struct onnx_graph *graph = &p->graph;
    int outputs = 0;
    for (int i = 0; i < graph->value_count; i++) p->stands_for[i] = i;
    for (int i = 0; i < graph->output_count; i++) {
        int value = graph->outputs[i];
        if (!is_wanted(keep, graph->values[value].name)) continue;
        p->needed[value] = p->kept_output[value] = true;
        outputs++;
    }
    if (outputs == 0)
        return fail(p->error, POMONA_E_INPUT, p->file, "has none of the outputs that are to be kept");
    for (int i = 0; i < graph->node_count;
         i++) { /* in execution order, so chains of copies end at their source */
        const struct onnx_node *node = &graph->nodes[i];
        if (is_copy(p, node)) p->stands_for[node->outputs[0]] = p->stands_for[node->inputs[0]];
    }
    for (int i = graph->node_count; i-- > 0;) {
        const struct onnx_node *node = &graph->nodes[i];
        bool wanted = false;
        for (int j = 0; j < node->output_count; j++)
            wanted |= node->outputs[j] >= 0 && p->needed[node->outputs[j]];
        for (int j = 0; j < node->input_count && wanted; j++)
            if (node->inputs[j] >= 0) p->needed[p->stands_for[node->inputs[j]]] = true;
    }
    return POMONA_OK;
}

static pomona_status index_names(struct pruning *p) {
    size_t count = (size_t)p->graph.value_count;
    p->needed = memory_new(count, sizeof *p->needed);
    p->kept_output = memory_new(count, sizeof *p->kept_output);
    p->stands_for = memory_new(count, sizeof *p->stands_for);
    p->names.entries = memory_new(count, sizeof *p->names.entries);
    if (!p->needed || !p->kept_output || !p->stands_for || !p->names.entries)
        return fail_memory(p->error, "ONNX graph");
    p->names.count = p->graph.value_count;
    for (size_t i = 0; i < count; i++)
        p->names.entries[i] = (struct name_entry){p->graph.values[i].name, (int)i};
    (void)name_table_sort(&p->names); /* no name is defined twice in a graph that was loaded */
    return POMONA_OK;
}

/* ---- the wire ---- */

/* One field of a message: its bytes, tag included, at [start, end), its content at [content, end). */
struct field {
    unsigned number;
    size_t start, content, end;
};

/* The next field of data[size]; false at the end. A file that was loaded is whole. */
static bool next_field(const uint8_t *data, size_t size, size_t *at, struct field *field) {
    uint64_t tag, length;
    field->start = *at;
    if (*at >= size || !wire_read_varint(data, size, at, &tag)) return false;
    field->content = *at;
    if (!wire_skip(data, size, at, tag & 7)) return false;
    if ((tag & 7) == WIRE_BYTES) (void)wire_read_varint(data, size, &field->content, &length);
    field->number = (unsigned)(tag >> 3);
    field->end = *at;
    return true;
}

static pomona_status copy(struct onnx_writer *writer, const uint8_t *data, const struct field *field) {
    if (writer->status == POMONA_OK)
        writer->status =
            buffer_append(writer->out, data + field->start, field->end - field->start, writer->error);
    return writer->status;
}

static void write_bytes(struct onnx_writer *writer, unsigned number, const void *data, size_t size) {
    onnx_write_varint(writer, number << 3 | WIRE_BYTES);
    onnx_write_varint(writer, size);
    if (writer->status == POMONA_OK) writer->status = buffer_append(writer->out, data, size, writer->error);
}

/* A text field, in scratch; "" after a failure, which p remembers. */
static const char *read_text(struct pruning *p, struct buffer *scratch, const uint8_t *data,
                             const struct field *field) {
    const char *text = NULL;
    buffer_clear(scratch);
    if (p->status == POMONA_OK)
        p->status = buffer_append(scratch, data + field->content, field->end - field->content, p->error);
    if (p->status == POMONA_OK) p->status = buffer_terminate(scratch, &text, p->error);
    return text ? text : "";
}

/* The value of a name on the wire, or -1. */
static int find_value(struct pruning *p, struct buffer *scratch, const uint8_t *data,
                      const struct field *field) {
    return name_table_find(&p->names, read_text(p, scratch, data, field));
}

/* Whether the message data[field] has a needed value as its field `number`. */
static bool names_needed(struct pruning *p, struct buffer *scratch, const uint8_t *data,
                         const struct field *message, unsigned number, const bool *wanted) {
    struct field field;
    for (size_t at = message->content; next_field(data, message->end, &at, &field);) {
        if (field.number != number) continue;
        int value = find_value(p, scratch, data, &field);
        if (value >= 0 && wanted[value]) return true;
    }
    return false;
}

/* A node without its documentation, its inputs what they stand for. */
static void write_node(struct pruning *p, struct buffer *scratch, struct onnx_writer *graph,
                       const uint8_t *data, const struct field *message) {
    struct buffer bytes = BUFFER_INIT(message->end - message->start + (1 << 20));
    struct onnx_writer node = onnx_write_to(&bytes, p->error);
    struct field field;
    for (size_t at = message->content; next_field(data, message->end, &at, &field);) {
        if (field.number == NODE_DOC) continue;
        int value = field.number == NODE_INPUT ? find_value(p, scratch, data, &field) : -1;
        if (value >= 0 && p->stands_for[value] != value) {
            const char *name = p->graph.values[p->stands_for[value]].name;
            write_bytes(&node, NODE_INPUT, name, strlen(name));
        } else {
            (void)copy(&node, data, &field);
        }
    }
    if (graph->status == POMONA_OK) graph->status = node.status;
    write_bytes(graph, GRAPH_NODE, bytes.data, bytes.size);
    buffer_free(&bytes);
}

static void write_graph(struct pruning *p, struct buffer *scratch, struct onnx_writer *graph,
                        const uint8_t *data, const struct field *message) {
    struct field field;
    for (size_t at = message->content;
         next_field(data, message->end, &at, &field) && graph->status == POMONA_OK;) {
        switch (field.number) {
        case GRAPH_NODE:
            if (names_needed(p, scratch, data, &field, NODE_OUTPUT, p->needed))
                write_node(p, scratch, graph, data, &field);
            break;
        case GRAPH_INITIALIZER:
            if (names_needed(p, scratch, data, &field, TENSOR_NAME, p->needed))
                (void)copy(graph, data, &field);
            break;
        case GRAPH_OUTPUT:
            if (names_needed(p, scratch, data, &field, VALUE_NAME, p->kept_output))
                (void)copy(graph, data, &field);
            break;
        case GRAPH_INPUT: /* files of IR version 3 list constants as inputs too */
            if (names_needed(p, scratch, data, &field, VALUE_NAME, p->needed))
                (void)copy(graph, data, &field);
            break;
        case GRAPH_NAME: (void)copy(graph, data, &field); break;
        default: break;
        }
    }
}

static bool wants_property(struct pruning *p, struct buffer *scratch, const uint8_t *data,
                           const struct field *message) {
    struct field field;
    for (size_t at = message->content; next_field(data, message->end, &at, &field);)
        if (field.number == PROPERTY_KEY) return p->keep_property(read_text(p, scratch, data, &field));
    return false;
}

static pomona_status write_model(struct pruning *p, const uint8_t *data, size_t size, struct buffer *out) {
    struct buffer scratch = BUFFER_INIT(1 << 28), bytes = BUFFER_INIT(2 * size + (1 << 20));
    struct onnx_writer model = onnx_write_to(out, p->error), graph = onnx_write_to(&bytes, p->error);
    struct field field;
    for (size_t at = 0; next_field(data, size, &at, &field) && model.status == POMONA_OK;) {
        switch (field.number) {
        case MODEL_GRAPH:
            write_graph(p, &scratch, &graph, data, &field);
            model.status = graph.status;
            write_bytes(&model, MODEL_GRAPH, bytes.data, bytes.size);
            break;
        case MODEL_METADATA:
            if (wants_property(p, &scratch, data, &field)) (void)copy(&model, data, &field);
            break;
        case MODEL_IR_VERSION:
        case MODEL_OPSET:
        case MODEL_FUNCTIONS: (void)copy(&model, data, &field); break;
        default: break;
        }
    }
    buffer_free(&scratch);
    buffer_free(&bytes);
    return p->status != POMONA_OK ? p->status : model.status;
}

pomona_status onnx_prune(const char *name, const uint8_t *data, size_t size, const char *const *keep,
                         bool (*keep_property)(const char *key), struct buffer *out,
                         struct pomona_error *error) {
    struct pruning p = {.file = name, .keep_property = keep_property, .error = error};
    TRY(onnx_graph_load(name, data, size, &p.graph, error));
    pomona_status status = index_names(&p);
    if (status == POMONA_OK) status = find_needed(&p, keep);
    if (status == POMONA_OK) status = write_model(&p, data, size, out);
    memory_free(p.needed);
    memory_free(p.kept_output);
    memory_free(p.stands_for);
    memory_free(p.names.entries);
    onnx_graph_free(&p.graph);
    return status;
}
