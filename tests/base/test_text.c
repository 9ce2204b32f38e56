#include "base/text.h"
#include "unit.h"

#include <limits.h>
#include <string.h>

/* A plain decoder to compare with: every byte string of up to 4 bytes that starts with `lead` is put to both. */
static size_t expected_length(const unsigned char *t, size_t size) {
    static const unsigned long least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = t[0] < 0x80 ? 1 : t[0] >> 5 == 6 ? 2 : t[0] >> 4 == 14 ? 3 : t[0] >> 3 == 30 ? 4 : 0;
    if (length == 0 || length > size) return 0;
    if (length == 1) return 1;
    unsigned long code = t[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (t[i] >> 6 != 2) return 0;
        code = code << 6 | (t[i] & 0x3F);
    }
    if (code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return 0;
    return length;
}

static void utf8_is_rfc_3629(void **state) {
    (void)state;
    static const unsigned char thirds[] = {0x00, 0x7F, 0x80, 0xA0, 0xBF, 0xC0, 0xFF};
    for (unsigned lead = 0; lead < 256; lead++)
        for (unsigned second = 0; second < 256; second++)
            for (size_t k = 0; k < sizeof thirds; k++)
                for (size_t size = 1; size <= 4; size++) {
                    unsigned char text[4] = {(unsigned char)lead, (unsigned char)second, thirds[k],
                                             thirds[k]};
                    assert_int_equal(utf8_sequence((const char *)text, size), expected_length(text, size));
                }
    assert_int_equal(utf8_sequence("", 0), 0);
}

static void printable_text_is_one_line(void **state) {
    (void)state;
    char out[64];
    assert_int_equal(text_printable("caf\xC3\xA9 \xE2\x82\xAC", out, sizeof out), 9);
    assert_string_equal(out, "caf\xC3\xA9 \xE2\x82\xAC");
    text_printable("\n\t\x7F\x80\xC3", out, sizeof out);
    assert_string_equal(out, "\\x0A\\x09\\x7F\\x80\\xC3");
    for (size_t capacity = 1; capacity < 12; capacity++) { /* cut only between characters */
        size_t length = text_printable("\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC", out, capacity);
        assert_int_equal(length, (capacity - 1) / 3 * 3);
        assert_int_equal(strlen(out), length);
    }
}

static void invalid_bytes_are_percent_encoded(void **state) {
    (void)state;
    char out[16];
    assert_int_equal(text_percent_encode_invalid("a\xFF\xC3\xA9", out, sizeof out), 6);
    assert_string_equal(out, "a%FF\xC3\xA9");
    assert_int_equal(text_percent_encode_invalid("50%", out, sizeof out), 3);
    assert_string_equal(out, "50%");
    assert_int_equal(text_percent_encode_invalid("", out, sizeof out), 0);
    assert_string_equal(out, "");
    assert_int_equal(text_percent_encode_invalid("\xFF", NULL, 0), 3);
}

static void what_does_not_fit_is_cut_whole(void **state) {
    (void)state;
    static const char full[] = "a%FFb%FEc";
    for (size_t capacity = 1; capacity <= sizeof full; capacity++) {
        char out[32];
        memset(out, '#', sizeof out);
        assert_int_equal(text_percent_encode_invalid("a\xFF"
                                                     "b\xFE"
                                                     "c",
                                                     out, capacity),
                         strlen(full));
        assert_true(strlen(out) < capacity);
        assert_memory_equal(out, full, strlen(out)); /* a beginning of the whole, without gaps */
        assert_int_equal(out[capacity], '#');
    }
}

static void integers_fill_the_text_and_the_range(void **state) {
    (void)state;
    long long value = 77;
    assert_true(text_parse_int("0", 0, 10, &value));
    assert_int_equal(value, 0);
    assert_true(text_parse_int("-12", -12, -12, &value));
    assert_int_equal(value, -12);
    assert_true(text_parse_int("9223372036854775807", 0, LLONG_MAX, &value));
    assert_true(value == LLONG_MAX);
    static const char *const bad[] = {"",   " 1",   "\t1", "1 ",           "1x",
                                      "+1", "0x10", "1.0", "--1",          "-",
                                      "11", "-1",   "1e1", "\xEF\xBC\x99", "9223372036854775808"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        value = 77;
        if (text_parse_int(bad[i], 0, 10, &value)) fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(value, 77);
    }
    assert_false(text_parse_int(NULL, 0, 1, &value));
}

/* The values are those of an independent computation. */
static void test_hash(void **state) {
    (void)state;
    assert_true(text_hash("") == 0x8570e254d5cb36d5u);
    assert_true(text_hash("\xC3\xA9.jpg") == 0xf617d5c342800109u);
}

static void bytes_become_hexadecimal(void **state) {
    (void)state;
    static const uint8_t bytes[] = {0x00, 0x09, 0x0a, 0x5f, 0xa0, 0xff};
    char out[16];
    memset(out, '#', sizeof out);
    text_hex(bytes, sizeof bytes, out);
    assert_string_equal(out, "00090a5fa0ff");
    assert_int_equal(out[2 * sizeof bytes + 1], '#');
    text_hex(NULL, 0, out);
    assert_string_equal(out, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(utf8_is_rfc_3629),
                                       cmocka_unit_test(printable_text_is_one_line),
                                       cmocka_unit_test(invalid_bytes_are_percent_encoded),
                                       cmocka_unit_test(what_does_not_fit_is_cut_whole),
                                       cmocka_unit_test(integers_fill_the_text_and_the_range),
                                       cmocka_unit_test(test_hash),
                                       cmocka_unit_test(bytes_become_hexadecimal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
