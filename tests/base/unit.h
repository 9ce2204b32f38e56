/* cmocka and the headers it wants before it. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

/* cmocka's macro would hide the function of base/error.h. */
#undef fail
#undef fail_msg
#define fail_msg(...) (print_error("ERROR: " __VA_ARGS__), print_error("\n"), _fail(__FILE__, __LINE__))

/* A failure with this code, and with a message that contains `part`. */
#define assert_failure(expression, expected_code, part)                                                      \
    do {                                                                                                     \
        memset(&error, 0, sizeof error);                                                                     \
        assert_int_equal((expression), (expected_code));                                                     \
        assert_int_equal(error.code, (expected_code));                                                       \
        if (!strstr(error.message, (part))) fail_msg("'%s' lacks '%s'", error.message, (part));              \
    } while (0)

#endif
