#include "base/buffer.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

pomona_status buffer_reserve(struct buffer *buffer, size_t extra, struct pomona_error *error) {
    size_t needed = size_add(buffer->size, extra);
    if (needed > buffer->limit)
        return fail(error, POMONA_E_LIMIT, NULL, "buffer would grow beyond %zu bytes", buffer->limit);
    if (needed <= buffer->capacity) return POMONA_OK;
    size_t capacity = buffer->capacity ? buffer->capacity : 256;
    while (capacity < needed) capacity = size_multiply(capacity, 2);
    if (capacity > buffer->limit) capacity = buffer->limit;
    uint8_t *grown = memory_resize(buffer->data, capacity, 1);
    if (!grown) return fail_memory(error, "buffer");
    buffer->data = grown;
    buffer->capacity = capacity;
    return POMONA_OK;
}

pomona_status buffer_append(struct buffer *buffer, const void *data, size_t size,
                            struct pomona_error *error) {
    if (size == 0) return POMONA_OK;
    TRY(buffer_reserve(buffer, size, error));
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return POMONA_OK;
}

pomona_status buffer_append_text(struct buffer *buffer, const char *text, struct pomona_error *error) {
    return buffer_append(buffer, text, strlen(text), error);
}

pomona_status buffer_append_byte(struct buffer *buffer, uint8_t byte, struct pomona_error *error) {
    return buffer_append(buffer, &byte, 1, error);
}

pomona_status buffer_printf(struct buffer *buffer, struct pomona_error *error, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    pomona_status status = length < 0 ? fail(error, POMONA_E_INTERNAL, NULL, "bad format string")
                                      : buffer_reserve(buffer, (size_t)length + 1, error);
    if (status == POMONA_OK) {
        vsnprintf((char *)buffer->data + buffer->size, (size_t)length + 1, format, again);
        buffer->size += (size_t)length;
    }
    va_end(again);
    return status;
}

pomona_status buffer_terminate(struct buffer *buffer, const char **text, struct pomona_error *error) {
    TRY(buffer_reserve(buffer, 1, error));
    buffer->data[buffer->size] = '\0';
    *text = (const char *)buffer->data;
    return POMONA_OK;
}

void buffer_free(struct buffer *buffer) {
    memory_free(buffer->data);
    buffer->data = NULL;
    buffer->size = buffer->capacity = 0;
}
