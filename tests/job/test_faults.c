/* Every system call of the job that can fail fails, at every place: the old result is there, or the new one is, whole;
 * and the next run gets to the end. The same for every allocation. */
#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"
#include "fault_trials.h"
#include "pomona/features.h"
#include "pomona/sample.h"
#include "store/folder.h"
#include "tests/base/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pomona_error error;
static struct pomona_context *context;
static char folder[] = "/tmp/pomona-faults-XXXXXX";
static char digest_old[SHA256_HEX_SIZE], digest_new[SHA256_HEX_SIZE];

static pomona_status run(const char *out, int64_t limit, bool resume) {
    struct pomona_features_options options = {.source = "photos",
                                              .out = out,
                                              .limit = limit,
                                              .partitions = 2,
                                              .threads = 2,
                                              .max_errors = -1,
                                              .overwrite = !resume,
                                              .resume = resume};
    return pomona_features_run(context, &options, NULL, &error);
}

static int set_up(void **state) {
    (void)state;
    struct pomona_sample_options sample = {
        .out = "photos", .count = 6, .size = 64, .classes = 2, .threads = 1};
    if (!mkdtemp(folder) || chdir(folder) != 0) return -1;
    if (pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK) return -1;
    if (pomona_sample_make(&sample, &error) != POMONA_OK) return -1;
    if (run("old", 3, false) != POMONA_OK || run("new", 0, false) != POMONA_OK) return -1;
    digest_files("old/Results", "*", digest_old);
    digest_files("new/Results", "*", digest_new);
    return strcmp(digest_old, digest_new) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    pomona_context_free(&context);
    return chdir("/") == 0 && path_remove(folder, NULL) == POMONA_OK ? 0 : -1;
}

/* The two results that take turns in "out": while one is there, the other is made. */
static struct {
    const char *was, *target; /* digests */
    int64_t limit;            /* of the target */
} turn;

static void take_turns(void) {
    bool old_next = turn.target == digest_new;
    turn.was = turn.target;
    turn.target = old_next ? digest_old : digest_new;
    turn.limit = old_next ? 3 : 0;
}

static void start_over(void) {
    assert_int_equal(path_remove("out", &error), POMONA_OK);
    assert_int_equal(run("out", 3, false), POMONA_OK);
    turn.target = digest_old;
    take_turns();
}

/* After a run: what was there is there, or the new result is, whole; and the next run makes the new one. */
static void check(pomona_status status) {
    char digest[SHA256_HEX_SIZE];
    digest_files("out/Results", "*", digest);
    if (status == POMONA_OK || strcmp(digest, turn.target) == 0) {
        assert_string_equal(digest, turn.target);
    } else {
        assert_string_equal(digest, turn.was);
    }
    if (status != POMONA_OK) {
        assert_true(error.message[0] != '\0' && !strchr(error.message, '\n'));
        pomona_status again = run("out", turn.limit, path_exists("out/_temporary"));
        if (again != POMONA_OK) fail_msg("the next run: %s", error.message);
        digest_files("out/Results", "*", digest);
        assert_string_equal(digest, turn.target);
    }
    take_turns();
}

static pomona_status run_turn(void) { return run("out", turn.limit, false); }

static const struct fault_trial turns = {.run = run_turn, .check = check, .error = &error};

static void fail_every(enum fault_call call, int cause, int for_good, pomona_status expected) {
    start_over();
    fail_every_call(&turns, call, cause, for_good, expected);
}

static void test_write(void **state) {
    (void)state;
    fail_every(FAULT_WRITE, ENOSPC, 1, POMONA_E_IO);
    fail_every(FAULT_WRITE, EIO, 0, POMONA_E_IO);
}

static void test_write_goes_on(void **state) {
    (void)state;
    fail_every(FAULT_WRITE, EINTR, 0, POMONA_OK);
    fail_every(FAULT_WRITE, FAULT_SHORT_WRITE, 0, POMONA_OK);
}

static void test_fsync(void **state) {
    (void)state;
    fail_every(FAULT_FSYNC, EIO, 0, POMONA_E_IO);
}

static void test_rename(void **state) {
    (void)state;
    fail_every(FAULT_RENAME, EIO, 0, POMONA_E_IO);
}

static void test_open(void **state) {
    (void)state;
    fail_every(FAULT_OPEN, EMFILE, 0, POMONA_E_IO);
}

static void test_ftruncate(void **state) {
    (void)state;
    fail_every(FAULT_FTRUNCATE, EIO, 0, POMONA_E_IO);
}

static void test_mkdir(void **state) {
    (void)state;
    fail_every(FAULT_MKDIR, ENOSPC, 0, POMONA_E_IO);
}

/* A file system that can't exchange two names. */
static void test_rename_without_exchange(void **state) {
    (void)state;
    start_over();
    assert_true(fail_call(&turns, FAULT_EXCHANGE, 1, EINVAL, 1, POMONA_OK));
}

/* Parsing a model takes thousands of allocations, which the tests of its room fail one by one; here every n-th of the
 * whole job does, and with POMONA_LONG=1 every one. */
static void test_allocations(void **state) {
    (void)state;
    enum { TRIED = 50 };
    start_over();
    fail_some_allocations(&turns, TRIED);
}

/* --- adding to a result --------------------------------------------------------------------------------------------- */

static char digest_grown[SHA256_HEX_SIZE], moments_whole[SHA256_HEX_SIZE];

static pomona_status add_with(bool resume) {
    struct pomona_features_options options = {.source = "photos",
                                              .out = "grown",
                                              .partitions = 2,
                                              .threads = 2,
                                              .max_errors = -1,
                                              .only_new = true,
                                              .resume = resume};
    return pomona_features_run(context, &options, NULL, &error);
}

static pomona_status add(void) { return add_with(false); }

static void begin_with_old(void) {
    assert_int_equal(path_remove("grown", &error), POMONA_OK);
    assert_int_equal(run("grown", 3, false), POMONA_OK);
}

static void digest_file(const char *path, char hex[SHA256_HEX_SIZE]) {
    struct buffer content = BUFFER_INIT(1 << 24);
    assert_int_equal(file_read(path, &content, &error), POMONA_OK);
    sha256_hex_of(content.data, content.size, hex);
    buffer_free(&content);
}

/* The results are the old ones or the grown ones, and the next run makes the grown ones, with the moments of all rows. */
static void check_grown(pomona_status status) {
    (void)status;
    char digest[SHA256_HEX_SIZE];
    digest_files("grown/Results", "*", digest);
    if (strcmp(digest, digest_grown) != 0) assert_string_equal(digest, digest_old);
    pomona_status again = add_with(true);
    if (again != POMONA_OK) fail_msg("the next run: %s", error.message);
    digest_files("grown/Results", "*", digest);
    assert_string_equal(digest, digest_grown);
    digest_file("grown/moments.pom", digest);
    assert_string_equal(digest, moments_whole);
    assert_false(path_exists("grown/_temporary"));
}

static const struct fault_trial adding = {
    .begin = begin_with_old, .run = add, .check = check_grown, .error = &error};

static void test_adding(void **state) {
    (void)state;
    static const struct {
        enum fault_call call;
        int cause;
    } faults[] = {{FAULT_WRITE, ENOSPC}, {FAULT_FSYNC, EIO},    {FAULT_RENAME, EIO},
                  {FAULT_OPEN, EMFILE},  {FAULT_MKDIR, ENOSPC}, {FAULT_LINK, EIO}};
    begin_with_old();
    assert_int_equal(add(), POMONA_OK);
    digest_files("grown/Results", "*", digest_grown);
    digest_file("new/moments.pom", moments_whole);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        fail_every_call(&adding, faults[i].call, faults[i].cause, 0, POMONA_E_IO);
}

/* A file system without links: parts are copied. */
static void test_adding_without_links(void **state) {
    (void)state;
    assert_true(fail_call(&adding, FAULT_LINK, 1, EPERM, 1, POMONA_OK));
}

static void test_adding_allocations(void **state) {
    (void)state;
    enum { TRIED = 40 };
    fail_some_allocations(&adding, TRIED);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_write),
                                       cmocka_unit_test(test_write_goes_on),
                                       cmocka_unit_test(test_fsync),
                                       cmocka_unit_test(test_rename),
                                       cmocka_unit_test(test_open),
                                       cmocka_unit_test(test_ftruncate),
                                       cmocka_unit_test(test_mkdir),
                                       cmocka_unit_test(test_rename_without_exchange),
                                       cmocka_unit_test(test_allocations),
                                       cmocka_unit_test(test_adding),
                                       cmocka_unit_test(test_adding_without_links),
                                       cmocka_unit_test(test_adding_allocations)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
