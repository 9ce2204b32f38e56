#include "base/json.h"
#include "failing.h"
#include "unit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct pomona_error error;

static void a_document_is_laid_out(void **state) {
    (void)state;
    struct buffer out = BUFFER_INIT(4096);
    const char *text = NULL;
    struct json json = json_start(&out, &error);
    json_object(&json, NULL);
    json_text(&json, "name", "a");
    json_array(&json, "rows");
    json_integer(&json, NULL, 1);
    json_integer(&json, NULL, INT64_MIN);
    json_array_end(&json);
    json_object(&json, "empty");
    json_object_end(&json);
    json_array(&json, "none");
    json_array_end(&json);
    json_boolean(&json, "yes", true);
    json_text(&json, "nothing", NULL);
    json_object_end(&json);
    assert_int_equal(json_finish(&json), POMONA_OK);
    assert_int_equal(buffer_terminate(&out, &text, &error), POMONA_OK);
    assert_string_equal(text,
                        "{\n  \"name\": \"a\",\n  \"rows\": [\n    1,\n    -9223372036854775808\n  ],\n"
                        "  \"empty\": {},\n  \"none\": [],\n  \"yes\": true,\n  \"nothing\": null\n}\n");
    buffer_free(&out);
}

static void a_document_fits_on_a_line(void **state) {
    (void)state;
    struct buffer out = BUFFER_INIT(4096);
    const char *text = NULL;
    struct json json = json_start_line(&out, &error);
    json_object(&json, NULL);
    json_text(&json, "a", "b\n");
    json_array(&json, "rows");
    json_integer(&json, NULL, 1);
    json_integer(&json, NULL, 2);
    json_array_end(&json);
    json_object_end(&json);
    assert_int_equal(json_finish(&json), POMONA_OK);
    assert_int_equal(buffer_terminate(&out, &text, &error), POMONA_OK);
    assert_string_equal(text, "{\"a\": \"b\\u000a\", \"rows\": [1, 2]}\n");
    buffer_free(&out);
}

static void one_text(const char *value, const char *expected) {
    struct buffer out = BUFFER_INIT(4096);
    const char *text = NULL;
    struct json json = json_start(&out, &error);
    json_text(&json, NULL, value);
    assert_int_equal(json_finish(&json), POMONA_OK);
    assert_int_equal(buffer_terminate(&out, &text, &error), POMONA_OK);
    assert_string_equal(text, expected);
    buffer_free(&out);
}

static void text_is_escaped(void **state) {
    (void)state;
    one_text("", "\"\"\n");
    one_text("a\"b\\c/", "\"a\\\"b\\\\c/\"\n");
    one_text("\n\t\x01\x1F", "\"\\u000a\\u0009\\u0001\\u001f\"\n");
    one_text("caf\xC3\xA9 \xF0\x9F\x8D\x8E", "\"caf\xC3\xA9 \xF0\x9F\x8D\x8E\"\n");
    one_text("a\xFF\xC3", "\"a%FF%C3\"\n");
}

static void one_number(double value, const char *expected) {
    struct buffer out = BUFFER_INIT(4096);
    const char *text = NULL;
    struct json json = json_start(&out, &error);
    json_number(&json, NULL, value);
    assert_int_equal(json_finish(&json), POMONA_OK);
    assert_int_equal(buffer_terminate(&out, &text, &error), POMONA_OK);
    if (expected)
        assert_string_equal(text, expected);
    else
        assert_true(strtod(text, NULL) == value);
    buffer_free(&out);
}

static void numbers_are_short_and_read_back(void **state) {
    (void)state;
    one_number(0.1, "0.1\n");
    one_number(1, "1\n");
    one_number(-2.5, "-2.5\n");
    one_number((double)NAN, "null\n");
    one_number((double)INFINITY, "null\n");
    one_number(-(double)INFINITY, "null\n");
    one_number(1.0 / 3, NULL);
    one_number(DBL_MAX, NULL);
    one_number(DBL_MIN, NULL);
    one_number(4.9406564584124654e-324, NULL);
    one_number(0.1 + 0.2, "0.30000000000000004\n");
}

static void the_first_failure_sticks(void **state) {
    (void)state;
    struct buffer out = BUFFER_INIT(20);
    struct json json = json_start(&out, &error);
    json_object(&json, NULL);
    json_text(&json, "key", "a text that does not fit into this buffer");
    size_t size = out.size;
    json_integer(&json, "n", 1);
    json_object_end(&json);
    assert_int_equal(json_finish(&json), POMONA_E_LIMIT);
    assert_non_null(strstr(error.message, "20"));
    assert_int_equal(out.size, size);
    buffer_free(&out);
}

static void no_memory_is_an_error(void **state) {
    (void)state;
    struct buffer out = BUFFER_INIT(4096);
    fail_allocation(1);
    struct json json = json_start(&out, &error);
    json_array(&json, NULL);
    json_array_end(&json);
    assert_int_equal(json_finish(&json), POMONA_E_MEMORY);
    assert_true(failed_allocation());
    buffer_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_laid_out),   cmocka_unit_test(a_document_fits_on_a_line),
        cmocka_unit_test(text_is_escaped),          cmocka_unit_test(numbers_are_short_and_read_back),
        cmocka_unit_test(the_first_failure_sticks), cmocka_unit_test(no_memory_is_an_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
