#include "failing.h"
#include "pomona/image.h"
#include "samples.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct pomona_error error;

static pomona_status decode(const void *bytes, size_t size, const struct pomona_image_limits *limits,
                            int *width, int *height) {
    struct pomona_image image;
    pomona_status status = pomona_image_decode("a.jpg", bytes, size, false, limits, &image, &error);
    if (status != POMONA_OK) {
        assert_null(image.pixels);
        assert_int_equal(image.width, 0);
    }
    if (width) *width = image.width;
    if (height) *height = image.height;
    pomona_image_free(&image);
    pomona_image_free(&image);
    return status;
}

static void every_kind_decodes(void **state) {
    (void)state;
    static const struct sample_kind kinds[] = {
        {1, 1, 1, 1, false, 0},  {33, 17, 3, 2, false, 0}, {33, 17, 3, 1, false, 2}, {40, 30, 4, 2, false, 0},
        {40, 30, 3, 2, true, 0}, {9, 7, 4, 1, true, 0},    {9, 7, 1, 1, true, 0}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t size;
        int width, height;
        uint8_t *jpeg = sample_jpeg(&kinds[i], &size);
        assert_int_equal(decode(jpeg, size, NULL, &width, &height), POMONA_OK);
        assert_int_equal(width, kinds[i].width);
        assert_int_equal(height, kinds[i].height);
        free(jpeg);
    }
}

static void a_cut_anywhere_is_an_error(void **state) {
    (void)state;
    static const struct sample_kind kinds[] = {
        {17, 9, 3, 2, false, 0}, {17, 9, 3, 2, true, 0}, {17, 9, 4, 1, false, 1}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t size;
        uint8_t *jpeg = sample_jpeg(&kinds[i], &size);
        for (size_t cut = 1; cut < size; cut++) {
            uint8_t *part = malloc(cut);
            memcpy(part, jpeg, cut);
            pomona_status status = decode(part, cut, NULL, NULL, NULL);
            assert_int_equal(status, cut < 3 ? POMONA_E_INPUT : POMONA_E_CORRUPT);
            assert_non_null(strstr(error.message, "a.jpg"));
            free(part);
        }
        assert_int_equal(decode(jpeg, size, NULL, NULL, NULL), POMONA_OK);
        free(jpeg);
    }
}

static void other_formats_are_named(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *name;
    } cases[] = {{"", 0, "empty"},
                 {"\x89PNG\r\n\x1a\n....", 12, "PNG"},
                 {"GIF89a......", 12, "GIF"},
                 {"RIFF....WEBPVP8 ", 16, "WebP"},
                 {"\0\0\0\x18"
                  "ftypheic....",
                  16, "HEIC"},
                 {"II*\0\x08\0\0\0", 8, "TIFF"},
                 {"MM\0*\0\0\0\x08", 8, "TIFF"},
                 {"BM......", 8, "BMP"},
                 {"%PDF-1.7", 8, "PDF"},
                 {"\xFF\xD8", 2, "FF D8 FF"},
                 {"hello", 5, "FF D8 FF"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_failure(decode(cases[i].bytes, cases[i].size, NULL, NULL, NULL), POMONA_E_INPUT,
                       cases[i].name);
}

/* Overwrites the size in the frame header. */
static void set_size(uint8_t *jpeg, size_t size, unsigned width, unsigned height) {
    for (size_t i = 0; i + 9 < size; i++)
        if (jpeg[i] == 0xFF && (jpeg[i + 1] == 0xC0 || jpeg[i + 1] == 0xC2)) {
            jpeg[i + 5] = (uint8_t)(height >> 8);
            jpeg[i + 6] = (uint8_t)height;
            jpeg[i + 7] = (uint8_t)(width >> 8);
            jpeg[i + 8] = (uint8_t)width;
            return;
        }
    fail_msg("no frame header");
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void limits_hold_before_memory_is_asked_for(void **state) {
    (void)state;
    size_t size;
    uint8_t *jpeg = sample_jpeg(&(struct sample_kind){64, 64, 3, 2, true, 0}, &size);
    set_size(jpeg, size, 65500, 65500);
    double begin = now();
    assert_failure(decode(jpeg, size, NULL, NULL, NULL), POMONA_E_LIMIT, "65500 x 65500");
    assert_true(now() - begin < 0.1);
    set_size(jpeg, size, 65535, 65535); /* more than libjpeg takes */
    assert_failure(decode(jpeg, size, NULL, NULL, NULL), POMONA_E_LIMIT, "");
    set_size(jpeg, size, 0, 64);
    assert_failure(decode(jpeg, size, NULL, NULL, NULL), POMONA_E_CORRUPT, "");
    set_size(jpeg, size, 64, 64);
    struct pomona_image_limits limits = {64 * 64, 0};
    assert_int_equal(decode(jpeg, size, &limits, NULL, NULL), POMONA_OK);
    limits.max_pixels--;
    assert_failure(decode(jpeg, size, &limits, NULL, NULL), POMONA_E_LIMIT, "limit of 4095");
    free(jpeg);
}

/* A progressive file of one component whose first scan, of DC coefficients that are all zero, is followed by `scans` more
 * that refine them: 12 bytes each. */
static uint8_t *scan_bomb(unsigned side, int scans, size_t *size) {
    static const uint8_t head[] = {0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0};
    static const uint8_t frame[] = {0xFF, 0xC2, 0, 11, 8, 0, 0, 0, 0, 1, 1, 0x11, 0};
    static const uint8_t table[] = {0xFF, 0xC4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0,
                                    0,    0,    0, 0,  0,    0, 0, 0, 0, 0, 0};
    static const uint8_t scan[] = {0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 63, 0, 0x3F, 0x3F};
    uint8_t *bomb = calloc(1, 256 + sizeof scan * (size_t)scans), *at = bomb;
    memcpy(at, head, sizeof head), at += sizeof head;
    memset(at, 1, 64), at += 64;
    memcpy(at, frame, sizeof frame);
    at[5] = at[7] = (uint8_t)(side >> 8), at[6] = at[8] = (uint8_t)side;
    at += sizeof frame;
    memcpy(at, table, sizeof table), at += sizeof table;
    for (int i = 0; i < scans; i++) memcpy(at, scan, sizeof scan), at += sizeof scan;
    *at++ = 0xFF, *at++ = 0xD9;
    *size = (size_t)(at - bomb);
    return bomb;
}

static void bombs_of_scans_end_soon(void **state) {
    (void)state;
    size_t size;
    uint8_t *bomb = scan_bomb(64, 100, &size);
    assert_int_equal(decode(bomb, size, NULL, NULL, NULL), POMONA_OK);
    free(bomb);
    bomb = scan_bomb(64, 101, &size);
    assert_failure(decode(bomb, size, NULL, NULL, NULL), POMONA_E_LIMIT, "scans");
    assert_int_equal(decode(bomb, size, &(struct pomona_image_limits){0, 101}, NULL, NULL), POMONA_OK);
    free(bomb);
    bomb = scan_bomb(7000, 80000, &size); /* 49 million pixels in a megabyte */
    double begin = now();
    assert_failure(decode(bomb, size, NULL, NULL, NULL), POMONA_E_LIMIT, "scans");
    print_message("80,000 scans of 7000 x 7000: %.2f s\n", now() - begin);
    assert_true(now() - begin <
                10); /* sanitizers and a busy machine included; ./dev bench has the real figure */
    for (size_t i = 0; i < 128; i++) /* the same, arithmetic-coded */
        if (bomb[i] == 0xFF && bomb[i + 1] == 0xC2) bomb[i + 1] = 0xCA;
    assert_failure(decode(bomb, size, NULL, NULL, NULL), POMONA_E_LIMIT, "scans");
    free(bomb);
}

static void what_libjpeg_lacks_is_unsupported(void **state) {
    (void)state;
    size_t size;
    uint8_t *jpeg = sample_jpeg(&(struct sample_kind){16, 16, 3, 1, false, 0}, &size);
    for (size_t i = 0; i + 9 < size; i++)
        if (jpeg[i] == 0xFF && jpeg[i + 1] == 0xC0) {
            jpeg[i + 4] = 12;
            assert_failure(decode(jpeg, size, NULL, NULL, NULL), POMONA_E_UNSUPPORTED, "precision");
            jpeg[i + 4] = 8;
            jpeg[i + 1] = 0xC3;
            assert_failure(decode(jpeg, size, NULL, NULL, NULL), POMONA_E_UNSUPPORTED, "SOF");
            break;
        }
    free(jpeg);
}

static void a_picture_survives_its_own_encoding(void **state) {
    (void)state;
    size_t size, size2;
    uint8_t *jpeg = sample_jpeg(&(struct sample_kind){61, 47, 3, 1, false, 0}, &size), *again;
    struct pomona_image image, copy;
    assert_int_equal(pomona_image_decode("a.jpg", jpeg, size, false, NULL, &image, &error), POMONA_OK);
    assert_int_equal(pomona_image_encode(&image, 100, &again, &size2, &error), POMONA_OK);
    assert_int_equal(pomona_image_decode("b.jpg", again, size2, false, NULL, &copy, &error), POMONA_OK);
    assert_int_equal(copy.width, 61);
    assert_int_equal(copy.height, 47);
    pomona_image_free(&copy);
    pomona_bytes_free(&again);
    assert_null(again);
    assert_failure(pomona_image_encode(&image, 0, &again, &size2, &error), POMONA_E_USAGE, "quality");
    assert_failure(pomona_image_encode(&image, 101, &again, &size2, &error), POMONA_E_USAGE, "quality");
    pomona_image_free(&image);
    assert_failure(pomona_image_encode(&image, 90, &again, &size2, &error), POMONA_E_USAGE, "picture");
    free(jpeg);
}

/* Each allocation in turn fails: an error, nothing leaked, and the preprocessor works afterwards. */
static void every_allocation_may_fail(void **state) {
    (void)state;
    size_t size;
    uint8_t *jpeg = sample_jpeg(&(struct sample_kind){50, 40, 3, 2, false, 0}, &size), exif[64];
    size_t length = sample_exif(exif, 6, true);
    uint8_t *turned = sample_insert(jpeg, size, exif, length), pixels[3 * 32 * 32 * 3];
    struct pomona_context *context;
    struct pomona_profile profile;
    assert_int_equal(pomona_context_new(POMONA_TIER_AUTO, &context, &error), POMONA_OK);
    assert_int_equal(pomona_profile_named("phone", 32, 32, &profile, &error), POMONA_OK);
    assert_int_equal(pomona_profile_set_views(&profile, "60c,100c,60cm", &error), POMONA_OK);
    for (long k = 1, reached = 1; reached; k++) {
        struct pomona_preprocessor *p;
        fail_allocation(k);
        pomona_status status = pomona_preprocessor_new(context, &profile, NULL, &p, &error);
        if (status == POMONA_OK)
            status = pomona_preprocessor_run(p, "a.jpg", turned, size + length, pixels, &error);
        reached = failed_allocation();
        fail_allocation(0);
        assert_int_equal(status, reached ? POMONA_E_MEMORY : POMONA_OK);
        if (p)
            assert_int_equal(pomona_preprocessor_run(p, "a.jpg", turned, size + length, pixels, &error),
                             POMONA_OK);
        pomona_preprocessor_free(&p);
        assert_null(p);
    }
    struct pomona_preprocessor *none;
    profile.view[1].zoom = 101; /* beyond the picture */
    assert_failure(pomona_preprocessor_new(context, &profile, NULL, &none, &error), POMONA_E_USAGE, "views");
    profile.views = 17;
    assert_failure(pomona_preprocessor_new(context, &profile, NULL, &none, &error), POMONA_E_USAGE, "views");
    pomona_context_free(&context);
    free(turned);
    free(jpeg);
}

/* Through a preprocessor of 4 x 3 pixels that decodes scaled. */
static pomona_status decode_small(struct pomona_preprocessor *p, const void *bytes, size_t size) {
    uint8_t pixels[4 * 3 * 3];
    memset(&error, 0, sizeof error);
    return pomona_preprocessor_run(p, "a.jpg", bytes, size, pixels, &error);
}

static void scaled_decoding_refuses_the_same(void **state) {
    (void)state;
    static const struct sample_kind kinds[] = {{133, 119, 3, 2, false, 0}, {133, 119, 3, 2, true, 0},
                                               {64, 64, 4, 1, false, 1},   {65, 63, 1, 1, true, 0},
                                               {17, 9, 3, 1, false, 0},    {1, 1, 3, 2, false, 0}};
    struct pomona_context *context;
    struct pomona_profile profile;
    struct pomona_preprocessor *p;
    const struct pomona_image_limits limits = {133 * 119, 0};
    assert_int_equal(pomona_context_new(POMONA_TIER_AUTO, &context, &error), POMONA_OK);
    assert_int_equal(pomona_profile_named("phone", 4, 3, &profile, &error), POMONA_OK);
    assert_int_equal(pomona_profile_set_decode(&profile, "scaled", &error), POMONA_OK);
    assert_int_equal(pomona_preprocessor_new(context, &profile, &limits, &p, &error), POMONA_OK);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t size;
        uint8_t *jpeg = sample_jpeg(&kinds[i], &size);
        assert_int_equal(decode_small(p, jpeg, size), POMONA_OK);
        for (size_t cut = 3; cut < size; cut++) {
            uint8_t *part = malloc(cut);
            memcpy(part, jpeg, cut);
            assert_failure(decode_small(p, part, cut), POMONA_E_CORRUPT, "a.jpg");
            free(part);
        }
        free(jpeg);
    }
    size_t size; /* the limit is on the stored pixels, not on those that are decoded */
    uint8_t *jpeg = sample_jpeg(&(struct sample_kind){134, 119, 3, 2, false, 0}, &size);
    assert_failure(decode_small(p, jpeg, size), POMONA_E_LIMIT, "134 x 119");
    free(jpeg);
    pomona_preprocessor_free(&p);
    pomona_context_free(&context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_decodes),
        cmocka_unit_test(a_cut_anywhere_is_an_error),
        cmocka_unit_test(other_formats_are_named),
        cmocka_unit_test(limits_hold_before_memory_is_asked_for),
        cmocka_unit_test(bombs_of_scans_end_soon),
        cmocka_unit_test(what_libjpeg_lacks_is_unsupported),
        cmocka_unit_test(a_picture_survives_its_own_encoding),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(scaled_decoding_refuses_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
