#include "base/error.h"
#include "base/text.h"
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static struct pomona_error error;

static void a_message_names_the_object_and_the_cause(void **state) {
    (void)state;
    assert_int_equal(fail(&error, POMONA_E_CORRUPT, "a.jpg", "truncated after %d bytes", 812),
                     POMONA_E_CORRUPT);
    assert_string_equal(error.message, "a.jpg: truncated after 812 bytes");
    assert_string_equal(error.where, "a.jpg");
    fail(&error, POMONA_E_USAGE, NULL, "no input");
    assert_string_equal(error.message, "no input");
    assert_string_equal(error.where, "");
    assert_int_equal(fail(NULL, POMONA_E_IO, "x", "y"), POMONA_E_IO);
}

static void a_hostile_name_stays_on_one_line(void **state) {
    (void)state;
    fail(&error, POMONA_E_INPUT, "a\nb\x1b[31m\xFF", "say \"%s\"", "c\rd");
    assert_string_equal(error.message, "a\\x0Ab\\x1B[31m\\xFF: say \"c\\x0Dd\"");
}

static void a_long_name_leaves_room_for_the_cause(void **state) {
    (void)state;
    char name[5000];
    for (size_t i = 0; i < sizeof name - 1; i += 2) memcpy(name + i, "\xC3\xA9", 2);
    name[sizeof name - 2] = '\0'; /* an even number of bytes: whole characters */
    fail(&error, POMONA_E_CORRUPT, name, "no end marker");
    assert_non_null(strstr(error.message, ": no end marker"));
    assert_true(strlen(error.where) < sizeof error.where);
    size_t size = strlen(error.message);
    for (size_t i = 0; i < size; i += utf8_sequence(error.message + i, size - i))
        assert_int_not_equal(utf8_sequence(error.message + i, size - i), 0);
    char cause[5000];
    memset(cause, 'x', sizeof cause);
    cause[sizeof cause - 1] = '\0';
    fail(&error, POMONA_E_CORRUPT, "name", "%s", cause);
    assert_true(strlen(error.message) < sizeof error.message);
}

static void system_errors_say_what_the_system_says(void **state) {
    (void)state;
    assert_failure(fail_errno(&error, ENOENT, 1, "a.jpg", "cannot open"), POMONA_E_INPUT,
                   "a.jpg: cannot open: No such file or directory");
    assert_int_equal(fail_errno(&error, ENOENT, 0, "a", "w"), POMONA_E_IO);
    assert_int_equal(fail_errno(&error, EACCES, 1, "a", "w"), POMONA_E_INPUT);
    assert_int_equal(fail_errno(&error, EIO, 1, "a", "w"), POMONA_E_IO);
    assert_failure(fail_errno(&error, ENOSPC, 0, "a", "w"), POMONA_E_IO, "No space left on device");
    assert_int_equal(fail_errno(&error, ENOMEM, 1, "a", "w"), POMONA_E_MEMORY);
    assert_failure(fail_memory(&error, "arena"), POMONA_E_MEMORY, "arena");
}

static void every_status_has_a_name_and_an_exit_code(void **state) {
    (void)state;
    static const struct {
        pomona_status status;
        int exit_code;
    } codes[] = {{POMONA_OK, 0},        {POMONA_E_USAGE, 1},      {POMONA_E_INPUT, 2},
                 {POMONA_E_CORRUPT, 2}, {POMONA_E_LIMIT, 2},      {POMONA_E_UNSUPPORTED, 2},
                 {POMONA_E_EXISTS, 2},  {POMONA_E_ERROR_ROWS, 3}, {POMONA_E_IO, 4},
                 {POMONA_E_MEMORY, 5},  {POMONA_E_INTERNAL, 5},   {POMONA_E_INTERRUPTED, 130}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        assert_int_equal(pomona_status_exit_code(codes[i].status), codes[i].exit_code);
        assert_string_not_equal(pomona_status_name(codes[i].status), "unknown status");
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(pomona_status_name(codes[i].status), pomona_status_name(codes[k].status));
    }
    static const int strange[] = {1, 1000, -12, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        assert_string_equal(pomona_status_name((pomona_status)strange[i]), "unknown status");
        assert_int_equal(pomona_status_exit_code((pomona_status)strange[i]), 5);
    }
}

static pomona_status twice(pomona_status first, int *calls) {
    TRY(first);
    ++*calls;
    return POMONA_OK;
}

static pomona_status with_exit(pomona_status first, int *calls) {
    pomona_status status;
    TRY_GOTO(first, status, done);
    ++*calls;
done:
    return status;
}

static void a_failure_is_forwarded(void **state) {
    (void)state;
    int calls = 0;
    assert_int_equal(twice(POMONA_E_LIMIT, &calls), POMONA_E_LIMIT);
    assert_int_equal(with_exit(POMONA_E_IO, &calls), POMONA_E_IO);
    assert_int_equal(calls, 0);
    assert_int_equal(twice(POMONA_OK, &calls), POMONA_OK);
    assert_int_equal(with_exit(POMONA_OK, &calls), POMONA_OK);
    assert_int_equal(calls, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_message_names_the_object_and_the_cause),
                                       cmocka_unit_test(a_hostile_name_stays_on_one_line),
                                       cmocka_unit_test(a_long_name_leaves_room_for_the_cause),
                                       cmocka_unit_test(system_errors_say_what_the_system_says),
                                       cmocka_unit_test(every_status_has_a_name_and_an_exit_code),
                                       cmocka_unit_test(a_failure_is_forwarded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
