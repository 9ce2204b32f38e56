#include "jpeg/exif.h"
#include "jpeg/markers.h"
#include "samples.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static void a_walk_hands_out_every_segment_up_to_the_scan(void **state) {
    (void)state;
    size_t size;
    uint8_t *jpeg = sample_jpeg(&(struct sample_kind){16, 16, 3, 2, false, 0}, &size);
    struct jpeg_walk walk = jpeg_walk_start(jpeg, size);
    struct jpeg_segment segment;
    size_t expected = 0, count = 0;
    while (jpeg_walk_next(&walk, &segment)) {
        assert_int_equal(segment.offset, expected); /* no gap and no overlap */
        assert_int_equal(jpeg[segment.offset + 1], segment.marker);
        expected = walk.position;
        count++;
    }
    assert_true(walk.complete);
    assert_int_equal(segment.marker, 0); /* cleared after the end */
    assert_int_equal(jpeg[walk.position - 10 - 4 + 1], JPEG_SOS);
    assert_int_equal(count, 10); /* SOI APP0 2 DQT SOF 4 DHT SOS */
    free(jpeg);
}

static void a_walk_never_leaves_the_bytes(void **state) {
    (void)state;
    size_t size;
    uint8_t *jpeg = sample_jpeg(&(struct sample_kind){16, 16, 1, 1, false, 0}, &size);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *part = malloc(cut + !cut); /* of this very size, for the address sanitizer */
        memcpy(part, jpeg, cut);
        struct jpeg_walk walk = jpeg_walk_start(part, cut);
        struct jpeg_segment segment;
        while (jpeg_walk_next(&walk, &segment))
            if (segment.data) assert_true(segment.data + segment.length <= part + cut);
        assert_true(walk.position <= cut);
        assert_false(jpeg_walk_next(&walk, &segment));
        free(part);
    }
    free(jpeg);
}

static void a_walk_stops_at_what_is_no_marker(void **state) {
    (void)state;
    const struct {
        const char *bytes;
        size_t size;
        int segments;
        bool complete;
    } cases[] = {
        {"", 0, 0, false},
        {"\xFF", 1, 0, false},
        {"\xFF\xD8", 2, 1, false},
        {"\xFF\xD8\xFF\xD9", 4, 2, true},
        {"\xFF\xD8\xFF\xFF\xFF\xD9", 6, 2, true},          /* fill bytes */
        {"\xFF\xD8\xFF\x00\xFF\xD9", 6, 1, false},         /* a stuffed byte */
        {"\xFF\xD8xx\xFF\xD9", 6, 1, false},               /* junk */
        {"\xFF\xD8\xFF\xE0\x00\x01\xFF\xD9", 8, 1, false}, /* a length that does not hold itself */
        {"\xFF\xD8\xFF\xE0\x00\x02\xFF\xD9", 8, 3, true},  /* an empty segment */
        {"\xFF\xD8\xFF\xE0\x00\x05\xFF\xD9", 8, 1, false}, /* one that ends behind the file */
        {"\xFF\xD8\xFF\xE0\x00", 5, 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct jpeg_walk walk = jpeg_walk_start(cases[i].bytes, cases[i].size);
        struct jpeg_segment segment;
        int segments = 0;
        while (jpeg_walk_next(&walk, &segment)) segments++;
        assert_int_equal(segments, cases[i].segments);
        assert_int_equal(walk.complete, cases[i].complete);
    }
}

static int orientation_with(const uint8_t *segment, size_t length) {
    size_t size;
    uint8_t *jpeg = sample_jpeg(&(struct sample_kind){8, 8, 1, 1, false, 0}, &size);
    uint8_t *with = sample_insert(jpeg, size, segment, length);
    int value = exif_orientation(with, size + length);
    free(with);
    free(jpeg);
    return value;
}

static void orientations_are_read_in_both_byte_orders(void **state) {
    (void)state;
    uint8_t segment[64];
    for (int value = 0; value <= 10; value++)
        for (int little = 0; little <= 1; little++) {
            size_t length = sample_exif(segment, value, little);
            assert_int_equal(orientation_with(segment, length), value >= 1 && value <= 8 ? value : 1);
        }
    size_t length = sample_exif(segment, 6, false);
    segment[10 + 18] = 1; /* 0x0106 */
    assert_int_equal(orientation_with(segment, length), 1);
}

/* Every byte of the segment but the value, set to something else: never a crash, never a value that is not there. */
static void damaged_exif_means_upright(void **state) {
    (void)state;
    uint8_t segment[64];
    for (int little = 0; little <= 1; little++) {
        size_t length = sample_exif(segment, 6, little);
        static const size_t decisive[] = {10, 11, 12, 13, 16, 17, 20, 21, 22, 23, 24, 25, 26, 27};
        for (size_t i = 0; i < sizeof decisive / sizeof *decisive; i++) {
            uint8_t kept = segment[decisive[i]];
            for (int value = 0; value < 256; value++) {
                segment[decisive[i]] = (uint8_t)value;
                int orientation = orientation_with(segment, length);
                assert_true(orientation == 1 || (value == kept && orientation == 6));
            }
            segment[decisive[i]] = kept;
        }
    }
}

static void a_tiff_block_is_read_within_its_bounds(void **state) {
    (void)state;
    uint8_t segment[64];
    for (int little = 0; little <= 1; little++) {
        size_t length = sample_exif(segment, 6, little) - 10;
        for (size_t cut = 0; cut <= length; cut++) {
            uint8_t *part = malloc(cut + !cut);
            memcpy(part, segment + 10, cut);
            assert_int_equal(exif_orientation_tiff(part, cut), cut >= 8 + 2 + 12 ? 6 : 1);
            free(part);
        }
        uint8_t far_away[26];
        memcpy(far_away, segment + 10, 26);
        memset(far_away + 4, 0xFF, 4); /* IFD at 4 GiB - 1 */
        assert_int_equal(exif_orientation_tiff(far_away, 26), 1);
    }
}

static void only_the_first_exif_segment_counts(void **state) {
    (void)state;
    uint8_t two[128];
    size_t first = sample_exif(two, 3, true);
    size_t second = sample_exif(two + first, 8, false);
    assert_int_equal(orientation_with(two, first + second), 3);
    two[4] = 'e'; /* not Exif: some other APP1 */
    assert_int_equal(orientation_with(two, first + second), 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_hands_out_every_segment_up_to_the_scan),
        cmocka_unit_test(a_walk_never_leaves_the_bytes),
        cmocka_unit_test(a_walk_stops_at_what_is_no_marker),
        cmocka_unit_test(orientations_are_read_in_both_byte_orders),
        cmocka_unit_test(damaged_exif_means_upright),
        cmocka_unit_test(a_tiff_block_is_read_within_its_bounds),
        cmocka_unit_test(only_the_first_exif_segment_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
