/* Results/_SUCCESS: which parts belong to a result, and their hashes. */
#ifndef JOB_SUCCESS_FILE_H
#define JOB_SUCCESS_FILE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/sha256.h"
#include "pomona/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct success_part {
    const char *name; /* a plain file name */
    int64_t rows, bytes;
    char sha256[SHA256_HEX_SIZE];
};

struct success {
    struct arena arena;
    char job[37], feature_space[POMONA_HASH_TEXT_SIZE];
    char moments[POMONA_HASH_TEXT_SIZE]; /* the SHA-256 that ends moments.pom; "": there is none */
    int64_t rows, errors;
    struct success_part *parts; /* [count], in the arena */
    size_t count;
};

enum { SUCCESS_PARTS_MAX = 1000000 };

#define SUCCESS_INIT ((struct success){.arena = ARENA_INIT(SIZE_MAX)})

/* Reads FOLDER/_SUCCESS. Free with success_free, also after a failure. POMONA_E_INPUT: missing; POMONA_E_CORRUPT: not what pomona
 * features writes, or names and hashes that can't be; POMONA_E_LIMIT, POMONA_E_MEMORY, POMONA_E_IO. */
pomona_status success_read(const char *folder, struct success *success, struct pomona_error *error);
void success_free(struct success *success);

/* Room for `count` more parts. */
pomona_status success_reserve(struct success *success, size_t count, struct pomona_error *error);

/* Its text. */
pomona_status success_format(const struct success *success, struct buffer *out, struct pomona_error *error);

/* Whether FOLDER/_SUCCESS is that of this job. */
bool success_is_of(const char *folder, const char *job);

#endif
