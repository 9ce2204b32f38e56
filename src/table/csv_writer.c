#include "table/csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLUSH_BYTES = 64 * 1024, TEXT_BYTES_MAX = 64 << 20 };

struct csv_writer csv_start(struct sink sink, struct pomona_error *error) {
    return (struct csv_writer){.sink = sink, .text = BUFFER_INIT(TEXT_BYTES_MAX), .error = error};
}

static void put(struct csv_writer *writer, const char *text, size_t size) {
    if (writer->status == POMONA_OK) writer->status = buffer_append(&writer->text, text, size, writer->error);
}

static void flush(struct csv_writer *writer) {
    if (writer->status == POMONA_OK && writer->text.size > 0)
        writer->status = sink_write(&writer->sink, writer->text.data, writer->text.size, writer->error);
    buffer_clear(&writer->text);
}

static void start_field(struct csv_writer *writer) {
    if (writer->has_fields) put(writer, ",", 1);
    writer->has_fields = true;
}

/* An empty text is quoted too: a record of one empty field would else be an empty line. */
void csv_text(struct csv_writer *writer, const char *text) {
    start_field(writer);
    size_t plain = strcspn(text, ",\"\r\n");
    if (*text && !text[plain]) {
        put(writer, text, plain);
        return;
    }
    put(writer, "\"", 1);
    for (const char *quote; (quote = strchr(text, '"')); text = quote + 1) {
        put(writer, text, (size_t)(quote - text) + 1);
        put(writer, "\"", 1);
    }
    put(writer, text, strlen(text));
    put(writer, "\"", 1);
}

void csv_integer(struct csv_writer *writer, int64_t value) {
    char text[32];
    int size = snprintf(text, sizeof text, "%lld", (long long)value);
    start_field(writer);
    put(writer, text, (size_t)size);
}

void csv_null(struct csv_writer *writer) { start_field(writer); }

/* Makes the locale's decimal point, whatever its bytes, a point. */
static size_t use_point(char *text) {
    size_t to = 0;
    bool in_point = false;
    for (size_t from = 0; text[from]; from++) {
        bool digit = strchr("0123456789+-e", text[from]) != NULL;
        if (digit || !in_point) text[to++] = digit ? text[from] : '.';
        in_point = !digit;
    }
    return to;
}

void csv_number(struct csv_writer *writer, double value) {
    char text[48] = "nan";
    size_t size = 3;
    if (isfinite(value)) {
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(text, sizeof text, "%.*g", digits, value);
            if (strtod(text, NULL) == value) break;
        }
        size = use_point(text);
    } else if (!isnan(value)) {
        size = (size_t)snprintf(text, sizeof text, value > 0 ? "inf" : "-inf");
    }
    start_field(writer);
    put(writer, text, size);
}

void csv_end_record(struct csv_writer *writer) {
    put(writer, "\n", 1);
    writer->has_fields = false;
    if (writer->text.size >= FLUSH_BYTES) flush(writer);
}

pomona_status csv_finish(struct csv_writer *writer) {
    flush(writer);
    buffer_free(&writer->text);
    return writer->status;
}
