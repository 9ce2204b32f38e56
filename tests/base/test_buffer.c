#include "base/buffer.h"
#include "failing.h"
#include "unit.h"

#include <string.h>

static struct pomona_error error;

static void grows_and_keeps_what_it_has(void **state) {
    (void)state;
    struct buffer buffer = BUFFER_INIT(1 << 20);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(buffer_append_byte(&buffer, (uint8_t)(i * 7), &error), POMONA_OK);
    assert_int_equal(buffer.size, 10000);
    for (int i = 0; i < 10000; i++) assert_int_equal(buffer.data[i], (uint8_t)(i * 7));
    buffer_clear(&buffer);
    assert_int_equal(buffer.size, 0);
    assert_true(buffer.capacity >= 10000);
    buffer_free(&buffer);
    buffer_free(&buffer);
    assert_int_equal(buffer.limit, 1 << 20);
}

static void appending_nothing_is_allowed(void **state) {
    (void)state;
    struct buffer buffer = BUFFER_INIT(0);
    assert_int_equal(buffer_append(&buffer, NULL, 0, &error), POMONA_OK);
    assert_int_equal(buffer.size, 0);
    buffer_free(&buffer);
}

static void the_limit_holds_to_the_byte(void **state) {
    (void)state;
    struct buffer buffer = BUFFER_INIT(1000);
    char block[1000] = {0};
    assert_int_equal(buffer_append(&buffer, block, 999, &error), POMONA_OK);
    assert_int_equal(buffer_append(&buffer, block, 1, &error), POMONA_OK);
    assert_failure(buffer_append(&buffer, block, 1, &error), POMONA_E_LIMIT, "1000");
    assert_failure(buffer_reserve(&buffer, SIZE_MAX, &error), POMONA_E_LIMIT, "1000");
    assert_int_equal(buffer.size, 1000);
    assert_true(buffer.capacity <= 1000);
    buffer_free(&buffer);
}

static void prints_and_terminates(void **state) {
    (void)state;
    struct buffer buffer = BUFFER_INIT(100);
    const char *text = NULL;
    assert_int_equal(buffer_append_text(&buffer, "a=", &error), POMONA_OK);
    assert_int_equal(buffer_printf(&buffer, &error, "%d,%s", 42, "x"), POMONA_OK);
    assert_int_equal(buffer_terminate(&buffer, &text, &error), POMONA_OK);
    assert_string_equal(text, "a=42,x");
    assert_int_equal(buffer.size, 6);
    assert_failure(buffer_printf(&buffer, &error, "%200d", 1), POMONA_E_LIMIT, "100");
    assert_int_equal(buffer.size, 6);
    buffer_free(&buffer);
}

static void no_memory_is_an_error_and_keeps_the_data(void **state) {
    (void)state;
    struct buffer buffer = BUFFER_INIT(1 << 20);
    char block[4096] = {0};
    assert_int_equal(buffer_append_text(&buffer, "kept", &error), POMONA_OK);
    fail_allocation(1);
    assert_failure(buffer_append(&buffer, block, sizeof block, &error), POMONA_E_MEMORY, "memory");
    assert_true(failed_allocation());
    assert_int_equal(buffer.size, 4);
    assert_memory_equal(buffer.data, "kept", 4);
    buffer_free(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_keeps_what_it_has), cmocka_unit_test(appending_nothing_is_allowed),
        cmocka_unit_test(the_limit_holds_to_the_byte), cmocka_unit_test(prints_and_terminates),
        cmocka_unit_test(no_memory_is_an_error_and_keeps_the_data)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
