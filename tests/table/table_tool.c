/* Writes test tables and prints what pomona reads, for the Python tests of interoperability.
 *
 *   table_tool write FILE [rows=N] [codec=snappy|zstd|none] [lists=legacy|standard] [group=BYTES] [page=BYTES]
 *                         [dictionary=BYTES] [features=N]
 *   table_tool dump FILE [COLUMN...]      one JSON array of cells a row; without names: names and types of the columns
 *   table_tool features PATH              path, label and features of each row, through the public reader
 *   table_tool copy PATH FILE             through the public reader and writer
 *
 * What is written is a formula, which test_interop.py repeats. */
#include "base/memory.h"
#include "base/text.h"
#include "pomona/table.h"
#include "table/parquet_reader.h"
#include "table/parquet_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    struct parquet_options options;
    long long rows, features;
};

static pomona_status write_file(void *self, const void *data, size_t size, struct pomona_error *error) {
    if (fwrite(data, 1, size, self) != size) return fail(error, POMONA_E_IO, NULL, "cannot write");
    return POMONA_OK;
}

static const struct table_column columns[] = {
    {"path", TABLE_TEXT},       {"label", TABLE_TEXT},          {"features", TABLE_FLOAT_LIST},
    {"pca", TABLE_DOUBLE_LIST}, {"number", TABLE_INT64},        {"score", TABLE_DOUBLE},
    {"good", TABLE_BOOLEAN},    {"vector", TABLE_SPARK_VECTOR},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static float feature(long long row, long long j) { return (float)((row * 31 + j * 7) % 1000) / 8.0F - 3.0F; }

static pomona_status add_row(struct parquet_writer *writer, long long row, long long features, float *floats,
                             double *doubles, struct pomona_error *error) {
    char path[96], label[32];
    snprintf(path, sizeof path, "file:/photos/caf\xC3\xA9/\xF0\x9F\x8D\x8E %lld.jpg", row);
    snprintf(label, sizeof label, "label-%lld", row % 24);
    long long length = row % 11 == 10 ? 0 : features;
    for (long long j = 0; j < features; j++) {
        floats[j] = feature(row, j);
        doubles[j] = (double)floats[j] / 3.0;
    }
    struct table_cell cells[COLUMNS] = {
        cell_text(path),
        row % 7 == 3 ? cell_null() : cell_text(label),
        row % 13 == 12 ? cell_null() : cell_floats(floats, (size_t)length),
        cell_doubles(doubles, (size_t)(row % 5)),
        row % 9 == 8 ? cell_null() : cell_integer(row * 1000000007 - 5),
        row % 10 == 9 ? cell_null() : cell_number((double)row / 7.0),
        row % 6 == 5 ? cell_null() : cell_boolean(row % 3 == 0),
        row % 8 == 7 ? cell_null() : cell_doubles(doubles, (size_t)features),
    };
    return parquet_writer_add(writer, cells, error);
}

static pomona_status write_rows(FILE *file, const struct settings *settings, struct pomona_error *error) {
    struct parquet_writer *writer = NULL;
    float *floats = memory_new((size_t)settings->features, sizeof *floats);
    double *doubles = memory_new((size_t)settings->features, sizeof *doubles);
    pomona_status status = parquet_writer_new((struct sink){file, write_file}, columns, COLUMNS,
                                              &settings->options, &writer, error);
    for (long long row = 0; status == POMONA_OK && row < settings->rows; row++)
        status = add_row(writer, row, settings->features, floats, doubles, error);
    if (status == POMONA_OK) status = parquet_writer_finish(writer, error);
    parquet_writer_free(&writer);
    memory_free(floats);
    memory_free(doubles);
    return status;
}

static pomona_status parse(struct settings *settings, const char *argument, struct pomona_error *error) {
    static const char *const names[] = {"rows=", "features=", "group=", "page=", "dictionary="};
    if (strncmp(argument, "codec=", 6) == 0)
        return parquet_codec_parse(argument + 6, &settings->options.codec, error);
    if (strncmp(argument, "lists=", 6) == 0)
        return parquet_lists_parse(argument + 6, &settings->options.lists, error);
    for (int i = 0; i < 5; i++) {
        long long value;
        size_t length = strlen(names[i]);
        if (strncmp(argument, names[i], length) != 0) continue;
        if (!text_parse_int(argument + length, 0, 1LL << 40, &value)) break;
        if (i == 0) settings->rows = value;
        if (i == 1) settings->features = value;
        if (i == 2) settings->options.row_group_bytes = (size_t)value;
        if (i == 3) settings->options.page_bytes = (size_t)value;
        if (i == 4) settings->options.dictionary_bytes = (size_t)value;
        return POMONA_OK;
    }
    return fail(error, POMONA_E_USAGE, argument, "not an option");
}

static pomona_status run_write(int count, char **arguments, struct pomona_error *error) {
    static const struct table_property property = {"pomona.test", "\xC3\xBC\"\n"};
    struct settings settings = {.rows = 100, .features = 8};
    settings.options.properties = &property;
    settings.options.property_count = 1;
    for (int i = 1; i < count; i++) TRY(parse(&settings, arguments[i], error));
    FILE *file = fopen(arguments[0], "wb");
    if (!file) return fail(error, POMONA_E_IO, arguments[0], "cannot open");
    pomona_status status = write_rows(file, &settings, error);
    if (fclose(file) != 0 && status == POMONA_OK)
        status = fail(error, POMONA_E_IO, arguments[0], "cannot close");
    return status;
}

static void print_text(const char *text, size_t size) {
    putchar('"');
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x20 || byte == '"' || byte == '\\')
            printf("\\u%04x", byte);
        else
            putchar(byte);
    }
    putchar('"');
}

static void print_number(double value) {
    if (isfinite(value))
        printf("%.17g", value);
    else
        fputs(isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity", stdout);
}

static void print_list(const struct table_cell *cell, enum table_type type) {
    putchar('[');
    for (size_t i = 0; i < cell->count; i++) {
        if (i) putchar(',');
        if (type == TABLE_INT64_LIST)
            printf("%lld", (long long)cell->integers[i]);
        else
            print_number(type == TABLE_FLOAT_LIST ? (double)cell->floats[i] : cell->doubles[i]);
    }
    putchar(']');
}

static void print_cell(const struct table_cell *cell, enum table_type type) {
    if (cell->null) {
        fputs("null", stdout);
        return;
    }
    switch (type) {
    case TABLE_TEXT: print_text(cell->text, cell->count); break;
    case TABLE_INT64: printf("%lld", (long long)cell->integer); break;
    case TABLE_BOOLEAN: fputs(cell->boolean ? "true" : "false", stdout); break;
    case TABLE_FLOAT:
    case TABLE_DOUBLE: print_number(cell->number); break;
    default: print_list(cell, type);
    }
}

static pomona_status print_rows(struct parquet_reader *reader, int count, char **names,
                                struct pomona_error *error) {
    int chosen[PARQUET_COLUMNS_MAX];
    struct table_cell cells[PARQUET_COLUMNS_MAX];
    if (count > PARQUET_COLUMNS_MAX) return fail(error, POMONA_E_USAGE, NULL, "too many columns");
    for (int i = 0; i < count; i++) chosen[i] = parquet_reader_find(reader, names[i]);
    TRY(parquet_reader_select(reader, chosen, count, error));
    for (;;) {
        bool has_row;
        TRY(parquet_reader_next(reader, cells, &has_row, error));
        if (!has_row) return POMONA_OK;
        for (int i = 0; i < count; i++) {
            putchar(i ? ',' : '[');
            print_cell(&cells[i], parquet_reader_column(reader, chosen[i]).type);
        }
        puts("]");
    }
}

static pomona_status read_file(void *self, uint64_t offset, void *data, size_t size,
                               struct pomona_error *error) {
    if (fseek(self, (long)offset, SEEK_SET) != 0 || fread(data, 1, size, self) != size)
        return fail(error, POMONA_E_IO, NULL, "cannot read");
    return POMONA_OK;
}

static pomona_status run_dump(int count, char **arguments, struct pomona_error *error) {
    struct parquet_reader *reader = NULL;
    FILE *file = fopen(arguments[0], "rb");
    if (!file) return fail(error, POMONA_E_INPUT, arguments[0], "cannot open");
    fseek(file, 0, SEEK_END);
    struct source source = {file, arguments[0], (uint64_t)ftell(file), read_file};
    pomona_status status = parquet_reader_open(source, &reader, error);
    if (status == POMONA_OK && count > 1) status = print_rows(reader, count - 1, arguments + 1, error);
    for (int i = 0; status == POMONA_OK && count == 1 && i < parquet_reader_columns(reader); i++) {
        struct table_column column = parquet_reader_column(reader, i);
        printf("%s %d\n", column.name, (int)column.type);
    }
    parquet_reader_free(&reader);
    fclose(file);
    return status;
}

static void print_feature_row(const struct pomona_feature_row *row, int features) {
    struct table_cell cell = row->doubles ? cell_doubles(row->doubles, (size_t)features)
                                          : cell_floats(row->features, (size_t)features);
    putchar('[');
    print_text(row->path, strlen(row->path));
    putchar(',');
    if (row->label)
        print_text(row->label, strlen(row->label));
    else
        fputs("null", stdout);
    putchar(',');
    print_list(&cell, row->doubles ? TABLE_DOUBLE_LIST : TABLE_FLOAT_LIST);
    puts("]");
}

/* Reads all rows; prints them, or copies them to `writer` if there is one. */
static pomona_status pass_rows(struct pomona_feature_reader *reader, struct pomona_feature_writer *writer,
                               struct pomona_error *error) {
    struct pomona_feature_info info;
    struct pomona_feature_row row;
    bool has_row = true;
    pomona_feature_reader_info(reader, &info);
    if (!writer)
        printf("{\"rows\":%lld,\"features\":%d,\"parts\":%d,\"doubles\":%d,\"labelled\":%d}\n",
               (long long)info.rows, info.features, info.parts, info.doubles, info.labelled);
    for (;;) {
        TRY(pomona_feature_reader_next(reader, &row, &has_row, error));
        if (!has_row) return POMONA_OK;
        if (writer)
            TRY(pomona_feature_writer_add(writer, row.path, row.label, row.features, error));
        else
            print_feature_row(&row, info.features);
    }
}

static pomona_status run_features(const char *path, struct pomona_error *error) {
    struct pomona_feature_reader *reader = NULL;
    TRY(pomona_feature_reader_open(path, &reader, error));
    pomona_status status = pass_rows(reader, NULL, error);
    pomona_feature_reader_free(&reader);
    return status;
}

static pomona_status run_copy(const char *from, const char *to, struct pomona_error *error) {
    struct pomona_feature_reader *reader = NULL;
    struct pomona_feature_writer *writer = NULL;
    struct pomona_feature_info info;
    TRY(pomona_feature_reader_open(from, &reader, error));
    pomona_feature_reader_info(reader, &info);
    pomona_status status = pomona_feature_writer_open(to, info.features, NULL, &writer, error);
    if (status == POMONA_OK) status = pass_rows(reader, writer, error);
    if (status == POMONA_OK) status = pomona_feature_writer_finish(writer, error);
    pomona_feature_writer_free(&writer);
    pomona_feature_reader_free(&reader);
    return status;
}

int main(int argc, char **argv) {
    struct pomona_error error = {0};
    pomona_status status =
        fail(&error, POMONA_E_USAGE, NULL, "usage: table_tool write|dump|features|copy ...");
    if (argc >= 3 && strcmp(argv[1], "write") == 0) status = run_write(argc - 2, argv + 2, &error);
    if (argc >= 3 && strcmp(argv[1], "dump") == 0) status = run_dump(argc - 2, argv + 2, &error);
    if (argc == 3 && strcmp(argv[1], "features") == 0) status = run_features(argv[2], &error);
    if (argc == 4 && strcmp(argv[1], "copy") == 0) status = run_copy(argv[2], argv[3], &error);
    if (status != POMONA_OK) fprintf(stderr, "table_tool: %s\n", error.message);
    return pomona_status_exit_code(status);
}
