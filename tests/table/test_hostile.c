/* Damaged files: an error or the same rows, and never a crash (the sanitizer builds run this too). */
#include "failing.h"
#include "tables.h"
#include "unit.h"

#include <stdlib.h>

enum { ROWS = 12 };

static struct pomona_error error;

static void write_small(struct buffer *file, enum parquet_codec codec, bool omit_crc) {
    struct parquet_options options = {
        .codec = codec, .page_bytes = 200, .row_group_bytes = 1500, .omit_crc = omit_crc};
    assert_int_equal(test_write(sink_to_buffer(file), ROWS, &options, &error), POMONA_OK);
}

/* The first byte of the footer. */
static size_t footer_start(const struct buffer *file) {
    uint32_t length;
    memcpy(&length, file->data + file->size - 8, sizeof length);
    return file->size - 8 - length;
}

/* Reads an exactly sized copy, so that a read past the end is seen. */
static pomona_status read_copy(const uint8_t *data, size_t size, bool *same) {
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    memset(&error, 0, sizeof error);
    pomona_status status = test_read(copy, size, ROWS, same, &error);
    if (status != POMONA_OK) assert_true(error.message[0] != '\0');
    free(copy);
    return status;
}

static void every_truncation_is_an_error(void **state) {
    (void)state;
    struct buffer file = BUFFER_INIT(SIZE_MAX);
    bool same;
    write_small(&file, PARQUET_SNAPPY, false);
    for (size_t size = 0; size < file.size; size++) {
        pomona_status status = read_copy(file.data, size, &same);
        if (status != POMONA_E_CORRUPT && status != POMONA_E_INPUT)
            fail_msg("%zu bytes gave status %d", size, status);
    }
    buffer_free(&file);
}

/* With page checksums every flipped bit before the footer is noticed. The footer has no checksum in the format: there a
 * flip may change a value, but does no harm. */
static void every_flipped_byte_is_noticed_or_harmless(void **state) {
    (void)state;
    for (int codec = PARQUET_SNAPPY; codec <= PARQUET_UNCOMPRESSED; codec++) {
        struct buffer file = BUFFER_INIT(SIZE_MAX);
        write_small(&file, (enum parquet_codec)codec, false);
        size_t footer = footer_start(&file);
        for (size_t at = 0; at < file.size; at++)
            for (int bit = codec == PARQUET_ZSTD ? 8 : 0; bit < 9; bit++) { /* 8: all of them; zstd is slow */
                bool same;
                uint8_t old = file.data[at];
                file.data[at] = bit == 8 ? (uint8_t)~old : (uint8_t)(old ^ 1 << bit);
                pomona_status status = read_copy(file.data, file.size, &same);
                if (at < footer && status == POMONA_OK && !same)
                    fail_msg("byte %zu, bit %d: other rows", at, bit);
                file.data[at] = old;
            }
        buffer_free(&file);
    }
}

/* Without checksums the decoders themselves see the damage. */
static void decoders_survive_any_byte(void **state) {
    (void)state;
    static const uint8_t values[] = {0x00, 0x01, 0x03, 0x7F, 0x80, 0xFE, 0xFF};
    for (int codec = PARQUET_SNAPPY; codec <= PARQUET_UNCOMPRESSED; codec++) {
        struct buffer file = BUFFER_INIT(SIZE_MAX);
        write_small(&file, (enum parquet_codec)codec, true);
        for (size_t at = 0; at < file.size; at++)
            for (size_t i = 0; i < sizeof values; i++) {
                bool same;
                uint8_t old = file.data[at];
                file.data[at] = values[i];
                read_copy(file.data, file.size, &same);
                file.data[at] = old;
            }
        buffer_free(&file);
    }
}

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void decoders_survive_many_bytes(void **state) {
    (void)state;
    uint64_t random = 88172645463325252u;
    struct buffer file = BUFFER_INIT(SIZE_MAX), damaged = BUFFER_INIT(SIZE_MAX);
    write_small(&file, PARQUET_UNCOMPRESSED, true);
    for (int round = 0; round < 20000; round++) {
        bool same;
        buffer_clear(&damaged);
        assert_int_equal(buffer_append(&damaged, file.data, file.size, &error), POMONA_OK);
        for (uint64_t flips = next_random(&random) % 8; flips > 0; flips--)
            damaged.data[next_random(&random) % file.size] = (uint8_t)next_random(&random);
        read_copy(damaged.data, damaged.size, &same);
    }
    buffer_free(&damaged);
    buffer_free(&file);
}

static void names_what_is_not_parquet(void **state) {
    (void)state;
    bool same;
    assert_failure(test_read("", 0, 0, &same, &error), POMONA_E_INPUT, "test.parquet: not a Parquet file");
    assert_failure(test_read("hello, this is no table", 23, 0, &same, &error), POMONA_E_INPUT,
                   "not a Parquet file");
    assert_failure(test_read("PAR1aaaaaaaaaaaaPARE", 20, 0, &same, &error), POMONA_E_UNSUPPORTED,
                   "encrypted");
    assert_failure(test_read("PAR1aaaaaaaaaaaaaaaa", 20, 0, &same, &error), POMONA_E_CORRUPT, "truncated");
    assert_failure(test_read("PAR1aaaa\xFF\xFF\xFF\x7FPAR1", 16, 0, &same, &error), POMONA_E_CORRUPT,
                   "larger than");
    assert_failure(test_read("PAR1\0\0\0\0\0\0PAR1", 14, 0, &same, &error), POMONA_E_CORRUPT, "footer");
}

/* A footer of nothing but opening structs or lists must not exhaust the stack. */
static void bounds_nesting(void **state) {
    (void)state;
    enum { DEPTH = 100000 };
    static const uint8_t nests[] = {0x9C /* field 9, struct */, 0x99 /* field 9, list */};
    for (size_t i = 0; i < sizeof nests; i++) {
        struct buffer file = BUFFER_INIT(SIZE_MAX);
        uint32_t length = DEPTH;
        bool same;
        assert_int_equal(buffer_append(&file, "PAR1", 4, &error), POMONA_OK);
        for (int j = 0; j < DEPTH; j++)
            assert_int_equal(buffer_append_byte(&file, i == 0 || j == 0 ? nests[i] : 0x19, &error),
                             POMONA_OK);
        assert_int_equal(buffer_append(&file, &length, 4, &error), POMONA_OK);
        assert_int_equal(buffer_append(&file, "PAR1", 4, &error), POMONA_OK);
        assert_failure(test_read(file.data, file.size, 0, &same, &error), POMONA_E_CORRUPT, "footer");
        buffer_free(&file);
    }
}

static void writer_survives_every_failed_allocation(void **state) {
    (void)state;
    for (int codec = PARQUET_SNAPPY; codec <= PARQUET_UNCOMPRESSED; codec++) {
        struct parquet_options options = {.codec = (enum parquet_codec)codec,
                                          .page_bytes = 300,
                                          .row_group_bytes = 4000,
                                          .dictionary_bytes = 200};
        for (long k = 1;; k++) {
            struct buffer file = BUFFER_INIT(SIZE_MAX);
            fail_allocation(k);
            pomona_status status = test_write(sink_to_buffer(&file), 60, &options, &error);
            int failed = failed_allocation();
            fail_allocation(0);
            buffer_free(&file);
            assert_int_equal(status, failed ? POMONA_E_MEMORY : POMONA_OK);
            if (!failed) break;
        }
    }
}

static void reader_survives_every_failed_allocation(void **state) {
    (void)state;
    for (int codec = PARQUET_SNAPPY; codec <= PARQUET_UNCOMPRESSED; codec++) {
        struct buffer file = BUFFER_INIT(SIZE_MAX);
        write_small(&file, (enum parquet_codec)codec, false);
        for (long k = 1;; k++) {
            bool same;
            fail_allocation(k);
            pomona_status status = test_read(file.data, file.size, ROWS, &same, &error);
            int failed = failed_allocation();
            fail_allocation(0);
            assert_int_equal(status, failed ? POMONA_E_MEMORY : POMONA_OK);
            if (!failed) break;
        }
        buffer_free(&file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_truncation_is_an_error),
        cmocka_unit_test(every_flipped_byte_is_noticed_or_harmless),
        cmocka_unit_test(decoders_survive_any_byte),
        cmocka_unit_test(decoders_survive_many_bytes),
        cmocka_unit_test(names_what_is_not_parquet),
        cmocka_unit_test(bounds_nesting),
        cmocka_unit_test(writer_survives_every_failed_allocation),
        cmocka_unit_test(reader_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
