/* The journal: whole records come back, a damaged tail does not. */
#include "base/file_sink.h"
#include "base/io.h"
#include "job/journal.h"
#include "tests/base/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pomona_error error;
static char path[] = "/tmp/pomona-journal-XXXXXX";

struct reading {
    int rows, errors;
    uint64_t next;
    char last[32];
};

static pomona_status take(void *user, enum journal_kind kind, uint64_t index, const uint8_t *payload,
                          size_t size, struct pomona_error *cause) {
    (void)cause;
    struct reading *reading = user;
    assert_int_equal(index, reading->next++);
    if (kind == JOURNAL_ROW) reading->rows++;
    if (kind == JOURNAL_ERROR) reading->errors++;
    snprintf(reading->last, sizeof reading->last, "%.*s", (int)size, (const char *)payload);
    return POMONA_OK;
}

static void write_four(void) {
    struct journal journal = JOURNAL_INIT;
    assert_int_equal(journal_open(&journal, path, 0, &error), POMONA_OK);
    for (uint64_t i = 0; i < 4; i++) {
        char text[16];
        snprintf(text, sizeof text, "record %d", (int)i);
        enum journal_kind kind = i == 2 ? JOURNAL_ERROR : JOURNAL_ROW;
        assert_int_equal(journal_append(&journal, kind, i, text, strlen(text), &error), POMONA_OK);
    }
    journal_close(&journal);
}

static uint64_t read_back(struct reading *reading) {
    uint64_t valid;
    *reading = (struct reading){0};
    assert_int_equal(journal_read(path, take, reading, &valid, &error), POMONA_OK);
    return valid;
}

static void test_round_trip(void **state) {
    (void)state;
    struct reading reading;
    write_four();
    assert_int_equal(read_back(&reading), 4 * (24 + 8));
    assert_int_equal(reading.rows, 3);
    assert_int_equal(reading.errors, 1);
    assert_string_equal(reading.last, "record 3");
}

static void test_goes_on_after_the_good_prefix(void **state) {
    (void)state;
    struct reading reading;
    write_four();
    assert_int_equal(truncate(path, 3 * 32 + 5), 0);
    uint64_t valid = read_back(&reading);
    assert_int_equal(valid, 96);
    struct journal journal = JOURNAL_INIT;
    assert_int_equal(journal_open(&journal, path, valid, &error), POMONA_OK);
    assert_int_equal(journal_append(&journal, JOURNAL_ROW, 3, "again", 5, &error), POMONA_OK);
    journal_close(&journal);
    read_back(&reading);
    assert_int_equal(reading.next, 4);
    assert_string_equal(reading.last, "again");
}

/* Whatever bit flips, only whole records from before the damage come back. */
static void test_every_flipped_byte_is_seen(void **state) {
    (void)state;
    struct buffer content = BUFFER_INIT(4096);
    struct reading reading;
    write_four();
    assert_int_equal(file_read(path, &content, &error), POMONA_OK);
    for (size_t i = 0; i < content.size; i++) {
        content.data[i] ^= 0x10;
        assert_int_equal(file_write(path, content.data, content.size, &error), POMONA_OK);
        assert_int_equal(read_back(&reading), i / 32 * 32);
        assert_int_equal(reading.next, i / 32);
        content.data[i] ^= 0x10;
    }
    buffer_free(&content);
}

static void test_every_truncation(void **state) {
    (void)state;
    struct reading reading;
    write_four();
    for (int size = 127; size >= 0; size--) {
        assert_int_equal(truncate(path, size), 0);
        assert_int_equal(read_back(&reading), size / 32 * 32);
    }
}

static void test_missing_file_is_empty(void **state) {
    (void)state;
    struct reading reading;
    unlink(path);
    assert_int_equal(read_back(&reading), 0);
}

static void test_parse(void **state) {
    (void)state;
    struct buffer out = BUFFER_INIT(4096);
    uint64_t index;
    const char *payload;
    size_t size;
    assert_int_equal(journal_format(&out, JOURNAL_ERROR, 77, "why", 3, &error), POMONA_OK);
    assert_int_equal(journal_parse(out.data, &index, &payload, &size), out.size);
    assert_int_equal(index, 77);
    assert_int_equal(size, 3);
    assert_memory_equal(payload, "why", 3);
    buffer_free(&out);
}

int main(void) {
    int file = mkstemp(path);
    if (file < 0) return 1;
    close(file);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip),
                                       cmocka_unit_test(test_goes_on_after_the_good_prefix),
                                       cmocka_unit_test(test_every_flipped_byte_is_seen),
                                       cmocka_unit_test(test_every_truncation),
                                       cmocka_unit_test(test_missing_file_is_empty),
                                       cmocka_unit_test(test_parse)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
