/* CSV, read and written. */
#include "failing.h"
#include "table/csv.h"
#include "unit.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct pomona_error error;

/* Reads a text and renders its records as "[a|b][c|d]". */
static pomona_status render(const char *text, size_t size, struct buffer *out) {
    struct csv_reader reader;
    bool has_record = true;
    memset(&error, 0, sizeof error);
    char *copy = malloc(size ? size : 1); /* exactly sized, so that a read past the end is seen */
    assert_non_null(copy);
    memcpy(copy, text, size);
    buffer_clear(out);
    pomona_status status = csv_open(&reader, "labels.csv", copy, size, &error);
    while (status == POMONA_OK && has_record) {
        for (size_t i = 0; i < reader.columns && status == POMONA_OK; i++)
            status = buffer_printf(out, &error, "%s%s", i ? "|" : "[", csv_field(&reader, i));
        if (status == POMONA_OK) status = buffer_append_byte(out, ']', &error);
        if (status == POMONA_OK) status = csv_next(&reader, &has_record, &error);
    }
    csv_close(&reader);
    free(copy);
    return status;
}

static void reads_what_rfc_4180_allows(void **state) {
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"path,label", "[path|label]"},
        {"path,label\n", "[path|label]"},
        {"path,label\r\na,b\r\n", "[path|label][a|b]"},
        {"path,label\ra,b\r", "[path|label][a|b]"},
        {"\xEF\xBB\xBFpath,label\na,b", "[path|label][a|b]"},
        {"\n\npath,label\n\n\na,b\n\n", "[path|label][a|b]"},
        {"a,b\n,\n", "[a|b][|]"},
        {"a,b\nx,", "[a|b][x|]"},
        {"a\n\"\"\n", "[a][]"},
        {"\"a\",\"b\"\n\"x,y\",\"say \"\"hi\"\"\"\n", "[a|b][x,y|say \"hi\"]"},
        {"a,b\n\"one\r\ntwo\",\" c \"\n", "[a|b][one\r\ntwo| c ]"},
        {"a,b\n\"\"\"\",\"\"", "[a|b][\"|]"},
        {"caf\xC3\xA9,\xF0\x9F\x8D\x8E\n1,2", "[caf\xC3\xA9|\xF0\x9F\x8D\x8E][1|2]"},
    };
    struct buffer out = BUFFER_INIT(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text;
        if (render(cases[i].text, strlen(cases[i].text), &out) != POMONA_OK) fail_msg("%s", error.message);
        assert_int_equal(buffer_terminate(&out, &text, &error), POMONA_OK);
        assert_string_equal(text, cases[i].expected);
    }
    buffer_free(&out);
}

static void names_the_line_at_fault(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *expected;
    } cases[] = {
        {"", 0, "labels.csv: is empty"},
        {"\n\r\n", 3, "is empty"},
        {"\xFF\xFE"
         "a",
         3, "UTF-16"},
        {"a,b\n1,2,3\n", 10, "line 2: 3 fields, the header has 2"},
        {"a,b\n1,2\n\n1\n", 11, "line 4: 1 fields"},
        {"a,b\n\"x\ny\",2\nz\n", 15, "line 4: 1 fields"},
        {"a\n\"b", 4, "line 2: a quote is never closed"},
        {"a\n\"b\"c\n", 7, "line 2: text behind a closing quote"},
        {"a\nb\"c\"\n", 7, "line 2: a quote inside a field"},
        {"a\nb\xE9\n", 5, "line 2: a field is not UTF-8"},
        {"a\nb\0c\n", 6, "line 2: a field holds a NUL"},
    };
    struct buffer out = BUFFER_INIT(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_failure(render(cases[i].text, cases[i].size, &out), POMONA_E_INPUT, cases[i].expected);
    buffer_free(&out);
}

static void bounds_fields_and_records(void **state) {
    (void)state;
    enum { SIZE = CSV_RECORD_BYTES_MAX + 1 };
    char *text = malloc(SIZE);
    struct buffer out = BUFFER_INIT(SIZE_MAX);
    assert_non_null(text);
    memset(text, 'a', SIZE);
    assert_int_equal(render(text, SIZE, &out), POMONA_E_LIMIT);
    memset(text, ',', SIZE);
    assert_failure(render(text, SIZE, &out), POMONA_E_LIMIT, "more than 16384 fields");
    buffer_free(&out);
    free(text);
}

static void finds_columns(void **state) {
    (void)state;
    static const char text[] = "path,x,label,x\n";
    struct csv_reader reader;
    size_t index = 9;
    assert_int_equal(csv_open(&reader, "l.csv", text, sizeof text - 1, &error), POMONA_OK);
    assert_int_equal(csv_find(&reader, "label", &index, &error), POMONA_OK);
    assert_int_equal(index, 2);
    assert_failure(csv_find(&reader, "Label", &index, &error), POMONA_E_INPUT,
                   "l.csv: has no column \"Label\"");
    assert_failure(csv_find(&reader, "x", &index, &error), POMONA_E_INPUT, "two columns are named \"x\"");
    csv_close(&reader);
}

static void write_one(struct buffer *out, double value) {
    struct csv_writer writer = csv_start(sink_to_buffer(out), &error);
    buffer_clear(out);
    csv_number(&writer, value);
    assert_int_equal(csv_finish(&writer), POMONA_OK);
    assert_int_equal(buffer_append_byte(out, '\0', &error), POMONA_OK);
}

static void writes_doubles_that_read_back(void **state) {
    (void)state;
    struct buffer out = BUFFER_INIT(1 << 20);
    static const double values[] = {0.0,     -0.0,   0.1,         1.0 / 3.0, 2.0 / 3.0, 1e300,      DBL_MAX,
                                    DBL_MIN, 5e-324, 123456789.0, -1.5e-7,   0.1 + 0.2, DBL_EPSILON};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        write_one(&out, values[i]);
        double back = strtod((const char *)out.data, NULL);
        assert_memory_equal(&back, &values[i], sizeof back);
    }
    write_one(&out, 0.1);
    assert_string_equal((const char *)out.data, "0.1");
    write_one(&out, -NAN);
    assert_string_equal((const char *)out.data, "nan");
    write_one(&out, -INFINITY);
    assert_string_equal((const char *)out.data, "-inf");
    buffer_free(&out);
}

/* A program that asks for its user's locale still gets points. */
static void writes_points_in_every_locale(void **state) {
    (void)state;
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8"};
    struct buffer out = BUFFER_INIT(1 << 10);
    for (size_t i = 0; i < sizeof locales / sizeof *locales; i++) {
        if (!setlocale(LC_NUMERIC, locales[i])) continue; /* not on this machine */
        write_one(&out, -1.5e-7);
        setlocale(LC_NUMERIC, "C");
        assert_string_equal((const char *)out.data, "-1.5e-07");
    }
    buffer_free(&out);
}

static void reads_back_what_it_writes(void **state) {
    (void)state;
    struct buffer file = BUFFER_INIT(1 << 20), out = BUFFER_INIT(1 << 20);
    struct csv_writer writer = csv_start(sink_to_buffer(&file), &error);
    const char *text;
    csv_text(&writer, "a,\"b\"\n");
    csv_text(&writer, "");
    csv_text(&writer, "plain text");
    csv_end_record(&writer);
    csv_integer(&writer, INT64_MIN);
    csv_number(&writer, 0.5);
    csv_text(&writer, "\"");
    csv_end_record(&writer);
    csv_null(&writer);
    csv_null(&writer);
    csv_text(&writer, "x");
    csv_end_record(&writer);
    assert_int_equal(csv_finish(&writer), POMONA_OK);
    assert_int_equal(render((const char *)file.data, file.size, &out), POMONA_OK);
    assert_int_equal(buffer_terminate(&out, &text, &error), POMONA_OK);
    assert_string_equal(text, "[a,\"b\"\n||plain text][-9223372036854775808|0.5|\"][||x]");
    assert_int_equal(buffer_terminate(&file, &text, &error), POMONA_OK);
    assert_string_equal(text, "\"a,\"\"b\"\"\n\",\"\",plain text\n-9223372036854775808,0.5,\"\"\"\"\n,,x\n");
    buffer_free(&file);
    buffer_free(&out);
}

static pomona_status refuse(void *self, const void *data, size_t size, struct pomona_error *errors) {
    (void)self;
    (void)data;
    (void)size;
    return fail(errors, POMONA_E_IO, "disk", "full");
}

static void survives_failed_writes_and_allocations(void **state) {
    (void)state;
    static const char text[] = "path,label\n\"a\nb\",c\n";
    struct csv_writer writer = csv_start((struct sink){NULL, refuse}, &error);
    for (int i = 0; i < 20000; i++) {
        csv_text(&writer, "some text");
        csv_end_record(&writer);
    }
    assert_int_equal(csv_finish(&writer), POMONA_E_IO);
    assert_string_equal(error.message, "disk: full");
    for (long k = 1;; k++) {
        struct csv_reader reader;
        bool has_record;
        fail_allocation(k);
        pomona_status status = csv_open(&reader, "l", text, sizeof text - 1, &error);
        if (status == POMONA_OK) status = csv_next(&reader, &has_record, &error);
        csv_close(&reader);
        int failed = failed_allocation();
        fail_allocation(0);
        assert_int_equal(status, failed ? POMONA_E_MEMORY : POMONA_OK);
        if (!failed) break;
    }
}

/* Cut anywhere, a text gives the same records: a cut never lies inside one. */
static void reads_piece_by_piece(void **state) {
    (void)state;
    static const char text[] = "1,\"a\"\"\n,b\"\r\n2,x\r3,\"\r\n\"\n\n4,";
    static const char *const second[] = {"a\"\n,b", "x", "\r\n", ""};
    size_t size = sizeof text - 1;
    assert_int_equal(csv_whole_records("", 0, false), 0);
    assert_int_equal(csv_whole_records("1,2", 3, true), 3);
    for (size_t step = 1; step <= size; step++) {
        struct csv_reader csv;
        int found = 0;
        csv_open_rows(&csv, "pieces", 2);
        for (size_t from = 0, to = 0; from < size;) {
            to = to + step < size ? to + step : size;
            size_t whole = csv_whole_records(text + from, to - from, to == size);
            csv_more(&csv, text + from, whole);
            from += whole;
            for (;;) {
                bool has_record;
                if (csv_next(&csv, &has_record, &error) != POMONA_OK) fail_msg("%s", error.message);
                if (!has_record) break;
                assert_int_equal(csv_field(&csv, 0)[0], '1' + found);
                assert_string_equal(csv_field(&csv, 1), second[found++]);
            }
        }
        assert_int_equal(found, 4);
        csv_close(&csv);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_rfc_4180_allows),
        cmocka_unit_test(names_the_line_at_fault),
        cmocka_unit_test(bounds_fields_and_records),
        cmocka_unit_test(reads_piece_by_piece),
        cmocka_unit_test(finds_columns),
        cmocka_unit_test(writes_doubles_that_read_back),
        cmocka_unit_test(writes_points_in_every_locale),
        cmocka_unit_test(reads_back_what_it_writes),
        cmocka_unit_test(survives_failed_writes_and_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
