#include "base/io.h"
#include "failing.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct pomona_error error;
static char folder[] = "/tmp/pomona-test-io-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    static const char *const names[] = {"file", "empty", "pipe", "secret", "loop"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(names[i]);
    return rmdir(folder);
}

static void make_file(const char *name, size_t size) {
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++) putc((int)(i & 0xFF), file);
    assert_int_equal(fclose(file), 0);
}

static void a_source_refuses_ranges_outside(void **state) {
    (void)state;
    struct source_memory memory;
    struct source source = source_from_memory("part", "0123456789", 10, &memory);
    char out[10];
    assert_int_equal(source_read(&source, 7, out, 3, &error), POMONA_OK);
    assert_memory_equal(out, "789", 3);
    assert_int_equal(source_read(&source, 10, out, 0, &error), POMONA_OK);
    assert_failure(source_read(&source, 8, out, 3, &error), POMONA_E_CORRUPT, "part");
    assert_failure(source_read(&source, 11, out, 0, &error), POMONA_E_CORRUPT, "part");
    assert_failure(source_read(&source, UINT64_MAX, out, 1, &error), POMONA_E_CORRUPT, "part");
    assert_failure(source_read(&source, 1, out, SIZE_MAX, &error), POMONA_E_CORRUPT, "part");
}

static void a_sink_appends(void **state) {
    (void)state;
    struct buffer buffer = BUFFER_INIT(8);
    struct sink sink = sink_to_buffer(&buffer);
    assert_int_equal(sink_write(&sink, "abcd", 4, &error), POMONA_OK);
    assert_int_equal(sink_write(&sink, "efgh", 4, &error), POMONA_OK);
    assert_failure(sink_write(&sink, "i", 1, &error), POMONA_E_LIMIT, "8");
    assert_memory_equal(buffer.data, "abcdefgh", 8);
    buffer_free(&buffer);
}

static void whole_files_up_to_the_limit(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 255, 256, 257, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        make_file("file", sizes[i]);
        struct buffer exact = BUFFER_INIT(sizes[i]), roomy = BUFFER_INIT(1 << 20),
                      small = BUFFER_INIT(sizes[i] - 1);
        assert_int_equal(buffer_append_text(&roomy, "old", &error), POMONA_OK);
        assert_int_equal(file_read("file", &exact, &error), POMONA_OK);
        assert_int_equal(file_read("file", &roomy, &error), POMONA_OK);
        assert_int_equal(exact.size, sizes[i]);
        assert_int_equal(roomy.size, sizes[i]);
        assert_memory_equal(exact.data, roomy.data, sizes[i]);
        assert_int_equal(exact.data[sizes[i] - 1], (sizes[i] - 1) & 0xFF);
        assert_failure(file_read("file", &small, &error), POMONA_E_LIMIT, "file: ");
        buffer_free(&exact);
        buffer_free(&roomy);
        buffer_free(&small);
    }
    make_file("empty", 0);
    struct buffer buffer = BUFFER_INIT(10);
    assert_int_equal(file_read("empty", &buffer, &error), POMONA_OK);
    assert_int_equal(buffer.size, 0);
    buffer_free(&buffer);
}

static void what_is_not_a_file_is_bad_input(void **state) {
    (void)state;
    struct buffer buffer = BUFFER_INIT(1000);
    assert_failure(file_read("missing", &buffer, &error), POMONA_E_INPUT,
                   "missing: cannot open: No such file");
    assert_failure(file_read(folder, &buffer, &error), POMONA_E_INPUT, "folder");
    assert_failure(file_read("/dev/zero", &buffer, &error), POMONA_E_INPUT, "not a regular file");
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_failure(file_read("pipe", &buffer, &error), POMONA_E_INPUT,
                   "not a regular file"); /* and does not wait */
    assert_int_equal(symlink("loop", "loop"), 0);
    assert_failure(file_read("loop", &buffer, &error), POMONA_E_INPUT, "loop: ");
    make_file("secret", 1);
    assert_int_equal(chmod("secret", 0), 0);
    if (geteuid() != 0) /* root reads everything */
        assert_failure(file_read("secret", &buffer, &error), POMONA_E_INPUT, "Permission denied");
    buffer_free(&buffer);
}

static void no_memory_is_an_error(void **state) {
    (void)state;
    struct buffer buffer = BUFFER_INIT(1000);
    make_file("file", 500);
    fail_allocation(1);
    assert_failure(file_read("file", &buffer, &error), POMONA_E_MEMORY, "memory");
    assert_true(failed_allocation());
    buffer_free(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_refuses_ranges_outside), cmocka_unit_test(a_sink_appends),
        cmocka_unit_test(whole_files_up_to_the_limit), cmocka_unit_test(what_is_not_a_file_is_bad_input),
        cmocka_unit_test(no_memory_is_an_error)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
