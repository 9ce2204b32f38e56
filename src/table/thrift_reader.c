#include "table/thrift_reader.h"

/* Parquet nests about eight deep; unknown fields of later versions may go deeper. */
enum { DEPTH_MAX = 32, FIELD_ID_MAX = 32767 };

static void give_up(struct thrift_reader *reader, bool truncated) {
    if (reader->failed) return;
    reader->failed = true;
    reader->truncated = truncated;
}

static uint8_t read_byte(struct thrift_reader *reader) {
    if (!reader->failed && reader->at < reader->size) return reader->data[reader->at++];
    give_up(reader, true);
    return 0;
}

static uint64_t read_varint(struct thrift_reader *reader) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        uint8_t byte = read_byte(reader);
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) return reader->failed ? 0 : value;
    }
    give_up(reader, false);
    return 0;
}

static int64_t read_zigzag(struct thrift_reader *reader) {
    uint64_t value = read_varint(reader);
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

bool thrift_next(struct thrift_reader *reader, struct thrift_field *field) {
    uint8_t byte = read_byte(reader);
    if (reader->failed || byte == 0) return false;
    int64_t id = byte >> 4 ? field->id + (byte >> 4) : read_zigzag(reader);
    field->type = byte & 15;
    if (id < 0 || id > FIELD_ID_MAX || field->type > THRIFT_STRUCT || field->type == 0)
        give_up(reader, false);
    field->id = (int)id;
    return !reader->failed;
}

int64_t thrift_read_integer(struct thrift_reader *reader, const struct thrift_field *field) {
    if (field->type == THRIFT_BYTE) return (int8_t)read_byte(reader);
    if (field->type >= THRIFT_I16 && field->type <= THRIFT_I64) return read_zigzag(reader);
    give_up(reader, false);
    return 0;
}

int32_t thrift_read_i32(struct thrift_reader *reader, const struct thrift_field *field) {
    int64_t value = thrift_read_integer(reader, field);
    if (value == (int32_t)value) return (int32_t)value;
    give_up(reader, false);
    return 0;
}

bool thrift_read_bool(struct thrift_reader *reader, const struct thrift_field *field) {
    if (field->type != THRIFT_TRUE && field->type != THRIFT_FALSE) give_up(reader, false);
    return field->type == THRIFT_TRUE;
}

struct thrift_bytes thrift_item_bytes(struct thrift_reader *reader) {
    uint64_t size = read_varint(reader);
    struct thrift_bytes bytes = {reader->data + reader->at, 0};
    if (size > reader->size - reader->at) {
        give_up(reader, true);
        return bytes;
    }
    bytes.size = (size_t)size;
    reader->at += bytes.size;
    return bytes;
}

struct thrift_bytes thrift_read_bytes(struct thrift_reader *reader, const struct thrift_field *field) {
    if (field->type != THRIFT_BINARY) give_up(reader, false);
    if (reader->failed) return (struct thrift_bytes){reader->data, 0};
    return thrift_item_bytes(reader);
}

bool thrift_is_struct(struct thrift_reader *reader, const struct thrift_field *field) {
    if (field->type != THRIFT_STRUCT) give_up(reader, false);
    return !reader->failed;
}

/* Head of a list or set. */
static size_t read_list_head(struct thrift_reader *reader, int *type) {
    uint8_t byte = read_byte(reader);
    uint64_t count = byte >> 4;
    *type = byte & 15;
    if (count == 15) count = read_varint(reader);
    if (reader->failed) return 0;
    if (count > reader->size - reader->at) { /* an element takes at least a byte */
        give_up(reader, true);
        return 0;
    }
    return (size_t)count;
}

size_t thrift_read_list(struct thrift_reader *reader, const struct thrift_field *field,
                        enum thrift_type type) {
    int found = 0;
    if (field->type != THRIFT_LIST) give_up(reader, false);
    size_t count = reader->failed ? 0 : read_list_head(reader, &found);
    if (count > 0 && found != (int)type) {
        give_up(reader, false);
        return 0;
    }
    return count;
}

static void skip_value(struct thrift_reader *reader, int type, bool in_container, int depth);

static void skip_struct(struct thrift_reader *reader, int depth) {
    for (struct thrift_field field = {0}; thrift_next(reader, &field);)
        skip_value(reader, field.type, false, depth);
}

static void skip_list(struct thrift_reader *reader, int depth) {
    int type;
    size_t count = read_list_head(reader, &type);
    for (size_t i = 0; i < count && !reader->failed; i++) skip_value(reader, type, true, depth);
}

static void skip_map(struct thrift_reader *reader, int depth) {
    uint64_t count = read_varint(reader);
    if (count == 0) return;
    uint8_t types = read_byte(reader);
    if (count > reader->size - reader->at) give_up(reader, true);
    for (uint64_t i = 0; i < count && !reader->failed; i++) {
        skip_value(reader, types >> 4, true, depth);
        skip_value(reader, types & 15, true, depth);
    }
}

static void skip_bytes(struct thrift_reader *reader, size_t size) {
    if (size > reader->size - reader->at)
        give_up(reader, true);
    else
        reader->at += size;
}

/* Booleans live in the field's type, except inside containers, where each is a byte. */
static void skip_value(struct thrift_reader *reader, int type, bool in_container, int depth) {
    if (depth >= DEPTH_MAX) give_up(reader, false);
    if (reader->failed) return;
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        if (in_container) read_byte(reader);
        break;
    case THRIFT_BYTE: read_byte(reader); break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64: read_varint(reader); break;
    case THRIFT_DOUBLE: skip_bytes(reader, 8); break;
    case THRIFT_BINARY: thrift_item_bytes(reader); break;
    case THRIFT_LIST:
    case THRIFT_SET: skip_list(reader, depth + 1); break;
    case THRIFT_MAP: skip_map(reader, depth + 1); break;
    case THRIFT_STRUCT: skip_struct(reader, depth + 1); break;
    default: give_up(reader, false);
    }
}

void thrift_skip(struct thrift_reader *reader, const struct thrift_field *field) {
    skip_value(reader, field->type, false, 0);
}
