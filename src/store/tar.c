#include "store/tar.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
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

/* The sum of all bytes, its own field as spaces. */
static unsigned checksum_of(const struct header *header) {
    const unsigned char *bytes = (const unsigned char *)header;
    const size_t start = offsetof(struct header, checksum), end = start + sizeof header->checksum;
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof *header; i++) sum += i >= start && i < end ? ' ' : bytes[i];
    return sum;
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
    memset(header.checksum, ' ', sizeof header.checksum);
    put_octal(header.checksum, 7, checksum_of(&header)); /* six digits, NUL, space */
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

/* ---- reading */

static pomona_status broken(const char *what, struct pomona_error *error) {
    return fail(error, POMONA_E_CORRUPT, NULL, "%s", what);
}

/* Octal digits up to a NUL or a space. */
static bool get_octal(const char *field, size_t size, uint64_t *value) {
    size_t used = 0;
    *value = 0;
    while (used < size && field[used] >= '0' && field[used] <= '7')
        *value = *value << 3 | (uint64_t)(field[used++] - '0');
    return used > 0 && (used == size || field[used] == '\0' || field[used] == ' ');
}

static pomona_status get_header(const uint8_t *block, struct header *header, uint64_t *size,
                                struct pomona_error *error) {
    uint64_t sum;
    memcpy(header, block, sizeof *header);
    if (memcmp(header->magic, "ustar", 6) != 0) return broken("is no header of a tar member", error);
    if (!get_octal(header->checksum, sizeof header->checksum, &sum) || sum != checksum_of(header))
        return broken("the checksum of the tar header is wrong", error);
    if (!get_octal(header->size, sizeof header->size, size))
        return broken("the tar header has no size", error);
    return POMONA_OK;
}

static pomona_status get_name(const struct header *header, struct buffer *name, struct pomona_error *error) {
    buffer_clear(name);
    size_t prefix = strnlen(header->prefix, sizeof header->prefix);
    if (prefix > 0) {
        TRY(buffer_append(name, header->prefix, prefix, error));
        TRY(buffer_append_byte(name, '/', error));
    }
    return buffer_append(name, header->name, strnlen(header->name, sizeof header->name), error);
}

static bool get_decimal(const char *text, size_t size, uint64_t *value) {
    *value = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || *value > (UINT64_MAX - 9) / 10) return false;
        *value = *value * 10 + (uint64_t)(text[i] - '0');
    }
    return size > 0;
}

/* What pax records say in the place of a header. */
struct records {
    const char *path, *size;
    size_t path_length, size_length;
};

static pomona_status get_records(const char *text, size_t size, struct records *records,
                                 struct pomona_error *error) {
    *records = (struct records){.path = NULL};
    while (size > 0) {
        const char *space = memchr(text, ' ', size), *equals;
        uint64_t length;
        if (!space || !get_decimal(text, (size_t)(space - text), &length) || length > size ||
            length < (size_t)(space - text) + 2 || text[length - 1] != '\n' ||
            !(equals = memchr(space, '=', (size_t)(text + length - space))))
            return broken("the records of the tar header are damaged", error);
        const char *key = space + 1, *value = equals + 1;
        size_t key_length = (size_t)(equals - key), value_length = (size_t)(text + length - 1 - value);
        if (key_length == 4 && memcmp(key, "path", 4) == 0)
            records->path = value, records->path_length = value_length;
        if (key_length == 4 && memcmp(key, "size", 4) == 0)
            records->size = value, records->size_length = value_length;
        text += length, size -= (size_t)length;
    }
    return POMONA_OK;
}

pomona_status tar_read_header(const uint8_t *data, size_t size, struct buffer *name, uint64_t *member_size,
                              struct pomona_error *error) {
    static const char other[] = "is not the header of this member alone";
    struct records records = {.path = NULL};
    struct header header;
    buffer_clear(name);
    if (size < TAR_BLOCK) return broken(other, error);
    TRY(get_header(data, &header, member_size, error));
    if (header.type == 'x') {
        uint64_t length = *member_size;
        if (length > size - TAR_BLOCK || tar_padding(length) > size - TAR_BLOCK - length)
            return broken(other, error);
        TRY(get_records((const char *)data + TAR_BLOCK, (size_t)length, &records, error));
        size_t used = TAR_BLOCK + (size_t)length + tar_padding(length);
        data += used, size -= used;
        if (size < TAR_BLOCK) return broken(other, error);
        TRY(get_header(data, &header, member_size, error));
    }
    if (header.type != '0' || size != TAR_BLOCK) return broken(other, error);
    if (records.size && !get_decimal(records.size, records.size_length, member_size))
        return broken("the records of the tar header are damaged", error);
    if (!records.path) return get_name(&header, name, error);
    return buffer_append(name, records.path, records.path_length, error);
}
