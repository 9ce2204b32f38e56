#include "base/io.h"
#include "base/sha256.h"
#include "failing.h"
#include "jpeg/markers.h"
#include "pomona/image.h"
#include "pomona/sample.h"
#include "sample/scene.h"
#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pomona_error error;
static char folder[64];

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk) {
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/pomona-sample-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* What a folder of photos holds, whatever the order of the walk: the sum of its files' hashes, and counts. */
static struct {
    uint64_t sum;
    int photos, located, labels;
} found;

static void look_at_photo(const char *path, const struct buffer *file) {
    struct jpeg_walk walk = jpeg_walk_start(file->data, file->size);
    struct jpeg_segment segment;
    bool commented = false;
    while (jpeg_walk_next(&walk, &segment)) {
        found.located += segment.marker == JPEG_APP1;
        commented |= segment.marker == JPEG_COM && segment.length == 33 &&
                     memcmp(segment.data, "synthetic, drawn by pomona sample", 33) == 0;
    }
    if (!commented) fail_msg("%s does not say that it is synthetic", path);
    struct pomona_image image;
    assert_int_equal(pomona_image_decode(path, file->data, file->size, true, NULL, &image, &error),
                     POMONA_OK);
    pomona_image_free(&image);
    found.photos++;
}

static int look_at(const char *path, const struct stat *info, int kind, struct FTW *walk) {
    (void)info;
    if (kind == FTW_D) found.labels += walk->level == 1;
    if (kind != FTW_F) return 0;
    struct buffer file = BUFFER_INIT(1 << 24);
    struct sha256 hash;
    uint8_t digest[SHA256_SIZE];
    uint64_t part;
    assert_int_equal(file_read(path, &file, &error), POMONA_OK);
    if (strstr(path, "_100.jpg")) look_at_photo(path, &file);
    sha256_start(&hash);
    sha256_add_field(&hash, path + strlen(folder), strlen(path + strlen(folder)));
    sha256_add_field(&hash, file.data, file.size);
    sha256_finish(&hash, digest);
    memcpy(&part, digest, sizeof part);
    found.sum += part;
    buffer_free(&file);
    return 0;
}

static void look(void) {
    memset(&found, 0, sizeof found);
    assert_int_equal(nftw(folder, look_at, 16, FTW_PHYS), 0);
}

static struct pomona_sample_options options_for(int64_t count) {
    return (struct pomona_sample_options){.out = folder, .count = count, .seed = 5, .overwrite = true};
}

static void counts_and_labels_are_as_asked(void **state) {
    (void)state;
    struct pomona_sample_options options = options_for(130);
    options.classes = 30;
    assert_int_equal(pomona_sample_make(&options, &error), POMONA_OK);
    look();
    assert_int_equal(found.photos, 130);
    assert_int_equal(found.labels, 30);
    assert_int_equal(found.located, 0);
    char path[128];
    snprintf(path, sizeof path, "%s/apple-red/4_100.jpg", folder);
    assert_int_equal(access(path, R_OK), 0);
    snprintf(path, sizeof path, "%s/apple-red-2/3_100.jpg", folder);
    assert_int_equal(access(path, R_OK), 0);
    snprintf(path, sizeof path, "%s/README.txt", folder);
    struct buffer readme = BUFFER_INIT(1 << 16);
    const char *text;
    assert_int_equal(file_read(path, &readme, &error), POMONA_OK);
    assert_int_equal(buffer_terminate(&readme, &text, &error), POMONA_OK);
    assert_non_null(strstr(text, "synthetic"));
    assert_non_null(strstr(text, "photos: 130"));
    assert_non_null(strstr(text, "seed: 5"));
    buffer_free(&readme);
}

static void threads_change_nothing_and_seeds_do(void **state) {
    (void)state;
    struct pomona_sample_options options = options_for(150);
    options.gps_share = 0.3;
    options.threads = 1;
    assert_int_equal(pomona_sample_make(&options, &error), POMONA_OK);
    look();
    uint64_t one = found.sum;
    options.threads = 7;
    assert_int_equal(pomona_sample_make(&options, &error), POMONA_OK);
    look();
    assert_int_equal(found.sum, one);
    options.seed++;
    assert_int_equal(pomona_sample_make(&options, &error), POMONA_OK);
    look();
    assert_int_not_equal(found.sum, one);
}

static void the_share_with_gps_is_as_asked(void **state) {
    (void)state;
    static const double shares[] = {0, 0.1, 0.5, 1};
    for (size_t i = 0; i < 4; i++) {
        struct pomona_sample_options options = options_for(400);
        options.size = 32;
        options.gps_share = shares[i];
        assert_int_equal(pomona_sample_make(&options, &error), POMONA_OK);
        look();
        /* within four standard deviations of 400 throws, and exact at both ends */
        double expected = 400 * shares[i], spread = 1600 * shares[i] * (1 - shares[i]);
        assert_true((found.located - expected) * (found.located - expected) <= 4 * spread);
    }
}

static void an_old_corpus_is_kept(void **state) {
    (void)state;
    struct pomona_sample_options options = options_for(5);
    options.overwrite = false;
    assert_int_equal(pomona_sample_make(&options, &error), POMONA_OK);
    look();
    uint64_t before = found.sum;
    options.seed = 99;
    assert_failure(pomona_sample_make(&options, &error), POMONA_E_EXISTS, "README.txt");
    look();
    assert_int_equal(found.sum, before);
    options.overwrite = true;
    assert_int_equal(pomona_sample_make(&options, &error), POMONA_OK);
}

static void bad_options_and_places_are_refused(void **state) {
    (void)state;
    const struct {
        int64_t count;
        int size, classes, threads;
        double share;
        const char *part;
    } cases[] = {{0, 0, 0, 0, 0, "count"},      {10000001, 0, 0, 0, 0, "count"}, {5, 31, 0, 0, 0, "size"},
                 {5, 4097, 0, 0, 0, "size"},    {5, 0, 1001, 0, 0, "classes"},   {5, 0, -1, 0, 0, "classes"},
                 {5, 0, 0, -1, 0, "threads"},   {5, 0, 0, 0, 1.5, "GPS"},        {5, 0, 0, 0, -0.1, "GPS"},
                 {5, 0, 0, 0, 0.0 / 0.0, "GPS"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pomona_sample_options options = options_for(cases[i].count);
        options.size = cases[i].size;
        options.classes = cases[i].classes;
        options.threads = cases[i].threads;
        options.gps_share = cases[i].share;
        assert_failure(pomona_sample_make(&options, &error), POMONA_E_USAGE, cases[i].part);
    }
    struct pomona_sample_options options = options_for(5);
    options.out = NULL;
    assert_failure(pomona_sample_make(&options, &error), POMONA_E_USAGE, "folder");
    options.out = "/proc/nowhere/x";
    assert_true(pomona_sample_make(&options, &error) < 0);
    options.out = "/dev/null/x";
    assert_true(pomona_sample_make(&options, &error) < 0);
}

static int64_t last_done;

static void count_progress(void *user, int64_t done, int64_t total) {
    (void)user;
    assert_true(done > last_done && done <= total);
    last_done = done;
}

static void progress_counts_up_to_the_total(void **state) {
    (void)state;
    struct pomona_sample_options options = options_for(100);
    options.threads = 3;
    options.progress = count_progress;
    last_done = 0;
    assert_int_equal(pomona_sample_make(&options, &error), POMONA_OK);
    assert_int_equal(last_done, 100);
}

/* Each allocation in turn fails: an error or, where a helper thread had it, a corpus that is incomplete and said so. */
static void every_allocation_may_fail(void **state) {
    (void)state;
    struct pomona_sample_options options = options_for(3);
    options.threads = 1;
    options.size = 32;
    for (long k = 1, reached = 1; reached; k++) {
        fail_allocation(k);
        pomona_status status = pomona_sample_make(&options, &error);
        reached = failed_allocation();
        fail_allocation(0);
        assert_true(reached ? status < 0 : status == POMONA_OK);
    }
}

/* The same pixels from every compiler and processor. */
static void pixels_are_golden(void **state) {
    (void)state;
    static const struct {
        int class_index, size;
        int64_t frame;
        const char *hash;
    } golden[] = {{0, 100, 0, "92f566a3fd1964cf"},
                  {5, 100, 200, "d170e4d91dbe920e"},
                  {19, 101, 250, "822b7a0910ecc7f4"},
                  {22, 64, 7, "d9ad98fdaadb7f58"},
                  {47, 33, 12345, "73f79d22a911cf6d"}};
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        size_t side = (size_t)golden[i].size;
        uint8_t *pixels = malloc(3 * side * side);
        char hex[SHA256_HEX_SIZE];
        struct scene scene;
        scene_make(1, golden[i].class_index, golden[i].frame, golden[i].size, &scene);
        scene_draw(&scene, pixels);
        sha256_hex_of(pixels, 3 * side * side, hex);
        if (strncmp(hex, golden[i].hash, strlen(golden[i].hash)) != 0)
            fail_msg("picture %zu has hash %s", i, hex);
        free(pixels);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_golden),
        cmocka_unit_test_setup_teardown(counts_and_labels_are_as_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_change_nothing_and_seeds_do, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_share_with_gps_is_as_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_old_corpus_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_options_and_places_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(progress_counts_up_to_the_total, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_allocation_may_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
