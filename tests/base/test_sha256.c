/* The vectors of FIPS 180-4 (NIST's examples and the one of a million letters). */
#include "base/sha256.h"
#include "unit.h"

#include <string.h>

static void the_vectors_of_the_standard(void **state) {
    (void)state;
    static const struct {
        const char *text, *hex;
    } vectors[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmno"
         "pqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    char hex[SHA256_HEX_SIZE];
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        sha256_hex_of(vectors[i].text, strlen(vectors[i].text), hex);
        assert_string_equal(hex, vectors[i].hex);
    }
}

static void a_million_letters_in_uneven_pieces(void **state) {
    (void)state;
    struct sha256 hash;
    uint8_t digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE], piece[200];
    memset(piece, 'a', sizeof piece);
    sha256_start(&hash);
    for (size_t left = 1000000, size = 1; left > 0; size = size % sizeof piece + 1) {
        size_t part = size < left ? size : left;
        sha256_add(&hash, piece, part);
        left -= part;
    }
    sha256_finish(&hash, digest);
    sha256_hex(digest, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void pieces_do_not_matter(void **state) {
    (void)state;
    char text[300], whole[SHA256_HEX_SIZE], pieces[SHA256_HEX_SIZE];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)(i * 31);
    for (size_t size = 0; size <= sizeof text; size++) { /* every length of padding */
        struct sha256 hash;
        uint8_t digest[SHA256_SIZE];
        sha256_hex_of(text, size, whole);
        sha256_start(&hash);
        for (size_t i = 0; i < size; i++) sha256_add(&hash, text + i, 1);
        sha256_finish(&hash, digest);
        sha256_hex(digest, pieces);
        assert_string_equal(whole, pieces);
    }
}

static void hardware_and_plain_code_agree(void **state) {
    (void)state;
    uint8_t data[1000], digests[2][SHA256_SIZE];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * i >> 3);
    for (size_t size = 0; size <= sizeof data; size += 37) {
        for (int plain = 0; plain < 2; plain++) {
            struct sha256 hash;
            sha256_start(&hash);
            if (plain) hash.hardware = false;
            sha256_add(&hash, data, size);
            sha256_finish(&hash, digests[plain]);
        }
        assert_memory_equal(digests[0], digests[1], SHA256_SIZE);
    }
}

static void fields_keep_their_borders(void **state) {
    (void)state;
    static const char *const pairs[2][2] = {{"ab", "c"}, {"a", "bc"}};
    uint8_t digests[2][SHA256_SIZE];
    for (int i = 0; i < 2; i++) {
        struct sha256 hash;
        sha256_start(&hash);
        for (int k = 0; k < 2; k++) sha256_add_field(&hash, pairs[i][k], strlen(pairs[i][k]));
        sha256_finish(&hash, digests[i]);
    }
    assert_memory_not_equal(digests[0], digests[1], SHA256_SIZE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_standard), cmocka_unit_test(a_million_letters_in_uneven_pieces),
        cmocka_unit_test(pieces_do_not_matter), cmocka_unit_test(hardware_and_plain_code_agree),
        cmocka_unit_test(fields_keep_their_borders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
