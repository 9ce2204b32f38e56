#include "base/time_text.h"
#include "unit.h"

#include <string.h>

static void test_iso(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {{"1970-01-01", 0},
                {"1970-01-01T00:00:01Z", 1},
                {"1969-12-31T23:59:59Z", -1},
                {"2001-09-09T01:46:40Z", 1000000000},
                {"2001-09-09T03:46:40+02:00", 1000000000},
                {"2001-09-09T03:46:40+0200", 1000000000},
                {"2001-09-09 03:46:40.999+02", 1000000000},
                {"2001-09-08T21:16:40-04:30", 1000000000},
                {"2000-02-29", 951782400},
                {"2100-03-01", 4107542400},
                {"0001-01-01", -62135596800},
                {"9999-12-31T23:59:59Z", 253402300799}};
    int64_t seconds;
    char text[32];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!time_parse_iso(good[i].text, &seconds)) fail_msg("%s", good[i].text);
        assert_int_equal(seconds, good[i].seconds);
    }
    time_format_iso(1000000000, text);
    assert_string_equal(text, "2001-09-09T01:46:40Z");
    static const char *const bad[] = {"",
                                      "2001",
                                      "2001-9-9",
                                      "2001-02-29",
                                      "2100-02-29",
                                      "0000-01-01",
                                      "2001-09-09T",
                                      "2001-09-09T24:00",
                                      "2001-00-01",
                                      "2001-09-09T1:2",
                                      "2001-09-09T01:46x",
                                      "2001-09-09T01:46:40.Z",
                                      "@1",
                                      "24h",
                                      "2001-09-09T01:46+1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (time_parse_iso(bad[i], &seconds)) fail_msg("'%s' was taken", bad[i]);
}

static void test_since(void **state) {
    (void)state;
    int64_t seconds;
    assert_true(time_parse_since("@-5", 100, &seconds) && seconds == -5);
    assert_true(time_parse_since("90s", 100, &seconds) && seconds == 10);
    assert_true(time_parse_since("2w", 2000000, &seconds) && seconds == 2000000 - 14 * 86400);
    assert_true(time_parse_since("1970-01-02", 0, &seconds) && seconds == 86400);
    assert_true(time_is_relative("24h") && time_is_relative("7d") && !time_is_relative("@7"));
    static const char *const bad[] = {"", "h", "-1h", "7", "7 d", "7y", "@", "@1.5", "99999999999999999d"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (time_parse_since(bad[i], 0, &seconds)) fail_msg("'%s' was taken", bad[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_iso), cmocka_unit_test(test_since)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
