/* Listing and moving files: what is listed, what is skipped, what stays when something fails. */
#include "base/file_sink.h"
#include "pomona/places.h"
#include "store/folder.h"
#include "store/listing.h"
#include "store/photo_reader.h"
#include "tests/base/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct pomona_error error;

/* Every test runs in a new folder. */
static int enter(void **state) {
    char *folder = malloc(64);
    snprintf(folder, 64, "/tmp/pomona-store-%s", "XXXXXX");
    *state = folder;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave(void **state) {
    int status = chdir("/") == 0 && path_remove(*state, NULL) == POMONA_OK ? 0 : -1;
    free(*state);
    return status;
}

static void put(const char *path) { assert_int_equal(file_write(path, "x", 1, &error), POMONA_OK); }

static void test_absolute(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"/a/b", "/a/b"},      {"/a//b/", "/a/b"}, {"/a/./b/../c", "/a/c"},
                                           {"/../..", "/"},       {"/", "/"},         {"/a/..b", "/a/..b"},
                                           {"/a/b/../../..", "/"}};
    struct arena arena = ARENA_INIT(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(path_absolute(&arena, cases[i][0]), cases[i][1]);
    char here[4096], expected[5000];
    assert_non_null(getcwd(here, sizeof here));
    snprintf(expected, sizeof expected, "%s/x", here);
    assert_string_equal(path_absolute(&arena, "./y/../x"), expected);
    arena_free(&arena);
}

static void test_listing_is_sorted_and_counts_what_it_skips(void **state) {
    (void)state;
    folder_make("p/b/_h", &error), folder_make("p/a", &error), folder_make("p/.hidden", &error);
    put("p/b/2.jpg"), put("p/b/10.jpg"), put("p/a/1.jpg"), put("p/a/1.JPG"), put("p/_x.jpg"),
        put("p/b/_h/no.jpg"), put("p/.hidden/no.jpg"), put("p/root.jpg"), put("p/t.txt"),
        put("p/a/caf\xe9.jpg");
    assert_int_equal(mkfifo("p/pipe.jpg", 0600), 0);
    assert_int_equal(symlink("nowhere", "p/dangling.jpg"), 0);
    assert_int_equal(symlink("..", "p/a/up"), 0);
    struct listing listing = LISTING_INIT;
    assert_int_equal(listing_walk("p", "*.jpg", NULL, NULL, &listing, &error), POMONA_OK);
    static const char *const names[] = {"a/1.jpg", "a/caf%E9.jpg", "b/10.jpg",
                                        "b/2.jpg", "dangling.jpg", "root.jpg"};
    static const char *const labels[] = {"a", "a", "b", "b", "p", "p"};
    assert_int_equal(listing.count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_non_null(strstr(listing.photos[i].uri, names[i]));
        assert_memory_equal(listing.photos[i].uri, "file:/", 6);
        assert_string_equal(listing.photos[i].label, labels[i]);
        assert_int_equal(listing.photos[i].size, i == 4 ? 0 : 1);
    }
    assert_non_null(strstr(listing.photos[1].path, "caf\xe9.jpg"));
    assert_int_equal(listing.skipped, 4); /* 1.JPG, _x.jpg, t.txt, the pipe; hidden folders are not entered */
    /* More is added behind it, in the order given, and not looked at. */
    assert_int_equal(listing_add(&listing, "p/z\xe9", &error), POMONA_OK);
    assert_int_equal(listing_walk("p/b", "*.jpg", NULL, NULL, &listing, &error), POMONA_OK);
    assert_int_equal(listing.count, 9);
    assert_non_null(strstr(listing.photos[0].uri, "p/a/1.jpg"));
    assert_non_null(strstr(listing.photos[6].uri, "p/z%E9"));
    assert_non_null(strstr(listing.photos[6].path, "p/z\xe9"));
    assert_non_null(strstr(listing.photos[7].uri, "p/b/10.jpg"));
    listing_free(&listing);
}

static void test_listing_errors(void **state) {
    (void)state;
    struct listing listing = LISTING_INIT;
    assert_failure(listing_walk("none", "*", NULL, NULL, &listing, &error), POMONA_E_INPUT,
                   "none: cannot list");
    listing_free(&listing);
    char deep[900] = "d";
    for (int i = 0; i < 300; i++) {
        assert_int_equal(mkdir("d", 0777), 0);
        assert_int_equal(chdir("d"), 0);
    }
    for (int i = 0; i < 300; i++) assert_int_equal(chdir(".."), 0);
    assert_failure(listing_walk(deep, "*", NULL, NULL, &listing, &error), POMONA_E_LIMIT,
                   "nested deeper than 256");
    listing_free(&listing);
}

static bool yes(void *unused) {
    (void)unused;
    return true;
}

static void test_listing_can_be_stopped(void **state) {
    (void)state;
    put("1.jpg");
    struct listing listing = LISTING_INIT;
    assert_failure(listing_walk(".", "*", yes, NULL, &listing, &error), POMONA_E_INTERRUPTED, "interrupted");
    listing_free(&listing);
}

static void test_replace_exchanges(void **state) {
    (void)state;
    folder_make("old", &error), folder_make("new", &error);
    put("old/a"), put("new/b");
    assert_int_equal(path_replace("new", "old", &error), POMONA_OK);
    assert_true(path_exists("old/b") && !path_exists("old/a") && !path_exists("new"));
    folder_make("fresh", &error);
    assert_int_equal(path_replace("fresh", "target", &error), POMONA_OK);
    assert_true(path_exists("target") && !path_exists("fresh"));
    assert_failure(path_replace("missing", "target", &error), POMONA_E_IO, "cannot move");
    assert_true(path_exists("target"));
}

static void test_remove_does_not_follow_links(void **state) {
    (void)state;
    folder_make("keep", &error), folder_make("gone/inner", &error);
    put("keep/a"), put("gone/inner/b");
    assert_int_equal(symlink("../keep", "gone/link"), 0);
    assert_int_equal(path_remove("gone", &error), POMONA_OK);
    assert_true(path_exists("keep/a") && !path_exists("gone"));
    assert_int_equal(path_remove("gone", &error), POMONA_OK);
}

static void test_clear_keeps_one(void **state) {
    (void)state;
    folder_make("f/g", &error);
    put("f/lock"), put("f/g/a"), put("f/b");
    assert_int_equal(folder_clear("f", "lock", &error), POMONA_OK);
    assert_true(path_exists("f/lock") && !path_exists("f/g") && !path_exists("f/b"));
}

static void test_lock(void **state) {
    (void)state;
    int first = -1, second = -1;
    assert_int_equal(folder_lock("lock", &first, &error), POMONA_OK);
    assert_failure(folder_lock("lock", &second, &error), POMONA_E_EXISTS, "another job");
    folder_unlock(&first);
    assert_int_equal(folder_lock("lock", &second, &error), POMONA_OK);
    folder_unlock(&second);
}

static void test_make_over_a_file(void **state) {
    (void)state;
    put("f");
    assert_failure(folder_make("f/g", &error), POMONA_E_EXISTS, "f: exists and is not a folder");
    assert_failure(folder_make("f", &error), POMONA_E_EXISTS, "not a folder");
}

/* A name that can't be asked for ends at once; until it is taken nothing else may be started, or one of the two would be lost. */
static void test_reads_that_end_at_once(void **state) {
    (void)state;
    struct pomona_places *places;
    struct photo_reader *reader;
    const struct pomona_places_options options = {.endpoint_url = "http://127.0.0.1:9", .anonymous = true};
    assert_int_equal(pomona_places_new(&options, &places, &error), POMONA_OK);
    assert_int_equal(photo_reader_new(places, &reader, &error), POMONA_OK);
    const struct listed_photo photo = {.path = "s3://bucket/", .uri = "s3://bucket/"};
    struct buffer bytes = BUFFER_INIT(1 << 20);
    for (size_t ticket = 0; ticket < 3; ticket++) {
        struct photo_read read;
        assert_true(photo_reader_width(reader, &photo) > 1);
        photo_reader_start(reader, &photo, &bytes, &error, ticket);
        assert_int_equal(photo_reader_width(reader, &photo), 0);
        assert_int_equal(photo_reader_pending(reader), 1);
        assert_true(photo_reader_next(reader, 0, &read));
        assert_int_equal(read.ticket, ticket);
        assert_int_not_equal(read.status, POMONA_OK);
    }
    buffer_free(&bytes);
    photo_reader_free(&reader);
    pomona_places_free(&places);
}

int main(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter, leave)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_absolute),          IN_FOLDER(test_listing_is_sorted_and_counts_what_it_skips),
        IN_FOLDER(test_listing_errors),    IN_FOLDER(test_listing_can_be_stopped),
        IN_FOLDER(test_replace_exchanges), IN_FOLDER(test_remove_does_not_follow_links),
        IN_FOLDER(test_clear_keeps_one),   IN_FOLDER(test_lock),
        IN_FOLDER(test_make_over_a_file),  cmocka_unit_test(test_reads_that_end_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
