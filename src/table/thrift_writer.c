#include "table/thrift_writer.h"

#include <string.h>

static void put(struct thrift_writer *writer, const void *data, size_t size) {
    if (writer->status == POMONA_OK) writer->status = buffer_append(writer->out, data, size, writer->error);
}

static void put_varint(struct thrift_writer *writer, uint64_t value) {
    uint8_t bytes[10];
    size_t size = 0;
    while (value >= 0x80) {
        bytes[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = (uint8_t)value;
    put(writer, bytes, size);
}

static void put_zigzag(struct thrift_writer *writer, int64_t value) {
    put_varint(writer, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static void put_field(struct thrift_writer *writer, int id, enum thrift_type type) {
    int *last = &writer->last_id[writer->depth - 1];
    int delta = id - *last;
    if (delta >= 1 && delta <= 15) {
        uint8_t byte = (uint8_t)(delta << 4 | (int)type);
        put(writer, &byte, 1);
    } else {
        uint8_t byte = (uint8_t)type;
        put(writer, &byte, 1);
        put_zigzag(writer, id);
    }
    *last = id;
}

static void open_struct(struct thrift_writer *writer) {
    if (writer->depth < THRIFT_WRITER_DEPTH)
        writer->last_id[writer->depth++] = 0;
    else if (writer->status == POMONA_OK)
        writer->status = fail(writer->error, POMONA_E_INTERNAL, NULL, "thrift structs nested too deep");
}

struct thrift_writer thrift_start(struct buffer *out, struct pomona_error *error) {
    return (struct thrift_writer){.out = out, .error = error, .status = POMONA_OK, .depth = 1};
}

void thrift_bool(struct thrift_writer *writer, int id, bool value) {
    put_field(writer, id, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_byte(struct thrift_writer *writer, int id, uint8_t value) {
    put_field(writer, id, THRIFT_BYTE);
    put(writer, &value, 1);
}

void thrift_i16(struct thrift_writer *writer, int id, int16_t value) {
    put_field(writer, id, THRIFT_I16);
    put_zigzag(writer, value);
}

void thrift_i32(struct thrift_writer *writer, int id, int32_t value) {
    put_field(writer, id, THRIFT_I32);
    put_zigzag(writer, value);
}

void thrift_i64(struct thrift_writer *writer, int id, int64_t value) {
    put_field(writer, id, THRIFT_I64);
    put_zigzag(writer, value);
}

void thrift_binary(struct thrift_writer *writer, int id, const void *data, size_t size) {
    put_field(writer, id, THRIFT_BINARY);
    put_varint(writer, size);
    put(writer, data, size);
}

void thrift_text(struct thrift_writer *writer, int id, const char *text) {
    thrift_binary(writer, id, text, strlen(text));
}

void thrift_struct(struct thrift_writer *writer, int id) {
    put_field(writer, id, THRIFT_STRUCT);
    open_struct(writer);
}

void thrift_list(struct thrift_writer *writer, int id, enum thrift_type type, size_t count) {
    put_field(writer, id, THRIFT_LIST);
    uint8_t byte = (uint8_t)((count < 15 ? count : 15) << 4 | (size_t)type);
    put(writer, &byte, 1);
    if (count >= 15) put_varint(writer, count);
}

void thrift_item_i32(struct thrift_writer *writer, int32_t value) { put_zigzag(writer, value); }

void thrift_item_text(struct thrift_writer *writer, const char *text) {
    size_t size = strlen(text);
    put_varint(writer, size);
    put(writer, text, size);
}

void thrift_item_struct(struct thrift_writer *writer) { open_struct(writer); }

void thrift_raw(struct thrift_writer *writer, const void *data, size_t size) { put(writer, data, size); }

void thrift_end(struct thrift_writer *writer) {
    uint8_t stop = 0;
    put(writer, &stop, 1);
    writer->depth--;
}

pomona_status thrift_finish(struct thrift_writer *writer) {
    thrift_end(writer);
    return writer->status;
}
