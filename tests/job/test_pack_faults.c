/* Every system call of a pack that can fail fails, at every place: the folder holds the old photos or the new ones, whole; and
 * the next pack gets to the end. The same for every allocation. */
#include "base/file_sink.h"
#include "fault_trials.h"
#include "pomona/pack.h"
#include "store/folder.h"
#include "tests/base/unit.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pomona_error error;
static char folder[] = "/tmp/pomona-pack-faults-XXXXXX";
static const struct pomona_pack_options nothing;
static char digest_old[SHA256_HEX_SIZE], digest_new[SHA256_HEX_SIZE];

static pomona_status pack(const char *source) {
    const struct pomona_pack_options options = {
        .source = source, .out = "out", .shard_bytes = 1 << 20, .overwrite = true};
    return pomona_pack_run(&options, NULL, &error);
}

static void put(const char *path, const char *text) {
    assert_int_equal(file_write(path, text, strlen(text), &error), POMONA_OK);
}

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(folder) || chdir(folder) != 0) return -1;
    folder_make("old/a", &error), folder_make("new/a", &error);
    put("old/a/1.jpg", "one"), put("old/a/2.jpg", "two"), put("old/3.jpg", "three");
    put("new/a/1.jpg", "one"), put("new/a/2.jpg", "zwei"), put("new/4.jpg", "four"), put("new/5.jpg", "");
    digest_files("old", "*.jpg", digest_old);
    digest_files("new", "*.jpg", digest_new);
    return pack("old");
}

static int tear_down(void **state) {
    (void)state;
    return chdir("/") == 0 && path_remove(folder, NULL) == POMONA_OK ? 0 : -1;
}

static int entries(const char *path) {
    int count = 0;
    DIR *stream = opendir(path);
    assert_non_null(stream);
    while (readdir(stream)) count++;
    closedir(stream);
    return count;
}

/* After a run: old or new; then the next run makes the new one and leaves nothing else, and the old one comes back. */
static void check(pomona_status status) {
    char digest[SHA256_HEX_SIZE];
    digest_files("out", "*.jpg", digest);
    if (status == POMONA_OK || strcmp(digest, digest_old) != 0) assert_string_equal(digest, digest_new);
    if (status != POMONA_OK) assert_true(error.message[0] != '\0' && !strchr(error.message, '\n'));
    assert_int_equal(pack("new"), POMONA_OK);
    digest_files("out", "*.jpg", digest);
    assert_string_equal(digest, digest_new);
    assert_int_equal(pomona_pack_check("out", &nothing, NULL, &error), POMONA_OK);
    assert_int_equal(entries("out"), 2 + 3); /* a shard, index and _SUCCESS */
    assert_int_equal(pack("old"), POMONA_OK);
}

static pomona_status pack_new(void) { return pack("new"); }

static const struct fault_trial packing = {.run = pack_new, .check = check, .error = &error};

static void test_calls(void **state) {
    (void)state;
    fail_every_call(&packing, FAULT_WRITE, ENOSPC, 1, POMONA_E_IO);
    fail_every_call(&packing, FAULT_WRITE, EIO, 0, POMONA_E_IO);
    fail_every_call(&packing, FAULT_WRITE, EINTR, 0, POMONA_OK);
    fail_every_call(&packing, FAULT_WRITE, FAULT_SHORT_WRITE, 0, POMONA_OK);
    fail_every_call(&packing, FAULT_FSYNC, EIO, 0, POMONA_E_IO);
    fail_every_call(&packing, FAULT_RENAME, EIO, 0, POMONA_E_IO);
    fail_every_call(&packing, FAULT_OPEN, EMFILE, 0, POMONA_E_IO);
    fail_every_call(&packing, FAULT_MKDIR, ENOSPC, 0, POMONA_E_IO);
}

static void test_allocations(void **state) {
    (void)state;
    fail_every_allocation(&packing);
}

static pomona_status check_out(void) { return pomona_pack_check("out", &nothing, NULL, &error); }

/* A check changes nothing, whatever fails. */
static void out_is_old(pomona_status status) {
    char digest[SHA256_HEX_SIZE];
    (void)status;
    digest_files("out", "*.jpg", digest);
    assert_string_equal(digest, digest_old);
}

static void test_checking(void **state) {
    (void)state;
    const struct fault_trial checking = {.run = check_out, .check = out_is_old, .error = &error};
    fail_every_allocation(&checking);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_calls), cmocka_unit_test(test_allocations),
                                       cmocka_unit_test(test_checking)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
