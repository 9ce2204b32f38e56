/* Writes Thrift's compact protocol, as Parquet's page headers and footer use it.
 *
 * The first failure sticks: calls after it do nothing and thrift_finish() returns it.
 * Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md */
#ifndef TABLE_THRIFT_WRITER_H
#define TABLE_THRIFT_WRITER_H

#include "base/buffer.h"

#include <stdbool.h>

enum thrift_type {
    THRIFT_TRUE = 1,
    THRIFT_FALSE = 2,
    THRIFT_BYTE = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12
};

enum { THRIFT_WRITER_DEPTH = 12 };

struct thrift_writer {
    struct buffer *out;
    struct pomona_error *error;
    pomona_status status;
    int depth;                        /* open structs, the outermost included */
    int last_id[THRIFT_WRITER_DEPTH]; /* id of the last field of each open struct */
};

/* Starts a struct that is appended to `out`. */
struct thrift_writer thrift_start(struct buffer *out, struct pomona_error *error);

/* Fields of the innermost open struct; ids in rising order. */
void thrift_bool(struct thrift_writer *writer, int id, bool value);
void thrift_byte(struct thrift_writer *writer, int id, uint8_t value);
void thrift_i16(struct thrift_writer *writer, int id, int16_t value);
void thrift_i32(struct thrift_writer *writer, int id, int32_t value);
void thrift_i64(struct thrift_writer *writer, int id, int64_t value);
void thrift_binary(struct thrift_writer *writer, int id, const void *data, size_t size);
void thrift_text(struct thrift_writer *writer, int id, const char *text);
void thrift_struct(struct thrift_writer *writer, int id);
void thrift_list(struct thrift_writer *writer, int id, enum thrift_type type, size_t count);

/* Elements of a list just started, exactly `count` of them. */
void thrift_item_i32(struct thrift_writer *writer, int32_t value);
void thrift_item_text(struct thrift_writer *writer, const char *text);
void thrift_item_struct(struct thrift_writer *writer);

/* Bytes that are already in the compact protocol. */
void thrift_raw(struct thrift_writer *writer, const void *data, size_t size);

/* Ends the innermost open struct. */
void thrift_end(struct thrift_writer *writer);

/* Ends the outermost struct and returns the first failure. */
pomona_status thrift_finish(struct thrift_writer *writer);

#endif
