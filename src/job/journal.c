#include "job/journal.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* Record: magic "pjr1", kind, index (8), payload size (4), CRC-32 of the 20 bytes before it and of the payload (4),
 * payload. */
enum { HEADER_SIZE = 24, CRC_OFFSET = 20 };
static const uint8_t magic[4] = {'p', 'j', 'r', '1'};

static void store_le(uint8_t *out, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) out[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t load_le(const uint8_t *in, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint64_t)in[i] << 8 * i;
    return value;
}

static uint32_t record_crc(const uint8_t *header, const void *payload, size_t size) {
    uLong crc = crc32(0, header, CRC_OFFSET);
    return (uint32_t)crc32(crc, payload, (uInt)size);
}

pomona_status journal_format(struct buffer *out, enum journal_kind kind, uint64_t index, const void *payload,
                             size_t size, struct pomona_error *error) {
    uint8_t header[HEADER_SIZE];
    if (size > JOURNAL_PAYLOAD_MAX)
        return fail(error, POMONA_E_LIMIT, NULL, "journal record of %zu bytes", size);
    memcpy(header, magic, sizeof magic);
    store_le(header + 4, (uint64_t)kind, 4);
    store_le(header + 8, index, 8);
    store_le(header + 16, size, 4);
    store_le(header + CRC_OFFSET, record_crc(header, payload, size), 4);
    TRY(buffer_append(out, header, sizeof header, error));
    return buffer_append(out, payload, size, error);
}

size_t journal_parse(const uint8_t *record, uint64_t *index, const char **payload, size_t *size) {
    *index = load_le(record + 8, 8);
    *size = (size_t)load_le(record + 16, 4);
    *payload = (const char *)record + HEADER_SIZE;
    return HEADER_SIZE + *size;
}

static pomona_status read_records(FILE *file, const char *path,
                                  pomona_status (*take)(void *, enum journal_kind, uint64_t, const uint8_t *,
                                                        size_t, struct pomona_error *),
                                  void *user, struct buffer *payload, uint64_t *valid,
                                  struct pomona_error *error) {
    uint8_t header[HEADER_SIZE];
    while (fread(header, 1, sizeof header, file) == sizeof header) {
        size_t size = (size_t)load_le(header + 16, 4);
        if (memcmp(header, magic, sizeof magic) != 0 || size > JOURNAL_PAYLOAD_MAX) break;
        buffer_clear(payload);
        TRY(buffer_reserve(payload, size + 1, error));
        if (fread(payload->data, 1, size, file) != size) break;
        payload->data[size] = '\0';
        if (record_crc(header, payload->data, size) != load_le(header + CRC_OFFSET, 4)) break;
        TRY(take(user, (enum journal_kind)load_le(header + 4, 4), load_le(header + 8, 8), payload->data, size,
                 error));
        *valid += sizeof header + size;
    }
    if (ferror(file)) return fail(error, POMONA_E_IO, path, "cannot read the journal");
    return POMONA_OK;
}

pomona_status journal_read(const char *path,
                           pomona_status (*take)(void *, enum journal_kind, uint64_t, const uint8_t *, size_t,
                                                 struct pomona_error *),
                           void *user, uint64_t *valid, struct pomona_error *error) {
    *valid = 0;
    FILE *file = fopen(path, "rbe");
    if (!file)
        return errno == ENOENT ? POMONA_OK : fail_errno(error, errno, 0, path, "cannot open the journal");
    struct buffer payload = BUFFER_INIT(JOURNAL_PAYLOAD_MAX + 1);
    pomona_status status = read_records(file, path, take, user, &payload, valid, error);
    buffer_free(&payload);
    fclose(file);
    return status;
}

pomona_status journal_open(struct journal *journal, const char *path, uint64_t valid,
                           struct pomona_error *error) {
    *journal = JOURNAL_INIT;
    journal->path = path;
    journal->descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (journal->descriptor < 0) return fail_errno(error, errno, 0, path, "cannot open the journal");
    if (ftruncate(journal->descriptor, (off_t)valid) != 0 || lseek(journal->descriptor, 0, SEEK_END) < 0) {
        pomona_status status = fail_errno(error, errno, 0, path, "cannot cut the journal");
        journal_close(journal);
        return status;
    }
    return POMONA_OK;
}

pomona_status journal_append(struct journal *journal, enum journal_kind kind, uint64_t index,
                             const void *payload, size_t size, struct pomona_error *error) {
    buffer_clear(&journal->record);
    TRY(journal_format(&journal->record, kind, index, payload, size, error));
    const uint8_t *at = journal->record.data;
    for (size_t left = journal->record.size; left > 0;) {
        ssize_t written = write(journal->descriptor, at, left);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0)
            return fail_errno(error, written < 0 ? errno : ENOSPC, 0, journal->path, "cannot write");
        at += written;
        left -= (size_t)written;
    }
    return POMONA_OK;
}

void journal_close(struct journal *journal) {
    if (journal->descriptor >= 0) close(journal->descriptor);
    journal->descriptor = -1;
    buffer_free(&journal->record);
}
