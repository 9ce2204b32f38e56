#include "job/predict_input.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { LIST_BYTES_MAX = 1 << 30, PHOTO_BYTES_MAX = 256 << 20, READ_BYTES = 65536 };

static const char name[] = "standard input";

/* Reads to the end, with room for a NUL. */
static pomona_status read_all(struct predict_input *input, int descriptor, bool (*should_stop)(void *),
                              void *user, struct pomona_error *error) {
    struct buffer *bytes = &input->bytes;
    *bytes = BUFFER_INIT(LIST_BYTES_MAX);
    for (;;) {
        TRY(buffer_reserve(bytes, READ_BYTES, error));
        ssize_t count = read(descriptor, bytes->data + bytes->size, READ_BYTES - 1);
        int cause = errno;
        if (should_stop && should_stop(user))
            return fail(error, POMONA_E_INTERRUPTED, name, "interrupted while reading");
        if (count < 0 && cause == EINTR) continue;
        if (count < 0) return fail_errno(error, cause, 0, name, "cannot read");
        if (count == 0) break;
        bytes->size += (size_t)count;
        input->is_photo = bytes->size >= 2 && memcmp(bytes->data, "\xFF\xD8", 2) == 0;
        if (input->is_photo && bytes->size > PHOTO_BYTES_MAX)
            return fail(error, POMONA_E_LIMIT, name, "a photo of more than %d bytes", PHOTO_BYTES_MAX);
    }
    bytes->data[bytes->size] = '\0';
    return POMONA_OK;
}

static pomona_status add_operand(struct predict_input *input, const char *operand,
                                 struct pomona_error *error) {
    if (input->count == input->capacity) {
        size_t capacity = input->capacity ? 2 * input->capacity : 64;
        const char **grown = memory_resize((void *)input->operands, capacity, sizeof *grown);
        if (!grown) return fail_memory(error, "operands");
        input->operands = grown, input->capacity = capacity;
    }
    input->operands[input->count++] = operand;
    return POMONA_OK;
}

static pomona_status add_lines(struct predict_input *input, struct pomona_error *error) {
    if (memchr(input->bytes.data, '\0', input->bytes.size))
        return fail(error, POMONA_E_INPUT, name, "neither a JPEG nor a list of paths");
    size_t before = input->count;
    for (char *line = (char *)input->bytes.data, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        size_t length = strlen(line);
        if (length > 0 && line[length - 1] == '\r') line[--length] = '\0';
        if (length > 0) TRY(add_operand(input, line, error));
    }
    return input->count > before ? POMONA_OK : fail(error, POMONA_E_INPUT, name, "names no photo");
}

pomona_status predict_input_read(struct predict_input *input, const char *const *operands, size_t count,
                                 int descriptor, bool (*should_stop)(void *), void *user,
                                 struct pomona_error *error) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(operands[i], "-") != 0) {
            TRY(add_operand(input, operands[i], error));
            continue;
        }
        if (input->read) return fail(error, POMONA_E_USAGE, name, "can be read once: one '-' will do");
        input->read = true;
        TRY(read_all(input, descriptor, should_stop, user, error));
        if (!input->is_photo) TRY(add_lines(input, error));
    }
    return POMONA_OK;
}

void predict_input_free(struct predict_input *input) {
    memory_free((void *)input->operands);
    buffer_free(&input->bytes);
    *input = (struct predict_input){0};
}
