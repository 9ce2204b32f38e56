/* Writes test tables and prints what pomona reads, for the Python tests of interoperability.
 *
 *   table_tool write FILE [rows=N] [codec=snappy|zstd|none] [lists=legacy|standard] [group=BYTES] [page=BYTES]
 *                         [dictionary=BYTES] [features=N]
 *
 * The content is a formula, which test_interop.py repeats. */
#include "base/memory.h"
#include "base/text.h"
#include "table/parquet_writer.h"

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

int main(int argc, char **argv) {
    struct pomona_error error = {0};
    pomona_status status = fail(&error, POMONA_E_USAGE, NULL, "usage: table_tool write FILE [name=value...]");
    if (argc >= 3 && strcmp(argv[1], "write") == 0) status = run_write(argc - 2, argv + 2, &error);
    if (status != POMONA_OK) fprintf(stderr, "table_tool: %s\n", error.message);
    return pomona_status_exit_code(status);
}
