/* Every system call of a pack that can fail fails, at every place: the folder holds the old photos or the new ones, whole; and
 * the next pack gets to the end. The same for every allocation. */
#include "base/file_sink.h"
#include "base/sha256.h"
#include "faults.h"
#include "pomona/pack.h"
#include "store/folder.h"
#include "store/photo_file.h"
#include "tests/base/failing.h"
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

/* SHA-256 over names and bytes of all photos of a folder, packed or not. */
static void digest_photos(const char *path, char hex[SHA256_HEX_SIZE]) {
    struct listing listing = LISTING_INIT;
    struct buffer content = BUFFER_INIT(1 << 24);
    struct sha256 hash;
    uint8_t digest[SHA256_SIZE];
    sha256_start(&hash);
    pomona_status status = listing_walk(path, "*.jpg", NULL, NULL, &listing, &error);
    if (status != POMONA_OK) fail_msg("%s", error.message);
    for (size_t i = 0; i < listing.count; i++) {
        const char *name = strrchr(listing.photos[i].uri, '/');
        sha256_add_field(&hash, name, strlen(name));
        assert_int_equal(photo_file_read(&listing.photos[i], &content, &error), POMONA_OK);
        sha256_add_field(&hash, content.data, content.size);
    }
    sha256_finish(&hash, digest);
    sha256_hex(digest, hex);
    buffer_free(&content);
    listing_free(&listing);
}

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
    digest_photos("old", digest_old);
    digest_photos("new", digest_new);
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
    digest_photos("out", digest);
    if (status == POMONA_OK || strcmp(digest, digest_old) != 0) assert_string_equal(digest, digest_new);
    if (status != POMONA_OK) assert_true(error.message[0] != '\0' && !strchr(error.message, '\n'));
    assert_int_equal(pack("new"), POMONA_OK);
    digest_photos("out", digest);
    assert_string_equal(digest, digest_new);
    assert_int_equal(pomona_pack_check("out", &nothing, NULL, &error), POMONA_OK);
    assert_int_equal(entries("out"), 2 + 3); /* a shard, index and _SUCCESS */
    assert_int_equal(pack("old"), POMONA_OK);
}

static void fail_every(enum fault_call call, int cause, int for_good, pomona_status expected) {
    for (long k = 1;; k++) {
        fault_set(call, k, cause, for_good);
        pomona_status status = pack("new");
        bool happened = fault_happened();
        fault_set(call, 0, 0, 0);
        if (happened) assert_int_equal(status, expected);
        check(status);
        if (!happened) break;
        assert_in_range(k, 1, 1000);
    }
}

static void test_calls(void **state) {
    (void)state;
    fail_every(FAULT_WRITE, ENOSPC, 1, POMONA_E_IO);
    fail_every(FAULT_WRITE, EIO, 0, POMONA_E_IO);
    fail_every(FAULT_WRITE, EINTR, 0, POMONA_OK);
    fail_every(FAULT_WRITE, FAULT_SHORT_WRITE, 0, POMONA_OK);
    fail_every(FAULT_FSYNC, EIO, 0, POMONA_E_IO);
    fail_every(FAULT_RENAME, EIO, 0, POMONA_E_IO);
    fail_every(FAULT_OPEN, EMFILE, 0, POMONA_E_IO);
    fail_every(FAULT_MKDIR, ENOSPC, 0, POMONA_E_IO);
}

static void test_allocations(void **state) {
    (void)state;
    for (long k = 1;; k++) {
        fail_allocation(k);
        pomona_status status = pack("new");
        bool happened = failed_allocation();
        fail_allocation(0);
        /* The C library's own allocations (opening a folder, say) surface as I/O errors. */
        if (happened && status != POMONA_OK && status != POMONA_E_MEMORY && status != POMONA_E_IO)
            fail_msg("allocation %ld: %s", k, error.message);
        check(status);
        if (!happened) break;
    }
}

/* Nothing is changed by a check, whatever fails. */
static void test_checking(void **state) {
    (void)state;
    for (long k = 1;; k++) {
        fail_allocation(k);
        pomona_status status = pomona_pack_check("out", &nothing, NULL, &error);
        bool happened = failed_allocation();
        fail_allocation(0);
        if (happened && status != POMONA_E_MEMORY && status != POMONA_E_IO && status != POMONA_OK)
            fail_msg("allocation %ld: %s", k, error.message);
        if (!happened) {
            assert_int_equal(status, POMONA_OK);
            break;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_calls), cmocka_unit_test(test_allocations),
                                       cmocka_unit_test(test_checking)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
