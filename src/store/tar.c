#include "store/tar.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 100, PREFIX_SIZE = 155 };

/* The fields of a header, in their places. */
struct header {
    char name[NAME_SIZE];
    char mode[8], user[8], group[8];
    char size[12], modified[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6], version[2];
    char user_name[32], group_name[32];
    char device_major[8], device_minor[8];
    char prefix[PREFIX_SIZE];
    char unused[12];
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "a header fills a block");

static const uint64_t octal_11_max = (UINT64_C(1) << 33) - 1; /* eleven octal digits */

/* Octal digits that fill the field but for its NUL. */
static void put_octal(char *field, size_t size, uint64_t value) {
    field[size - 1] = '\0';
    for (size_t i = size - 1; i-- > 0; value >>= 3) field[i] = (char)('0' + (value & 7));
}

static pomona_status append_header(struct buffer *out, char type, const char *prefix, size_t prefix_size,
                                   const char *name, size_t name_size, uint64_t size, uint64_t modified,
                                   struct pomona_error *error) {
    struct header header = {.type = type};
    memcpy(header.prefix, prefix, prefix_size);
    memcpy(header.name, name, name_size);
    put_octal(header.mode, sizeof header.mode, 0644);
    put_octal(header.user, sizeof header.user, 0);
    put_octal(header.group, sizeof header.group, 0);
    put_octal(header.size, sizeof header.size, size);
    put_octal(header.modified, sizeof header.modified, modified);
    memcpy(header.magic, "ustar", 6);
    memcpy(header.version, "00", 2);
    put_octal(header.device_major, sizeof header.device_major, 0);
    put_octal(header.device_minor, sizeof header.device_minor, 0);
    /* The sum of all bytes, its own field as spaces; six digits, NUL, space. */
    memset(header.checksum, ' ', sizeof header.checksum);
    const unsigned char *bytes = (const unsigned char *)&header;
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof header; i++) sum += bytes[i];
    put_octal(header.checksum, 7, sum);
    return buffer_append(out, &header, sizeof header, error);
}

/* One pax record, "LENGTH KEY=VALUE\n", whose length counts its own digits. */
static pomona_status append_record(struct buffer *out, const char *key, const char *value,
                                   struct pomona_error *error) {
    size_t rest = strlen(key) + strlen(value) + 3, length = rest + 1; /* space, `=`, line end; one digit */
    for (size_t digits = 1, limit = 10; length >= limit; digits++, limit *= 10) length = rest + digits + 1;
    TRY(buffer_printf(out, error, "%zu %s=", length, key));
    TRY(buffer_append_text(out, value, error));
    return buffer_append_byte(out, '\n', error);
}

static bool is_ascii(const char *text) {
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80) return false;
    return true;
}

static bool is_utf8(const char *text, size_t size) {
    for (size_t at = 0, length; at < size; at += length)
        if (!(length = utf8_sequence(text + at, size - at))) return false;
    return true;
}

/* Where a name of `size` bytes parts at a slash into prefix and name; 0: it fits the name alone, SIZE_MAX: it fits nowhere. */
static size_t split(const char *name, size_t size) {
    if (size <= NAME_SIZE) return 0;
    for (size_t at = size - NAME_SIZE - 1; at <= PREFIX_SIZE && at < size - 1; at++)
        if (at > 0 && name[at] == '/') return at;
    return SIZE_MAX;
}

static pomona_status append_records(struct buffer *records, const char *name, bool named, uint64_t size,
                                    int64_t modified, struct pomona_error *error) {
    char number[32];
    if (named) {
        /* Texts of pax are UTF-8 unless it is said that they are bytes. */
        if (!is_utf8(name, strlen(name))) TRY(append_record(records, "hdrcharset", "BINARY", error));
        TRY(append_record(records, "path", name, error));
    }
    if (size > octal_11_max) {
        snprintf(number, sizeof number, "%" PRIu64, size);
        TRY(append_record(records, "size", number, error));
    }
    if (modified < 0 || (uint64_t)modified > octal_11_max) {
        snprintf(number, sizeof number, "%" PRId64, modified);
        TRY(append_record(records, "mtime", number, error));
    }
    return POMONA_OK;
}

pomona_status tar_append_header(struct buffer *out, const char *name, uint64_t size, int64_t modified,
                                struct pomona_error *error) {
    static const char pax_name[] = "././@PaxHeader", zeroes[TAR_BLOCK];
    size_t length = strlen(name), cut = split(name, length);
    bool is_time = modified >= 0 && (uint64_t)modified <= octal_11_max;
    uint64_t time = is_time ? (uint64_t)modified : 0;
    struct buffer records = BUFFER_INIT(out->limit);
    pomona_status status =
        append_records(&records, name, cut == SIZE_MAX || !is_ascii(name), size, modified, error);
    if (status == POMONA_OK && records.size > 0) {
        status = append_header(out, 'x', "", 0, pax_name, sizeof pax_name - 1, records.size, 0, error);
        if (status == POMONA_OK) status = buffer_append(out, records.data, records.size, error);
        if (status == POMONA_OK) status = buffer_append(out, zeroes, tar_padding(records.size), error);
    }
    buffer_free(&records);
    TRY(status);
    if (size > octal_11_max) size = 0; /* the pax header has it */
    if (cut == 0) return append_header(out, '0', "", 0, name, length, size, time, error);
    if (cut == SIZE_MAX) /* a reader that knows no pax gets the end of the name */
        return append_header(out, '0', "", 0, name + length - NAME_SIZE, NAME_SIZE, size, time, error);
    return append_header(out, '0', name, cut, name + cut + 1, length - cut - 1, size, time, error);
}
