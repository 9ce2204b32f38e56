/* The sums of an upload's parts, made by a thread a few parts ahead of what is sent. */
#ifndef STORE_PART_SUMS_H
#define STORE_PART_SUMS_H

#include "base/error.h"
#include "base/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct part_sum {
    char crc[9];                /* CRC-32C in base64 */
    char hash[SHA256_HEX_SIZE]; /* of what is signed; "" when it is not */
};

/* Parts are `part_bytes` long, the last one shorter; data outlives the sums. */
struct part_sums_options {
    const uint8_t *data;
    size_t size, part_bytes;
    size_t parts;             /* at least 1 */
    size_t ahead;             /* parts that are read before the one before them was asked for */
    bool hashed;              /* with SHA-256 */
    void (*done)(void *user); /* after each part, from the thread that read it */
    void *user;
};

struct part_sums;

/* With SHA-256 and more than one part there is a thread, if one can be started. POMONA_E_MEMORY. */
pomona_status part_sums_new(const struct part_sums_options *options, struct part_sums **sums,
                            struct pomona_error *error);
/* Accepts pointers to NULL. */
void part_sums_free(struct part_sums **sums);

/* The sums of a part, which is the one after the last that was given, or an earlier one; NULL: not there yet. Without a thread they are made
 * by this call. They stay where they are until part_sums_free. */
const struct part_sum *part_sums_get(struct part_sums *sums, size_t part);

#endif
