/* Reads Thrift's compact protocol from hostile bytes: every length is checked against what is left, nesting is
 * bounded, nothing is copied or allocated.
 *
 * The first failure sticks: reads after it give zeros and no fields. Pattern:
 *
 *     for (struct thrift_field field = {0}; thrift_next(reader, &field);)
 *         switch (field.id) {
 *         case 1: count = thrift_read_integer(reader, &field); break;
 *         default: thrift_skip(reader, &field);
 *         }
 *
 * Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md */
#ifndef TABLE_THRIFT_READER_H
#define TABLE_THRIFT_READER_H

#include "table/thrift_writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thrift_reader {
    const uint8_t *data;
    size_t size, at;
    bool failed;
    bool truncated; /* the failure is that bytes are missing at the end */
};

struct thrift_field {
    int id, type; /* type: enum thrift_type */
};

/* Bytes inside the reader's data. */
struct thrift_bytes {
    const uint8_t *data;
    size_t size;
};

static inline struct thrift_reader thrift_open(const void *data, size_t size) {
    return (struct thrift_reader){.data = data, .size = size};
}

/* The next field of a struct; `field` holds the one before, {0} at first. False at the end of the struct and after a
 * failure. Each field's value must then be read or skipped. */
bool thrift_next(struct thrift_reader *reader, struct thrift_field *field);

/* Values of a field. A field of another type is a failure. */
int64_t thrift_read_integer(struct thrift_reader *reader, const struct thrift_field *field); /* any width */
int32_t thrift_read_i32(struct thrift_reader *reader,
                        const struct thrift_field *field); /* failure out of range */
bool thrift_read_bool(struct thrift_reader *reader, const struct thrift_field *field);
struct thrift_bytes thrift_read_bytes(struct thrift_reader *reader, const struct thrift_field *field);

/* True when the field is a struct, whose fields are then read with thrift_next and a new {0}. */
bool thrift_is_struct(struct thrift_reader *reader, const struct thrift_field *field);

/* The number of elements of a list of `type`, each then read with thrift_item_*, or as a struct. At most as many as
 * bytes are left. */
size_t thrift_read_list(struct thrift_reader *reader, const struct thrift_field *field,
                        enum thrift_type type);
struct thrift_bytes thrift_item_bytes(struct thrift_reader *reader);

void thrift_skip(struct thrift_reader *reader, const struct thrift_field *field);

#endif
