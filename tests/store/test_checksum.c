/* Checksums against published values, in one piece and in pieces of any order. */
#include "store/checksum.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"

#include <string.h>

/* RFC 3720, appendix B.4, whose bytes are those of the little-endian number. */
static void test_published(void **state) {
    uint8_t data[32] = {0};
    char text[9], hex[33];
    (void)state;
    assert_int_equal(crc32c(0, data, 32), 0x8a9136aa);
    memset(data, 0xff, sizeof data);
    assert_int_equal(crc32c(0, data, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++) data[i] = (uint8_t)i;
    assert_int_equal(crc32c(0, data, 32), 0x46dd794e);
    for (int i = 0; i < 32; i++) data[i] = (uint8_t)(31 - i);
    assert_int_equal(crc32c(0, data, 32), 0x113fdb5c);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    crc_base64(0xe3069283, text);
    assert_string_equal(text, "4waSgw==");
    assert_true(md5_hex("abc", 3, hex));
    assert_string_equal(hex, "900150983cd24fb0d6963f7d28e17f72");
}

/* All ways of cutting bytes in three; the last piece first. */
static void test_pieces(void **state) {
    enum { SIZE = 67 };
    uint8_t data[SIZE];
    (void)state;
    for (int i = 0; i < SIZE; i++) data[i] = (uint8_t)(i * 37 + 11);
    uint32_t whole = crc32c(0, data, SIZE);
    for (size_t a = 0; a <= SIZE; a++) {
        assert_int_equal(crc32c(crc32c(0, data, a), data + a, SIZE - a), whole);
        for (size_t b = a; b <= SIZE; b++) {
            uint32_t sum = crc32c(0, data + b, SIZE - b);
            sum ^= crc32c_followed(crc32c(0, data + a, b - a), SIZE - b);
            sum ^= crc32c_followed(crc32c(0, data, a), SIZE - a);
            assert_int_equal(sum, whole);
        }
    }
}

/* Zeroes change a checksum too: by as many as no memory holds, in two steps or in one. */
static void test_long_pieces(void **state) {
    static const uint64_t sizes[] = {0, 1, 8 << 20, UINT64_C(5) << 40, UINT64_MAX / 2};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_int_equal(crc32c_followed(crc32c_followed(0x12345678, sizes[i]), 12345),
                         crc32c_followed(0x12345678, sizes[i] + 12345));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_published), cmocka_unit_test(test_pieces),
                                       cmocka_unit_test(test_long_pieces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
