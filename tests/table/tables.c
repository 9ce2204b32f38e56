#include "tables.h"

#include <math.h>
#include <stdio.h>

const struct table_column test_columns[TEST_COLUMNS] = {
    {"path", TABLE_TEXT},       {"label", TABLE_TEXT},   {"features", TABLE_FLOAT_LIST},
    {"pca", TABLE_DOUBLE_LIST}, {"number", TABLE_INT64}, {"score", TABLE_DOUBLE},
    {"good", TABLE_BOOLEAN},
};

/* Values whose bits must survive: zeros of both signs, infinities, NaNs with a payload, denormals. */
static float hard_float(int64_t row, int j) {
    static const uint32_t bits[] = {0x00000000, 0x80000000, 0x7F800000, 0xFF800000, 0x7FC00000,
                                    0x7FC12345, 0xFFC00001, 0x00000001, 0x7F7FFFFF, 0x3F800001};
    float value = (float)row + (float)j / 16.0F;
    if ((row + j) % 3 == 0) memcpy(&value, &bits[(row / 3 + j) % 10], sizeof value);
    return value;
}

void test_row(int64_t row, struct table_cell cells[TEST_COLUMNS]) {
    static char path[700], label[40];
    static float features[TEST_FEATURES];
    static double pca[TEST_FEATURES];
    snprintf(path, sizeof path, "file:/b\xC3\xA4r/\xE6\xA1\x83/%0*lld.jpg", row % 50 == 49 ? 600 : 4,
             (long long)row);
    snprintf(label, sizeof label, "class %lld", (long long)(row % 5));
    for (int j = 0; j < TEST_FEATURES; j++) {
        features[j] = hard_float(row, j);
        pca[j] = (double)row / 3.0 - j;
    }
    cells[0] = cell_text(path);
    cells[1] = row % 4 == 3 ? cell_null() : cell_text(row % 9 == 8 ? "" : label);
    cells[2] = row % 11 == 10 ? cell_null() : cell_floats(features, row % 7 == 6 ? 0 : TEST_FEATURES);
    cells[3] = cell_doubles(pca, (size_t)(row % TEST_FEATURES));
    cells[4] = row % 3 == 2 ? cell_null() : cell_integer(INT64_MIN + row * 7919);
    cells[5] = row % 5 == 4 ? cell_null() : cell_number((double)row * 0.1);
    cells[6] = row % 6 == 5 ? cell_null() : cell_boolean(row % 2 == 0);
}

pomona_status test_write(struct sink sink, int64_t rows, const struct parquet_options *options,
                         struct pomona_error *error) {
    struct parquet_writer *writer;
    struct table_cell cells[TEST_COLUMNS];
    TRY(parquet_writer_new(sink, test_columns, TEST_COLUMNS, options, &writer, error));
    pomona_status status = POMONA_OK;
    for (int64_t row = 0; status == POMONA_OK && row < rows; row++) {
        test_row(row, cells);
        status = parquet_writer_add(writer, cells, error);
    }
    if (status == POMONA_OK) status = parquet_writer_finish(writer, error);
    parquet_writer_free(&writer);
    return status;
}

static bool same_cell(enum table_type type, const struct table_cell *a, const struct table_cell *b) {
    if (a->null || b->null) return a->null == b->null;
    if (type == TABLE_INT64) return a->integer == b->integer;
    if (type == TABLE_BOOLEAN) return a->boolean == b->boolean;
    if (type == TABLE_DOUBLE) return memcmp(&a->number, &b->number, sizeof a->number) == 0;
    size_t width = type == TABLE_TEXT ? 1 : type == TABLE_FLOAT_LIST ? sizeof(float) : sizeof(double);
    return a->count == b->count && (a->count == 0 || memcmp(a->text, b->text, a->count * width) == 0);
}

static pomona_status compare_rows(struct parquet_reader *reader, int64_t rows, bool *same,
                                  struct pomona_error *error) {
    struct table_cell expected[TEST_COLUMNS], cells[TEST_COLUMNS];
    bool has_row = true;
    for (int64_t row = 0;; row++) {
        TRY(parquet_reader_next(reader, cells, &has_row, error));
        if (!has_row) {
            *same = *same && row == rows;
            return POMONA_OK;
        }
        test_row(row, expected);
        for (int i = 0; i < TEST_COLUMNS; i++)
            *same = *same && same_cell(test_columns[i].type, &expected[i], &cells[i]);
    }
}

pomona_status test_read(const void *data, size_t size, int64_t rows, bool *same, struct pomona_error *error) {
    struct source_memory memory;
    struct parquet_reader *reader;
    int columns[TEST_COLUMNS];
    *same = true;
    TRY(parquet_reader_open(source_from_memory("test.parquet", data, size, &memory), &reader, error));
    pomona_status status = POMONA_OK;
    for (int i = 0; i < TEST_COLUMNS; i++) {
        columns[i] = parquet_reader_find(reader, test_columns[i].name);
        if (status == POMONA_OK &&
            (columns[i] < 0 || parquet_reader_column(reader, columns[i]).type != test_columns[i].type))
            status = fail(error, POMONA_E_CORRUPT, "test", "column %s is not there", test_columns[i].name);
    }
    if (status == POMONA_OK) status = parquet_reader_select(reader, columns, TEST_COLUMNS, error);
    if (status == POMONA_OK) status = compare_rows(reader, rows, same, error);
    parquet_reader_free(&reader);
    return status;
}
