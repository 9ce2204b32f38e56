/* The journal of one part: what is needed to go on after an interruption, at most one photo behind.
 *
 * A file of records, each with its length and a CRC-32, so that what a killed process left half written is seen and cut
 * off. While a part is being made its rows go to the journal first; when the part is complete and on disk, the
 * journal is replaced by its summary: the errors, and the part's rows, size and SHA-256. Little-endian. */
#ifndef JOB_JOURNAL_H
#define JOB_JOURNAL_H

#include "base/buffer.h"
#include "base/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum journal_kind {
    JOURNAL_ROW = 1,    /* payload: the features, fp32 */
    JOURNAL_ERROR = 2,  /* payload: the reason, no NUL */
    JOURNAL_SUMMARY = 3 /* payload: struct journal_summary; last of a finished part */
};

struct journal_summary {
    uint64_t rows, size; /* of the part file: rows, bytes */
    uint8_t digest[SHA256_SIZE];
};

/* A journal open for appending. Zero-initialise with JOURNAL_INIT. */
struct journal {
    int descriptor;
    struct buffer record;
    const char *path; /* borrowed */
};

enum { JOURNAL_PAYLOAD_MAX = 1 << 24 };

#define JOURNAL_INIT ((struct journal){.descriptor = -1, .record = BUFFER_INIT(JOURNAL_PAYLOAD_MAX + 64)})

/* Calls take(user, kind, index, payload, size) for every whole record of the file, in order; a missing file has none.
 * A NUL follows the payload, so that a reason is a string.
 * `valid` is the length of the good prefix. Stops at the first damaged record without an error. take's failure is
 * returned. */
pomona_status journal_read(const char *path,
                           pomona_status (*take)(void *user, enum journal_kind kind, uint64_t index,
                                                 const uint8_t *payload, size_t size,
                                                 struct pomona_error *error),
                           void *user, uint64_t *valid, struct pomona_error *error);

/* Opens (or makes) the file for appending after its first `valid` bytes; the rest is cut off. */
pomona_status journal_open(struct journal *journal, const char *path, uint64_t valid,
                           struct pomona_error *error);

/* Appends one record. It survives the death of the process, not of the machine: a part does not count as done before
 * its own fsync. */
pomona_status journal_append(struct journal *journal, enum journal_kind kind, uint64_t index,
                             const void *payload, size_t size, struct pomona_error *error);

/* Appends a record to a buffer instead, for a summary that is written in one go. */
pomona_status journal_format(struct buffer *out, enum journal_kind kind, uint64_t index, const void *payload,
                             size_t size, struct pomona_error *error);

/* The parts of a record that journal_format made; returns its length in bytes. */
size_t journal_parse(const uint8_t *record, uint64_t *index, const char **payload, size_t *size);

void journal_close(struct journal *journal);

#endif
