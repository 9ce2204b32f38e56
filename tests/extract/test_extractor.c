/* The extractor: each photo for itself, whatever lies beside it. */
#include "base/buffer.h"
#include "failing.h"
#include "network.h"
#include "pomona/extractor.h"
#include "samples.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PHOTOS = 9, WIDTH_MAX = 4096 };

static struct pomona_error error;
static struct pomona_context *context;
static struct pomona_model *embedded, *small; /* 1,024 features in 8 bits; 4 in fp32 */
static uint8_t *files[PHOTOS];                /* of all sizes, the fourth and the last damaged */
static size_t sizes[PHOTOS];
static float features[PHOTOS][WIDTH_MAX], alone[PHOTOS][WIDTH_MAX];
static struct pomona_error causes[PHOTOS];
static struct pomona_photo photos[PHOTOS];

static bool is_bad(int photo) { return photo == 3 || photo == PHOTOS - 1; }

static int setup(void **state) {
    (void)state;
    struct network net;
    struct buffer file = BUFFER_INIT(1 << 20);
    if (pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK) return -1;
    network_classifier(&net);
    network_pack(&net, &file);
    network_free(&net);
    pomona_status status =
        pomona_model_open_memory(context, "small.onnx", file.data, file.size, NULL, &small, &error);
    buffer_free(&file);
    if (status != POMONA_OK || pomona_model_open_embedded(context, NULL, &embedded, &error) != POMONA_OK)
        return -1;
    for (int i = 0; i < PHOTOS; i++) {
        const struct sample_kind kind = {
            .width = 33 + 29 * i, .height = 120 - 9 * i, .components = 3, .sampling = 1 + i % 2};
        files[i] = sample_jpeg(&kind, &sizes[i]);
    }
    sizes[3] /= 2;
    sizes[PHOTOS - 1] = 0;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    for (int i = 0; i < PHOTOS; i++) free(files[i]);
    pomona_model_free(&embedded);
    pomona_model_free(&small);
    pomona_context_free(&context);
    return 0;
}

static size_t width_of(const struct pomona_model *model) {
    struct pomona_model_info info;
    pomona_model_get_info(model, &info);
    return (size_t)info.features;
}

static void lay_out(float (*out)[WIDTH_MAX]) {
    static const char *const names[PHOTOS] = {"a", "b", "c", "bad.jpg", "e", "f", "g", "h", "empty.jpg"};
    memset(out, 0xff, sizeof features); /* NaN: seen where nothing is written */
    memset(causes, 0, sizeof causes);
    for (int i = 0; i < PHOTOS; i++)
        photos[i] = (struct pomona_photo){
            .name = names[i], .bytes = files[i], .size = sizes[i], .features = out[i], .cause = &causes[i]};
}

static struct pomona_extractor *extractor_of(const struct pomona_model *model, int batch) {
    struct pomona_extractor *extractor;
    assert_int_equal(pomona_extractor_new(context, model, batch, &extractor, &error), POMONA_OK);
    return extractor;
}

/* Fills `alone`: every photo by itself. */
static void run_alone(const struct pomona_model *model) {
    struct pomona_extractor *extractor = extractor_of(model, 1);
    lay_out(alone);
    for (int i = 0; i < PHOTOS; i++)
        assert_int_equal(pomona_extractor_run(extractor, &photos[i], 1, &error), POMONA_OK);
    pomona_extractor_free(&extractor);
    assert_null(extractor);
}

static void check_rows(size_t width) {
    for (int i = 0; i < PHOTOS; i++) {
        if (!is_bad(i)) assert_int_equal(photos[i].status, POMONA_OK);
        assert_memory_equal(features[i], alone[i], width * sizeof(float));
    }
}

static void a_photo_that_fails_leaves_its_neighbours_alone(void **state) {
    (void)state;
    struct pomona_extractor *extractor = extractor_of(small, 4);
    run_alone(small);
    lay_out(features);
    assert_int_equal(pomona_extractor_run(extractor, photos, PHOTOS, &error), POMONA_OK);
    check_rows(4);
    assert_int_equal(photos[3].status, POMONA_E_CORRUPT);
    assert_non_null(strstr(causes[3].message, "bad.jpg: "));
    assert_int_equal(causes[3].code, POMONA_E_CORRUPT);
    assert_true(photos[PHOTOS - 1].status == POMONA_E_INPUT || photos[PHOTOS - 1].status == POMONA_E_CORRUPT);
    assert_non_null(strstr(causes[PHOTOS - 1].message, "empty.jpg: "));
    uint32_t untouched;
    for (int i = 0; i < PHOTOS; i++) {
        memcpy(&untouched, features[i], sizeof untouched);
        assert_int_equal(untouched == UINT32_MAX, is_bad(i));
        assert_int_equal(causes[i].message[0] != '\0', is_bad(i));
    }
    pomona_extractor_free(&extractor);
}

/* 8 bits and fp32, batches that divide the photos, that don't, and that hold them all. */
static void the_batch_does_not_change_a_bit(void **state) {
    (void)state;
    static const int batches[] = {1, 2, 3, 4, 7, 9, 64};
    const struct pomona_model_options options = {.precision = "fp32"};
    struct pomona_model *floats;
    assert_int_equal(pomona_model_open_embedded(context, &options, &floats, &error), POMONA_OK);
    const struct pomona_model *const models[] = {small, embedded, floats};
    for (int m = 0; m < 3; m++) {
        run_alone(models[m]);
        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
            struct pomona_extractor *extractor = extractor_of(models[m], batches[b]);
            for (int round = 0; round < 2; round++) { /* nor does what came before */
                lay_out(features);
                assert_int_equal(pomona_extractor_run(extractor, photos, PHOTOS, &error), POMONA_OK);
                check_rows(width_of(models[m]));
            }
            pomona_extractor_free(&extractor);
        }
    }
    pomona_model_free(&floats);
}

static void a_status_given_beforehand_stays(void **state) {
    (void)state;
    struct pomona_extractor *extractor = extractor_of(small, 2);
    run_alone(small);
    lay_out(features);
    for (int i = 0; i < PHOTOS; i += 2) {
        photos[i].status = POMONA_E_IO;
        photos[i].bytes = NULL; /* not looked at */
        snprintf(causes[i].message, sizeof causes[i].message, "photo %d was not read", i);
    }
    assert_int_equal(pomona_extractor_run(extractor, photos, PHOTOS, &error), POMONA_OK);
    for (int i = 0; i < PHOTOS; i++) {
        uint32_t first;
        memcpy(&first, features[i], sizeof first);
        if (i % 2) {
            assert_memory_equal(features[i], alone[i], 4 * sizeof(float));
        } else {
            assert_int_equal(photos[i].status, POMONA_E_IO);
            assert_int_equal(first, UINT32_MAX);
            assert_non_null(strstr(causes[i].message, "was not read"));
        }
    }
    pomona_extractor_free(&extractor);
}

static void causes_may_be_left_out_and_photos_too(void **state) {
    (void)state;
    struct pomona_extractor *extractor = extractor_of(small, 4);
    run_alone(small);
    lay_out(features);
    for (int i = 0; i < PHOTOS; i++) photos[i].cause = NULL;
    assert_int_equal(pomona_extractor_run(extractor, photos, PHOTOS, NULL), POMONA_OK);
    check_rows(4);
    assert_int_equal(photos[3].status, POMONA_E_CORRUPT);
    assert_int_equal(pomona_extractor_run(extractor, NULL, 0, NULL), POMONA_OK);
    pomona_extractor_free(&extractor);
    pomona_extractor_free(&extractor);
    pomona_extractor_free(NULL);
}

static void seconds_add_up(void **state) {
    (void)state;
    struct pomona_extractor *extractor = extractor_of(embedded, 4);
    double before[3] = {0}, now[3];
    for (int round = 0; round < 3; round++) {
        lay_out(features);
        assert_int_equal(pomona_extractor_run(extractor, photos, PHOTOS, &error), POMONA_OK);
        pomona_extractor_seconds(extractor, &now[0], &now[1], &now[2]);
        for (int i = 0; i < 3; i++) assert_true(now[i] > before[i]);
        memcpy(before, now, sizeof before);
    }
    pomona_extractor_free(&extractor);
}

static void batches_have_bounds(void **state) {
    (void)state;
    static const int wrong[] = {0, -1, 65};
    struct pomona_extractor *extractor = (struct pomona_extractor *)&error;
    for (int i = 0; i < 3; i++) {
        assert_failure(pomona_extractor_new(context, small, wrong[i], &extractor, &error), POMONA_E_USAGE,
                       "batch");
        assert_null(extractor);
    }
}

/* Every allocation fails once: the call says so, or had no need of it; afterwards all is as if nothing had been. */
static void memory_that_is_short_is_no_photo_s_fault(void **state) {
    (void)state;
    run_alone(small);
    long k = 1;
    for (;; k++) {
        struct pomona_extractor *extractor = NULL;
        memset(&error, 0, sizeof error);
        lay_out(features);
        fail_allocation(k);
        pomona_status status = pomona_extractor_new(context, small, 2, &extractor, &error);
        if (status == POMONA_OK) status = pomona_extractor_run(extractor, photos, PHOTOS, &error);
        int reached = failed_allocation();
        fail_allocation(0);
        if (status == POMONA_OK) {
            check_rows(4);
        } else {
            assert_int_equal(status, POMONA_E_MEMORY);
            assert_int_equal(error.code, POMONA_E_MEMORY);
        }
        if (extractor) { /* what failed once works again */
            lay_out(features);
            assert_int_equal(pomona_extractor_run(extractor, photos, PHOTOS, &error), POMONA_OK);
            check_rows(4);
        }
        pomona_extractor_free(&extractor);
        if (!reached) break;
    }
    assert_true(k > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_photo_that_fails_leaves_its_neighbours_alone),
                                       cmocka_unit_test(the_batch_does_not_change_a_bit),
                                       cmocka_unit_test(a_status_given_beforehand_stays),
                                       cmocka_unit_test(causes_may_be_left_out_and_photos_too),
                                       cmocka_unit_test(seconds_add_up),
                                       cmocka_unit_test(batches_have_bounds),
                                       cmocka_unit_test(memory_that_is_short_is_no_photo_s_fault)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
