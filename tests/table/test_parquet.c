/* Writer and reader against each other. */
#include "tables.h"
#include "unit.h"

#include <stdio.h>

static struct pomona_error error;

static void assert_round_trip(int64_t rows, const struct parquet_options *options) {
    struct buffer file = BUFFER_INIT(SIZE_MAX);
    bool same = false;
    assert_int_equal(test_write(sink_to_buffer(&file), rows, options, &error), POMONA_OK);
    if (test_read(file.data, file.size, rows, &same, &error) != POMONA_OK) fail_msg("%s", error.message);
    assert_true(same);
    buffer_free(&file);
}

static void round_trips_for_every_option(void **state) {
    (void)state;
    static const int64_t rows[] = {0, 1, 2, 7, 8, 9, 300};
    static const size_t sizes[][3] = {{0, 0, 0}, {1, 1, 1}, {3000, 500, 60}, {100000, 100, 0}};
    for (int codec = PARQUET_SNAPPY; codec <= PARQUET_UNCOMPRESSED; codec++)
        for (int lists = PARQUET_LISTS_LEGACY; lists <= PARQUET_LISTS_STANDARD; lists++)
            for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
                    struct parquet_options options = {.codec = (enum parquet_codec)codec,
                                                      .lists = (enum parquet_lists)lists,
                                                      .row_group_bytes = sizes[j][0],
                                                      .page_bytes = sizes[j][1],
                                                      .dictionary_bytes = sizes[j][2],
                                                      .omit_crc = i % 2 == 1};
                    assert_round_trip(rows[i], &options);
                }
}

/* Pages end after whole rows, so every number of rows around a boundary must come back. */
static void round_trips_around_page_and_group_boundaries(void **state) {
    (void)state;
    struct parquet_options options = {.row_group_bytes = 2048, .page_bytes = 256};
    for (int64_t rows = 0; rows < 120; rows++) assert_round_trip(rows, &options);
}

static void writes_the_same_bytes_again(void **state) {
    (void)state;
    struct buffer first = BUFFER_INIT(SIZE_MAX), second = BUFFER_INIT(SIZE_MAX);
    assert_int_equal(test_write(sink_to_buffer(&first), 500, NULL, &error), POMONA_OK);
    assert_int_equal(test_write(sink_to_buffer(&second), 500, NULL, &error), POMONA_OK);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    buffer_free(&first);
    buffer_free(&second);
}

struct counting_sink {
    struct buffer *file;
    size_t largest; /* bytes of one write */
};

static pomona_status count_write(void *self, const void *data, size_t size, struct pomona_error *errors) {
    struct counting_sink *counting = self;
    if (size > counting->largest) counting->largest = size;
    return buffer_append(counting->file, data, size, errors);
}

/* A column of distinct texts outgrows its dictionary in every row group; one of few does not, and is far smaller. */
static void gives_up_a_dictionary_that_grows(void **state) {
    (void)state;
    enum { ROWS = 100000 };
    static const struct table_column columns[] = {{"many", TABLE_TEXT}, {"few", TABLE_TEXT}};
    struct buffer file = BUFFER_INIT(SIZE_MAX);
    struct counting_sink counting = {&file, 0};
    struct parquet_options options = {.row_group_bytes = 1 << 20, .page_bytes = 1 << 16};
    struct parquet_writer *writer;
    assert_int_equal(
        parquet_writer_new((struct sink){&counting, count_write}, columns, 2, &options, &writer, &error),
        POMONA_OK);
    char many[32], few[32];
    for (int row = 0; row < ROWS; row++) {
        /* A few texts come first, so that the first pages are worth a dictionary. */
        snprintf(many, sizeof many, "label %d", row < 30000 ? row % 100 : row);
        snprintf(few, sizeof few, "label %d", row % 10);
        struct table_cell cells[] = {cell_text(many), cell_text(few)};
        assert_int_equal(parquet_writer_add(writer, cells, &error), POMONA_OK);
    }
    assert_int_equal(parquet_writer_finish(writer, &error), POMONA_OK);
    assert_int_equal(parquet_writer_rows(writer), ROWS);
    assert_int_equal(parquet_writer_bytes(writer), file.size);
    assert_true(counting.largest < (2 << 20));
    parquet_writer_free(&writer);

    struct source_memory memory;
    struct parquet_reader *reader;
    bool has_row;
    assert_int_equal(
        parquet_reader_open(source_from_memory("t", file.data, file.size, &memory), &reader, &error),
        POMONA_OK);
    assert_int_equal(parquet_reader_rows(reader), ROWS);
    assert_int_equal(parquet_reader_select(reader, (int[]){0, 1}, 2, &error), POMONA_OK);
    for (int row = 0; row < ROWS; row++) {
        struct table_cell cells[2];
        assert_int_equal(parquet_reader_next(reader, cells, &has_row, &error), POMONA_OK);
        assert_true(has_row);
        snprintf(many, sizeof many, "label %d", row < 30000 ? row % 100 : row);
        snprintf(few, sizeof few, "label %d", row % 10);
        assert_int_equal(cells[0].count, strlen(many));
        assert_memory_equal(cells[0].text, many, cells[0].count);
        assert_int_equal(cells[1].count, strlen(few));
        assert_memory_equal(cells[1].text, few, cells[1].count);
    }
    assert_int_equal(parquet_reader_next(reader, NULL, &has_row, &error), POMONA_OK);
    assert_false(has_row);
    parquet_reader_free(&reader);
    buffer_free(&file);
}

static void refuses_bad_columns_and_options(void **state) {
    (void)state;
    struct buffer file = BUFFER_INIT(SIZE_MAX);
    struct sink sink = sink_to_buffer(&file);
    struct parquet_writer *writer;
    struct table_column twice[] = {{"a", TABLE_TEXT}, {"a", TABLE_INT64}};
    struct table_column bad_name = {"\xFF", TABLE_TEXT}, no_name = {"", TABLE_TEXT},
                        other = {"a", TABLE_OTHER};
    struct parquet_options huge = {.page_bytes = SIZE_MAX}, codec = {.codec = (enum parquet_codec)77};
    assert_failure(parquet_writer_new(sink, twice, 0, NULL, &writer, &error), POMONA_E_USAGE, "0 columns");
    assert_failure(parquet_writer_new(sink, twice, 2, NULL, &writer, &error), POMONA_E_USAGE,
                   "a: two columns");
    assert_failure(parquet_writer_new(sink, &bad_name, 1, NULL, &writer, &error), POMONA_E_USAGE,
                   "not a name");
    assert_failure(parquet_writer_new(sink, &no_name, 1, NULL, &writer, &error), POMONA_E_USAGE,
                   "not a name");
    assert_failure(parquet_writer_new(sink, &other, 1, NULL, &writer, &error), POMONA_E_USAGE,
                   "can't be written");
    assert_failure(parquet_writer_new(sink, twice, 1, &huge, &writer, &error), POMONA_E_USAGE, "too large");
    assert_failure(parquet_writer_new(sink, twice, 1, &codec, &writer, &error), POMONA_E_USAGE, "unknown");
    assert_null(writer);
    enum parquet_codec parsed_codec;
    enum parquet_lists parsed_lists;
    assert_failure(parquet_codec_parse("lzo", &parsed_codec, &error), POMONA_E_USAGE, "snappy, zstd or none");
    assert_failure(parquet_lists_parse("new", &parsed_lists, &error), POMONA_E_USAGE, "legacy or standard");
    assert_int_equal(file.size, 0);
}

/* A cell that can't be written leaves the row out, whole, and the writer goes on. */
static void leaves_out_rows_that_cannot_be_written(void **state) {
    (void)state;
    struct buffer file = BUFFER_INIT(SIZE_MAX);
    struct parquet_writer *writer;
    struct table_column columns[] = {{"n", TABLE_INT64}, {"t", TABLE_TEXT}, {"f", TABLE_FLOAT_LIST}};
    float value = 0;
    assert_int_equal(parquet_writer_new(sink_to_buffer(&file), columns, 3, NULL, &writer, &error), POMONA_OK);
    struct table_cell good[] = {cell_integer(1), cell_text("a"), cell_floats(&value, 1)};
    struct table_cell latin1[] = {cell_integer(2), cell_text("\xE9"), cell_floats(&value, 1)};
    struct table_cell huge[] = {cell_integer(3), cell_text("a"), cell_floats(&value, SIZE_MAX / 2)};
    assert_failure(parquet_writer_add(writer, latin1, &error), POMONA_E_INPUT, "t: text is not UTF-8");
    assert_int_equal(parquet_writer_add(writer, good, &error), POMONA_OK);
    assert_failure(parquet_writer_add(writer, huge, &error), POMONA_E_LIMIT, "f: a value of");
    assert_int_equal(parquet_writer_finish(writer, &error), POMONA_OK);
    assert_failure(parquet_writer_add(writer, good, &error), POMONA_E_USAGE, "finished");
    assert_failure(parquet_writer_finish(writer, &error), POMONA_E_USAGE, "finished");
    assert_int_equal(parquet_writer_rows(writer), 1);
    parquet_writer_free(&writer);
    buffer_free(&file);
}

static pomona_status full_disk(void *self, const void *data, size_t size, struct pomona_error *errors) {
    (void)data;
    (void)size;
    int *left = self;
    if ((*left)-- > 0) return POMONA_OK;
    return fail(errors, POMONA_E_IO, "disk", "full");
}

/* Whichever write fails, the failure comes out, and sticks. */
static void reports_a_full_disk_at_every_write(void **state) {
    (void)state;
    struct parquet_options options = {.row_group_bytes = 2048, .page_bytes = 256};
    int writes = 0;
    for (;; writes++) {
        int left = writes;
        if (test_write((struct sink){&left, full_disk}, 100, &options, &error) == POMONA_OK) break;
        assert_int_equal(error.code, POMONA_E_IO);
        assert_string_equal(error.message, "disk: full");
        assert_true(writes < 10000);
    }
    assert_true(writes > 20);
    int none = 0;
    struct parquet_writer *writer;
    struct table_cell cells[TEST_COLUMNS];
    test_row(0, cells);
    assert_int_equal(parquet_writer_new((struct sink){&none, full_disk}, test_columns, TEST_COLUMNS, NULL,
                                        &writer, &error),
                     POMONA_OK);
    assert_int_equal(parquet_writer_add(writer, cells, &error), POMONA_OK);
    assert_failure(parquet_writer_finish(writer, &error), POMONA_E_IO, "disk: full");
    assert_failure(parquet_writer_add(writer, cells, &error), POMONA_E_IO, "failed before");
    assert_failure(parquet_writer_finish(writer, &error), POMONA_E_IO, "failed before");
    parquet_writer_free(&writer);
}

static void keeps_footer_properties(void **state) {
    (void)state;
    struct buffer file = BUFFER_INIT(SIZE_MAX);
    struct table_property properties[] = {{"pomona.feature_space", "abc"}, {"k", ""}, {"k", "\xC3\xBC\"\n"}};
    struct parquet_options options = {.properties = properties, .property_count = 3};
    assert_int_equal(test_write(sink_to_buffer(&file), 3, &options, &error), POMONA_OK);
    struct source_memory memory;
    struct parquet_reader *reader;
    assert_int_equal(
        parquet_reader_open(source_from_memory("t", file.data, file.size, &memory), &reader, &error),
        POMONA_OK);
    assert_string_equal(parquet_reader_property(reader, "pomona.feature_space"), "abc");
    assert_string_equal(parquet_reader_property(reader, "k"), "\xC3\xBC\"\n");
    assert_string_equal(parquet_reader_property(reader, "org.apache.spark.version"), "3.5.1");
    assert_non_null(strstr(parquet_reader_property(reader, "org.apache.spark.sql.parquet.row.metadata"),
                           "{\"name\":\"features\",\"type\":{\"type\":\"array\",\"elementType\":\"float\","
                           "\"containsNull\":true},\"nullable\":true,\"metadata\":{}}"));
    assert_null(parquet_reader_property(reader, "K"));
    assert_failure(parquet_reader_select(reader, (int[]){TEST_COLUMNS}, 1, &error), POMONA_E_USAGE,
                   "no column 7");
    assert_failure(parquet_reader_next(reader, NULL, &(bool){false}, &error), POMONA_E_USAGE, "no columns");
    parquet_reader_free(&reader);
    buffer_free(&file);
}

static void destructors_accept_nothing(void **state) {
    (void)state;
    struct parquet_writer *writer = NULL;
    struct parquet_reader *reader = NULL;
    parquet_writer_free(NULL);
    parquet_writer_free(&writer);
    parquet_reader_free(NULL);
    parquet_reader_free(&reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips_for_every_option),
        cmocka_unit_test(round_trips_around_page_and_group_boundaries),
        cmocka_unit_test(writes_the_same_bytes_again),
        cmocka_unit_test(gives_up_a_dictionary_that_grows),
        cmocka_unit_test(refuses_bad_columns_and_options),
        cmocka_unit_test(leaves_out_rows_that_cannot_be_written),
        cmocka_unit_test(reports_a_full_disk_at_every_write),
        cmocka_unit_test(keeps_footer_properties),
        cmocka_unit_test(destructors_accept_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
