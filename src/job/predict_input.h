/* The operand `-`: a stream that is one JPEG, or a list of paths, one a line. */
#ifndef JOB_PREDICT_INPUT_H
#define JOB_PREDICT_INPUT_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

/* Operands with the stream's lines in the place of `-`. Zero-initialise; free with predict_input_free. */
struct predict_input {
    const char **operands; /* [count] */
    size_t count, capacity;
    struct buffer bytes; /* of the stream */
    bool read;           /* already */
    bool is_photo;       /* bytes are a JPEG, and the operand is left out */
};

/* Fills `input` from operands[count], reading `descriptor` to its end if one of them is `-`. Empty lines are passed over;
 * lines may end in CRLF. POMONA_E_USAGE: `-` twice; POMONA_E_INPUT: neither a JPEG nor lines without NUL, or nothing;
 * POMONA_E_LIMIT: above 256 MiB (a photo) or 1 GiB; POMONA_E_INTERRUPTED, POMONA_E_IO, POMONA_E_MEMORY. */
pomona_status predict_input_read(struct predict_input *input, const char *const *operands, size_t count,
                                 int descriptor, bool (*should_stop)(void *), void *user,
                                 struct pomona_error *error);
void predict_input_free(struct predict_input *input);

#endif
