#include "onnx/read.h"

#include "base/memory.h"
#include "onnx/onnx.pb-c.h"
#include "onnx/wire.h"

#include <stdbool.h>
#include <stdint.h>

enum { MODEL_FIELD_GRAPH = 7 };

struct budget {
    size_t left;
    bool exceeded, out_of_memory;
};

static void *budget_alloc(void *self, size_t size) {
    struct budget *budget = self;
    size_t cost = size_add(size, 16); /* what malloc adds */
    if (cost > budget->left) {
        budget->exceeded = true;
        return NULL;
    }
    budget->left -= cost;
    void *block = memory_new(size, 1);
    if (!block) budget->out_of_memory = true;
    return block;
}

static void budget_free(void *self, void *block) {
    (void)self;
    memory_free(block);
}

size_t onnx_memory_budget(size_t size) { return size_add(size_multiply(size, 4), (size_t)32 << 20); }

/* Whether a model message may have this field: numbers by the bits of a mask, integers and byte strings apart. */
static bool is_model_field(uint64_t tag) {
    const uint64_t integers = 1 << 1 | 1 << 5; /* ir_version, model_version */
    const uint64_t strings =
        1 << 2 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 14 | 1 << 20 | 1 << 25 | 1 << 26;
    uint64_t field = tag >> 3, wire = tag & 7;
    uint64_t mask = wire == WIRE_VARINT ? integers : wire == WIRE_BYTES ? strings : 0;
    return field < 64 && (mask >> field & 1);
}

/* Walks the outermost fields, to tell what is no ONNX file from what is a damaged one: protobuf itself only says no. */
static pomona_status check_outline(const char *name, const uint8_t *data, size_t size,
                                   struct pomona_error *error) {
    if (size == 0) return fail(error, POMONA_E_INPUT, name, "the file is empty, not an ONNX model");
    size_t at = 0;
    int graphs = 0;
    while (at < size) {
        size_t start = at;
        uint64_t tag;
        bool whole = wire_read_varint(data, size, &at, &tag);
        if (graphs == 0 && (!whole || !is_model_field(tag)))
            return fail(error, POMONA_E_INPUT, name, "not an ONNX model");
        if (!whole || !wire_skip(data, size, &at, tag & 7))
            return fail(error, POMONA_E_CORRUPT, name, "truncated or damaged ONNX model: byte %zu of %zu",
                        start, size);
        if (tag >> 3 == MODEL_FIELD_GRAPH) graphs++;
    }
    if (graphs == 0)
        return fail(error, POMONA_E_CORRUPT, name, "truncated or not an ONNX model: it has no graph");
    if (graphs > 1)
        return fail(error, POMONA_E_CORRUPT, name, "damaged ONNX model: it has %d graphs", graphs);
    return POMONA_OK;
}

pomona_status onnx_message_read(const char *name, const void *data, size_t size, Onnx__Model **model,
                                struct pomona_error *error) {
    *model = NULL;
    TRY(check_outline(name, data, size, error));
    struct budget budget = {onnx_memory_budget(size), false, false};
    ProtobufCAllocator allocator = {budget_alloc, budget_free, &budget};
    *model = onnx__model__unpack(&allocator, size, data);
    if (*model) return POMONA_OK;
    if (budget.out_of_memory) return fail_memory(error, "ONNX model");
    if (budget.exceeded)
        return fail(error, POMONA_E_LIMIT, name,
                    "reading it would take more than %zu MiB for a file of %zu bytes",
                    onnx_memory_budget(size) >> 20, size);
    return fail(error, POMONA_E_CORRUPT, name, "damaged ONNX model");
}

void onnx_message_free(Onnx__Model *model) {
    struct budget budget = {0, false, false};
    ProtobufCAllocator allocator = {budget_alloc, budget_free, &budget};
    if (model) onnx__model__free_unpacked(model, &allocator);
}
