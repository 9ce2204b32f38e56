/* Tables of features through the public header. */
#include "base/file_sink.h"
#include "failing.h"
#include "pomona/table.h"
#include "tables.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct pomona_error error;
static char folder[64];

static const char *in_folder(const char *name) {
    static char paths[4][160];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/pomona-table-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* Rows "N.jpg", label "even" or none, features N + j/8. */
static pomona_status write_part(const char *path, int first, int rows, int features,
                                const struct pomona_feature_writer_options *options) {
    struct pomona_feature_writer *writer;
    TRY(pomona_feature_writer_open(path, features, options, &writer, &error));
    pomona_status status = POMONA_OK;
    for (int row = first; status == POMONA_OK && row < first + rows; row++) {
        char name[32];
        float values[64];
        snprintf(name, sizeof name, "%d.jpg", row);
        for (int j = 0; j < features; j++) values[j] = (float)row + (float)j / 8.0F;
        status = pomona_feature_writer_add(writer, name, row % 2 == 0 ? "even" : NULL, values, &error);
    }
    if (status == POMONA_OK) status = pomona_feature_writer_finish(writer, &error);
    pomona_feature_writer_free(&writer);
    return status;
}

static void check_rows(struct pomona_feature_reader *reader, int rows) {
    struct pomona_feature_row row;
    bool has_row;
    for (int i = 0; i < rows; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.jpg", i);
        if (pomona_feature_reader_next(reader, &row, &has_row, &error) != POMONA_OK)
            fail_msg("%s", error.message);
        assert_true(has_row);
        assert_string_equal(row.path, name);
        assert_int_equal(row.index, i);
        assert_null(row.doubles);
        assert_true(row.features[0] == (float)i && row.features[3] == (float)i + 3.0F / 8.0F);
        if (i % 2 == 0)
            assert_string_equal(row.label, "even");
        else
            assert_null(row.label);
    }
    assert_int_equal(pomona_feature_reader_next(reader, &row, &has_row, &error), POMONA_OK);
    assert_false(has_row);
}

static void reads_a_folder_in_the_order_of_names(void **state) {
    (void)state;
    struct pomona_feature_reader *reader;
    struct pomona_feature_info info;
    static const char *const properties[] = {"pomona.feature_space", "abc", "a", "b", NULL};
    struct pomona_feature_writer_options options = {.compression = "zstd", .properties = properties};
    assert_int_equal(mkdir(in_folder("Results"), 0777), 0);
    assert_int_equal(mkdir(in_folder("Results/part-9.parquet"), 0777), 0); /* a folder is no part */
    assert_int_equal(write_part(in_folder("Results/part-2.parquet"), 5, 10, 4, &options), POMONA_OK);
    options.compression = "none";
    options.list_layout = "standard";
    assert_int_equal(write_part(in_folder("Results/part-1.parquet"), 0, 5, 4, &options), POMONA_OK);
    assert_int_equal(write_part(in_folder("Results/part-0.parquet"), 0, 0, 4, &options), POMONA_OK);
    assert_int_equal(file_write(in_folder("Results/_SUCCESS"), "", 0, &error), POMONA_OK);
    assert_int_equal(file_write(in_folder("Results/_x.parquet"), "?", 1, &error), POMONA_OK);
    /* The folder above stands for its Results. */
    assert_int_equal(pomona_feature_reader_open(folder, &reader, &error), POMONA_OK);
    pomona_feature_reader_info(reader, &info);
    assert_int_equal(info.rows, 15);
    assert_int_equal(info.features, 4);
    assert_int_equal(info.parts, 3);
    assert_false(info.doubles);
    assert_true(info.labelled);
    assert_string_equal(pomona_feature_reader_property(reader, "pomona.feature_space"), "abc");
    assert_null(pomona_feature_reader_property(reader, "pomona.nothing"));
    check_rows(reader, 15);
    assert_int_equal(pomona_feature_reader_rewind(reader, &error), POMONA_OK);
    check_rows(reader, 15);
    assert_int_equal(pomona_feature_reader_rewind(reader, &error), POMONA_OK);
    float batch[7][4];
    size_t count, total = 0;
    do {
        assert_int_equal(pomona_feature_reader_batch(reader, batch[0], 7, &count, &error), POMONA_OK);
        for (size_t i = 0; i < count; i++) assert_true(batch[i][1] == (float)(total + i) + 0.125F);
        total += count;
    } while (count > 0);
    assert_int_equal(total, 15);
    pomona_feature_reader_free(&reader);
    assert_null(reader);
}

static void refuses_what_does_not_fit(void **state) {
    (void)state;
    struct pomona_feature_reader *reader;
    static const char *const other[] = {"pomona.feature_space", "xyz", NULL}, *const odd[] = {"key", NULL};
    struct pomona_feature_writer_options options = {.properties = other};
    assert_failure(pomona_feature_reader_open(in_folder("none"), &reader, &error), POMONA_E_INPUT,
                   "none: cannot open");
    assert_failure(pomona_feature_reader_open(folder, &reader, &error), POMONA_E_INPUT, "no Parquet files");
    assert_null(reader);
    assert_int_equal(write_part(in_folder("a.parquet"), 0, 3, 4, NULL), POMONA_OK);
    assert_int_equal(write_part(in_folder("b.parquet"), 0, 3, 4, &options), POMONA_OK);
    assert_failure(pomona_feature_reader_open(folder, &reader, &error), POMONA_E_INPUT,
                   "b.parquet: is of another feature space (xyz)");
    options = (struct pomona_feature_writer_options){.overwrite = true};
    assert_failure(write_part(in_folder("b.parquet"), 0, 3, 5, NULL), POMONA_E_EXISTS, "b.parquet: exists");
    assert_int_equal(write_part(in_folder("b.parquet"), 0, 3, 5, &options), POMONA_OK);
    assert_int_equal(pomona_feature_reader_open(folder, &reader, &error), POMONA_OK);
    struct pomona_feature_row row;
    bool has_row;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pomona_feature_reader_next(reader, &row, &has_row, &error), POMONA_OK);
    assert_failure(pomona_feature_reader_next(reader, &row, &has_row, &error), POMONA_E_INPUT,
                   "b.parquet: row 0 has 5 features, the first row of the table 4");
    assert_failure(pomona_feature_reader_next(reader, &row, &has_row, &error), POMONA_E_INPUT,
                   "failed before");
    pomona_feature_reader_free(&reader);
    struct pomona_feature_writer *writer;
    options = (struct pomona_feature_writer_options){.properties = odd};
    assert_failure(pomona_feature_writer_open(in_folder("c"), 4, &options, &writer, &error), POMONA_E_USAGE,
                   "\"key\"");
    options = (struct pomona_feature_writer_options){.compression = "lzma"};
    assert_failure(pomona_feature_writer_open(in_folder("c"), 4, &options, &writer, &error), POMONA_E_USAGE,
                   "lzma");
    assert_failure(pomona_feature_writer_open(in_folder("c"), 0, NULL, &writer, &error), POMONA_E_USAGE,
                   "0 features");
    assert_failure(pomona_feature_writer_open(in_folder("no/c"), 4, NULL, &writer, &error), POMONA_E_IO,
                   "no/c");
    assert_null(writer);
}

/* Other shapes of table, written by the internal writer: one row of these cells. */
static void write_row(const char *name, const struct table_column *columns, int count,
                      const struct table_cell *cells) {
    struct buffer file = BUFFER_INIT(1 << 20);
    struct parquet_writer *writer;
    assert_int_equal(parquet_writer_new(sink_to_buffer(&file), columns, count, NULL, &writer, &error),
                     POMONA_OK);
    assert_int_equal(parquet_writer_add(writer, cells, &error), POMONA_OK);
    assert_int_equal(parquet_writer_finish(writer, &error), POMONA_OK);
    assert_int_equal(file_write(in_folder(name), file.data, file.size, &error), POMONA_OK);
    parquet_writer_free(&writer);
    buffer_free(&file);
}

static void reads_doubles_vectors_and_tables_without_labels(void **state) {
    (void)state;
    static const enum table_type types[] = {TABLE_DOUBLE_LIST, TABLE_SPARK_VECTOR};
    const double values[] = {1.0 / 3.0, -2.0};
    for (int i = 0; i < 2; i++) {
        struct pomona_feature_reader *reader;
        struct pomona_feature_info info;
        struct pomona_feature_row row;
        bool has_row;
        struct table_column columns[] = {
            {"extra", TABLE_BOOLEAN}, {"features", types[i]}, {"path", TABLE_TEXT}};
        struct table_cell cells[] = {cell_boolean(true), cell_doubles(values, 2), cell_text("a")};
        write_row("t.parquet", columns, 3, cells);
        assert_int_equal(pomona_feature_reader_open(in_folder("t.parquet"), &reader, &error), POMONA_OK);
        pomona_feature_reader_info(reader, &info);
        assert_true(info.doubles && !info.labelled && info.features == 2);
        assert_int_equal(pomona_feature_reader_next(reader, &row, &has_row, &error), POMONA_OK);
        assert_true(has_row && row.doubles[0] == 1.0 / 3.0 && row.features[0] == (float)(1.0 / 3.0));
        assert_null(row.label);
        pomona_feature_reader_free(&reader);
    }
}

static void names_bad_rows_and_columns(void **state) {
    (void)state;
    struct pomona_feature_reader *reader;
    const float value = 1;
    struct table_column columns[] = {
        {"path", TABLE_TEXT}, {"features", TABLE_FLOAT_LIST}, {"label", TABLE_TEXT}};
    struct table_cell good[] = {cell_text("a"), cell_floats(&value, 1), cell_null()};
    const char *path = in_folder("t.parquet");
    struct table_cell cells[3];
#define WITH(index, cell)                                                                                    \
    (memcpy(cells, good, sizeof cells), cells[index] = (cell), write_row("t.parquet", columns, 3, cells))
    WITH(0, cell_null());
    assert_failure(pomona_feature_reader_open(path, &reader, &error), POMONA_E_INPUT,
                   "t.parquet: row 0: path is null");
    WITH(0, cell_text_of("a\0b", 3));
    assert_failure(pomona_feature_reader_open(path, &reader, &error), POMONA_E_CORRUPT, "path is not a text");
    WITH(1, cell_null());
    assert_failure(pomona_feature_reader_open(path, &reader, &error), POMONA_E_INPUT, "features is null");
    WITH(1, cell_floats(&value, 0));
    assert_failure(pomona_feature_reader_open(path, &reader, &error), POMONA_E_INPUT, "features is empty");
#undef WITH
    columns[0].name = "Path";
    write_row("t.parquet", columns, 3, good);
    assert_failure(pomona_feature_reader_open(path, &reader, &error), POMONA_E_INPUT,
                   "has no column \"path\"");
    columns[0].name = "path";
    columns[1].type = TABLE_TEXT;
    struct table_cell texts[] = {cell_text("a"), cell_text("b"), cell_null()};
    write_row("t.parquet", columns, 3, texts);
    assert_failure(pomona_feature_reader_open(path, &reader, &error), POMONA_E_INPUT, "no lists of floats");
    columns[1].name = "feature";
    write_row("t.parquet", columns, 3, texts);
    assert_failure(pomona_feature_reader_open(path, &reader, &error), POMONA_E_INPUT,
                   "has no column \"features\"");
    struct table_cell numbers[] = {cell_text("a"), cell_floats(&value, 1), cell_integer(4)};
    columns[1] = (struct table_column){"features", TABLE_FLOAT_LIST};
    columns[2].type = TABLE_INT64;
    write_row("t.parquet", columns, 3, numbers);
    assert_failure(pomona_feature_reader_open(path, &reader, &error), POMONA_E_INPUT,
                   "\"label\" holds no texts");
    assert_int_equal(mkdir(in_folder("d.parquet"), 0777), 0);
    assert_failure(pomona_feature_reader_open(in_folder("d.parquet"), &reader, &error), POMONA_E_INPUT,
                   "no Parquet files");
    assert_failure(pomona_feature_reader_open("/dev/null", &reader, &error), POMONA_E_INPUT,
                   "not a regular file");
}

/* What was not finished leaves nothing behind. */
static void removes_an_unfinished_file(void **state) {
    (void)state;
    struct pomona_feature_writer *writer = NULL;
    const float value = 1;
    assert_int_equal(pomona_feature_writer_open(in_folder("t.parquet"), 1, NULL, &writer, &error), POMONA_OK);
    assert_int_equal(pomona_feature_writer_add(writer, "a", NULL, &value, &error), POMONA_OK);
    assert_failure(pomona_feature_writer_add(writer, "\xFF", NULL, &value, &error), POMONA_E_INPUT,
                   "not UTF-8");
    assert_failure(pomona_feature_writer_add(writer, NULL, NULL, &value, &error), POMONA_E_USAGE,
                   "needs a path");
    pomona_feature_writer_free(&writer);
    assert_null(writer);
    pomona_feature_writer_free(&writer);
    assert_int_equal(rmdir(folder), 0);
}

static void survives_every_failed_allocation(void **state) {
    (void)state;
    struct pomona_feature_writer_options options = {.overwrite = true};
    assert_int_equal(write_part(in_folder("b.parquet"), 0, 20, 4, NULL), POMONA_OK);
    for (long k = 1;; k++) {
        fail_allocation(k);
        pomona_status status = write_part(in_folder("a.parquet"), 0, 20, 4, &options);
        int failed = failed_allocation();
        fail_allocation(0);
        assert_int_equal(status, failed ? POMONA_E_MEMORY : POMONA_OK);
        if (!failed) break;
    }
    for (long k = 1;; k++) {
        struct pomona_feature_reader *reader;
        struct pomona_feature_row row;
        bool has_row = true;
        fail_allocation(k);
        pomona_status status = pomona_feature_reader_open(folder, &reader, &error);
        while (status == POMONA_OK && has_row)
            status = pomona_feature_reader_next(reader, &row, &has_row, &error);
        pomona_feature_reader_free(&reader);
        int failed = failed_allocation();
        fail_allocation(0);
        assert_int_equal(status, failed ? POMONA_E_MEMORY : POMONA_OK);
        if (!failed) break;
    }
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(reads_a_folder_in_the_order_of_names),
        IN_FOLDER(refuses_what_does_not_fit),
        IN_FOLDER(reads_doubles_vectors_and_tables_without_labels),
        IN_FOLDER(names_bad_rows_and_columns),
        cmocka_unit_test_setup(removes_an_unfinished_file, make_folder),
        IN_FOLDER(survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
