#include "onnx/splice.h"

#include "onnx/wire.h"
#include "onnx/write.h"

#include <stdio.h>
#include <string.h>

enum { GRAPH_TAG = 7 << 3 | WIRE_BYTES };

/* Where the graph field lies: its tag at `tag`, its content at [content, end). */
struct graph_place {
    size_t tag, content, end;
};

static pomona_status find_graph(const char *name, const uint8_t *data, size_t size, struct graph_place *place,
                                struct pomona_error *error) {
    for (size_t at = 0; at < size;) {
        size_t start = at;
        uint64_t tag, length;
        if (!wire_read_varint(data, size, &at, &tag)) break;
        size_t content = at;
        if (!wire_skip(data, size, &at, tag & 7)) break;
        if (tag != GRAPH_TAG) continue;
        (void)wire_read_varint(data, size, &content, &length);
        *place = (struct graph_place){start, content, at};
        return POMONA_OK;
    }
    return fail(error, POMONA_E_CORRUPT, name, "damaged ONNX model: its graph can't be found");
}

/* Bytes of the shortest varint. */
static size_t varint_size(size_t value) {
    size_t count = 1;
    while (value >>= 7) count++;
    return count;
}

pomona_status onnx_original_of(const char *name, const uint8_t *data, size_t size,
                               struct onnx_original *original, struct pomona_error *error) {
    struct graph_place place;
    TRY(find_graph(name, data, size, &place, error));
    if (place.content - place.tag != 1 + varint_size(place.end - place.content))
        return fail(
            error, POMONA_E_UNSUPPORTED, name,
            "its graph's length is written in more bytes than it needs, so nothing can be appended to it");
    sha256_hex_of(data, size, original->hash);
    original->bytes = size;
    original->graph_bytes = place.end - place.content;
    return POMONA_OK;
}

/* Writes prefix, graph [head, tail) and suffix with the graph's own length. */
static pomona_status assemble(const uint8_t *data, const struct graph_place *place, size_t graph_bytes,
                              const struct buffer *more, size_t suffix, struct buffer *out,
                              struct pomona_error *error) {
    struct onnx_writer writer = onnx_write_to(out, error);
    TRY(buffer_append(out, data, place->tag, error));
    onnx_write_varint(&writer, GRAPH_TAG);
    onnx_write_varint(&writer, graph_bytes + (more ? more->size : 0));
    TRY(writer.status);
    TRY(buffer_append(out, data + place->content, graph_bytes, error));
    if (more) TRY(buffer_append(out, more->data, more->size, error));
    return buffer_append(out, data + place->end, suffix, error);
}

pomona_status onnx_splice(const char *name, const uint8_t *data, size_t size, const struct buffer *graph,
                          const struct buffer *model, struct buffer *out, struct pomona_error *error) {
    struct graph_place place;
    TRY(find_graph(name, data, size, &place, error));
    TRY(assemble(data, &place, place.end - place.content, graph, size - place.end, out, error));
    return buffer_append(out, model->data, model->size, error);
}

void onnx_original_format(const struct onnx_original *original, char text[ONNX_ORIGINAL_TEXT_MAX]) {
    snprintf(text, ONNX_ORIGINAL_TEXT_MAX, "sha256=%s bytes=%zu graph=%zu", original->hash, original->bytes,
             original->graph_bytes);
}

bool onnx_original_parse(const char *text, struct onnx_original *original) {
    char again[ONNX_ORIGINAL_TEXT_MAX];
    if (strlen(text) >= ONNX_ORIGINAL_TEXT_MAX ||
        sscanf(text, "sha256=%64[0-9a-f] bytes=%zu graph=%zu", original->hash, &original->bytes,
               &original->graph_bytes) != 3)
        return false;
    onnx_original_format(original, again);
    return strcmp(text, again) == 0 && strlen(original->hash) == SHA256_HEX_SIZE - 1;
}

pomona_status onnx_cut(const char *name, const uint8_t *data, size_t size,
                       const struct onnx_original *original, struct buffer *out, struct pomona_error *error) {
    struct graph_place place;
    char hash[SHA256_HEX_SIZE];
    TRY(find_graph(name, data, size, &place, error));
    size_t start = out->size, graph = original->graph_bytes;
    size_t before = place.tag + 1 + varint_size(graph);
    bool fits = graph <= place.end - place.content && original->bytes >= before &&
                original->bytes - before >= graph && original->bytes - before - graph <= size - place.end;
    if (fits) {
        TRY(assemble(data, &place, graph, NULL, original->bytes - before - graph, out, error));
        sha256_hex_of(out->data + start, out->size - start, hash);
        if (strcmp(hash, original->hash) == 0) return POMONA_OK;
    }
    return fail(error, POMONA_E_CORRUPT, name,
                "damaged classifier: it does not hold the backbone that it names");
}
