#include "table/csv.h"
#include "table/utf8.h"

#include <string.h>

static pomona_status bad(const struct csv_reader *reader, const char *what, struct pomona_error *error) {
    return fail(error, POMONA_E_INPUT, reader->name, "line %zu: %s", reader->line, what);
}

static size_t field_count(const struct csv_reader *reader) { return reader->offsets.size / sizeof(size_t); }

const char *csv_field(const struct csv_reader *reader, size_t index) {
    size_t offset;
    memcpy(&offset, reader->offsets.data + index * sizeof offset, sizeof offset);
    return (const char *)reader->text.data + offset;
}

static bool at_line_end(const struct csv_reader *reader) {
    return reader->at == reader->size || reader->data[reader->at] == '\n' || reader->data[reader->at] == '\r';
}

static void pass_line_end(struct csv_reader *reader) {
    if (reader->at == reader->size) return;
    if (reader->data[reader->at++] == '\r' && reader->at < reader->size && reader->data[reader->at] == '\n')
        reader->at++;
    reader->next_line++;
}

/* Copies data[from, at) to the current field. */
static pomona_status take(struct csv_reader *reader, size_t from, struct pomona_error *error) {
    return buffer_append(&reader->text, reader->data + from, reader->at - from, error);
}

/* From behind the opening quote to behind the closing one. */
static pomona_status read_quoted(struct csv_reader *reader, struct pomona_error *error) {
    size_t from = reader->at;
    for (; reader->at < reader->size; reader->at++) {
        char byte = reader->data[reader->at];
        if (byte == '\n') reader->next_line++;
        if (byte != '"') continue;
        TRY(take(reader, from, error));
        reader->at++;
        if (reader->at == reader->size || reader->data[reader->at] != '"')
            return at_line_end(reader) || reader->data[reader->at] == ','
                       ? POMONA_OK
                       : bad(reader, "text behind a closing quote", error);
        from = reader->at; /* the second of two quotes is the one that counts */
    }
    return bad(reader, "a quote is never closed", error);
}

static pomona_status read_bare(struct csv_reader *reader, struct pomona_error *error) {
    size_t from = reader->at;
    for (; !at_line_end(reader) && reader->data[reader->at] != ','; reader->at++)
        if (reader->data[reader->at] == '"')
            return bad(reader, "a quote inside a field that is not in quotes", error);
    return take(reader, from, error);
}

static pomona_status read_field(struct csv_reader *reader, struct pomona_error *error) {
    size_t start = reader->text.size;
    if (field_count(reader) == CSV_FIELDS_MAX)
        return fail(error, POMONA_E_LIMIT, reader->name, "line %zu: more than %d fields", reader->line,
                    CSV_FIELDS_MAX);
    TRY(buffer_append(&reader->offsets, &start, sizeof start, error));
    if (reader->at < reader->size && reader->data[reader->at] == '"') {
        reader->at++;
        TRY(read_quoted(reader, error));
    } else {
        TRY(read_bare(reader, error));
    }
    size_t size = reader->text.size - start;
    const char *field = size ? (const char *)reader->text.data + start : "";
    if (!utf8_valid(field, size)) return bad(reader, "a field is not UTF-8", error);
    if (size && memchr(field, '\0', size)) return bad(reader, "a field holds a NUL byte", error);
    return buffer_append_byte(&reader->text, '\0', error);
}

pomona_status csv_next(struct csv_reader *reader, bool *has_record, struct pomona_error *error) {
    *has_record = false;
    buffer_clear(&reader->text);
    buffer_clear(&reader->offsets);
    while (reader->at < reader->size && at_line_end(reader)) pass_line_end(reader);
    reader->line = reader->next_line;
    if (reader->at == reader->size) return POMONA_OK;
    for (;;) {
        TRY(read_field(reader, error));
        if (at_line_end(reader)) break;
        reader->at++; /* the comma */
    }
    pass_line_end(reader);
    if (reader->columns && field_count(reader) != reader->columns)
        return fail(error, POMONA_E_INPUT, reader->name, "line %zu: %zu fields, the header has %zu",
                    reader->line, field_count(reader), reader->columns);
    *has_record = true;
    return POMONA_OK;
}

pomona_status csv_open(struct csv_reader *reader, const char *name, const char *data, size_t size,
                       struct pomona_error *error) {
    bool has_header;
    *reader = (struct csv_reader){.name = name,
                                  .data = data,
                                  .size = size,
                                  .next_line = 1,
                                  .text = BUFFER_INIT(CSV_RECORD_BYTES_MAX),
                                  .offsets = BUFFER_INIT(CSV_FIELDS_MAX * sizeof(size_t))};
    if (size >= 2 && (memcmp(data, "\xFF\xFE", 2) == 0 || memcmp(data, "\xFE\xFF", 2) == 0))
        return fail(error, POMONA_E_INPUT, name, "is UTF-16; save it as UTF-8");
    if (size >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0) reader->at = 3;
    TRY(csv_next(reader, &has_header, error));
    if (!has_header)
        return fail(error, POMONA_E_INPUT, name, "is empty: a line with the columns' names is needed");
    reader->columns = field_count(reader);
    return POMONA_OK;
}

/* Quotes come in pairs in a valid file: after an even number of them a line end ends the record. */
size_t csv_whole_records(const char *data, size_t size, bool last) {
    if (last) return size;
    bool quoted = false;
    size_t whole = 0;
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '"') quoted = !quoted;
        if (quoted) continue;
        /* A CR at the end may be half of a CRLF. */
        if (data[i] == '\n' || (data[i] == '\r' && i + 1 < size && data[i + 1] != '\n')) whole = i + 1;
    }
    return whole;
}

void csv_more(struct csv_reader *reader, const char *data, size_t size) {
    reader->data = data;
    reader->size = size;
    reader->at = 0;
}

void csv_open_rows(struct csv_reader *reader, const char *name, size_t columns) {
    *reader = (struct csv_reader){.name = name,
                                  .next_line = 1,
                                  .columns = columns,
                                  .text = BUFFER_INIT(CSV_RECORD_BYTES_MAX),
                                  .offsets = BUFFER_INIT(CSV_FIELDS_MAX * sizeof(size_t))};
}

pomona_status csv_find(const struct csv_reader *reader, const char *column, size_t *index,
                       struct pomona_error *error) {
    size_t found = 0;
    for (size_t i = 0; i < reader->columns; i++) {
        if (strcmp(csv_field(reader, i), column) != 0) continue;
        *index = i;
        found++;
    }
    if (found == 1) return POMONA_OK;
    return fail(error, POMONA_E_INPUT, reader->name,
                found ? "two columns are named \"%s\"" : "has no column \"%s\"", column);
}

void csv_close(struct csv_reader *reader) {
    buffer_free(&reader->text);
    buffer_free(&reader->offsets);
}
