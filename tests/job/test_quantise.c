/* The quantisation job when things go wrong: every allocation that fails is a clean failure, and an older file stays. */
#include "base/file_sink.h"
#include "base/io.h"
#include "pomona/model.h"
#include "pomona/quantise.h"
#include "pomona/sample.h"
#include "store/folder.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"
#include "tests/net/network.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pomona_error error;
static struct pomona_context *context;
static char folder[] = "/tmp/pomona-quantise-XXXXXX";

static const struct pomona_quantise_options defaults = {
    .model = "m.onnx", .calibrate = "photos", .out = "q.onnx", .photos = 3, .threads = 1};

/* Two convolutions with a residual, and the pool that is the features. */
static int write_model(void) {
    struct network net;
    struct buffer file = BUFFER_INIT((size_t)1 << 20);
    network_start(&net);
    network_floats(&net, "w", 4, (const int64_t[]){4, 3, 3, 3});
    network_floats(&net, "b", 1, (const int64_t[]){4});
    network_floats(&net, "v", 4, (const int64_t[]){4, 4, 1, 1});
    network_node(&net, "Conv", "x w b", "first");
    network_node(&net, "Relu", "first", "a");
    network_node(&net, "Conv", "a v", "second");
    network_node(&net, "Add", "a second", "sum");
    network_node(&net, "Conv", "sum v", "third");
    network_node(&net, "Relu", "third", "c");
    network_node(&net, "GlobalAveragePool", "c", "pool");
    network_node(&net, "Flatten", "pool", "y");
    network_pack(&net, &file);
    pomona_status status = file_write("m.onnx", file.data, file.size, &error);
    network_free(&net);
    buffer_free(&file);
    return status == POMONA_OK ? 0 : -1;
}

static int set_up(void **unused) {
    (void)unused;
    struct pomona_sample_options sample = {
        .out = "photos", .count = 4, .size = 32, .classes = 2, .threads = 1};
    if (!mkdtemp(folder) || chdir(folder) != 0) return -1;
    if (pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK || write_model() != 0) return -1;
    return pomona_sample_make(&sample, &error) == POMONA_OK ? 0 : -1;
}

static int tear_down(void **unused) {
    (void)unused;
    pomona_context_free(&context);
    return chdir("/") == 0 && path_remove(folder, NULL) == POMONA_OK ? 0 : -1;
}

static void the_result_is_filled(void **unused) {
    (void)unused;
    struct pomona_quantise_result result;
    struct pomona_model *model;
    struct pomona_model_info info;
    assert_int_equal(pomona_quantise_run(context, &defaults, &result, &error), POMONA_OK);
    assert_int_equal(result.photos, 3);
    assert_int_equal(result.listed, 4);
    assert_int_equal(result.features, 4);
    assert_true(result.cosine_mean > 0.99 && result.cosine_min <= result.cosine_mean && result.pixels_exact);
    assert_true(result.layer_count == 4 && result.layers[0].snr > 20 && !result.has_head);
    assert_string_equal(result.layers[0].name, "n_first");
    assert_int_equal(pomona_model_open(context, "q.onnx", NULL, &model, &error), POMONA_OK);
    pomona_model_get_info(model, &info);
    assert_string_equal(info.feature_space, result.feature_space);
    assert_string_equal(info.hash, result.hash);
    assert_int_equal(info.precision, POMONA_PRECISION_INT8);
    pomona_model_free(&model);
    pomona_quantise_result_free(&result);
    assert_null(result.layers);
    pomona_quantise_result_free(&result);
    pomona_quantise_result_free(NULL);
    assert_failure(pomona_quantise_run(context, &defaults, NULL, &error), POMONA_E_EXISTS, "--overwrite");
}

static bool stop_at(void *user) { return --*(int *)user == 0; }

static void it_can_be_stopped(void **unused) {
    (void)unused;
    for (int k = 1; k < 12; k++) {
        struct pomona_quantise_options options = defaults;
        int left = k;
        options.out = "stopped.onnx", options.should_stop = stop_at, options.user = &left;
        assert_int_equal(pomona_quantise_run(context, &options, NULL, &error), POMONA_E_INTERRUPTED);
        assert_false(path_exists("stopped.onnx"));
    }
}

static void bad_options_are_refused(void **unused) {
    (void)unused;
    struct pomona_quantise_options options = defaults;
    options.out = "other.onnx", options.photos = POMONA_QUANTISE_PHOTOS_MAX + 1;
    assert_failure(pomona_quantise_run(context, &options, NULL, &error), POMONA_E_USAGE, "not in 1..4096");
    options.photos = 1, options.threads = -1;
    assert_failure(pomona_quantise_run(context, &options, NULL, &error), POMONA_E_USAGE, "threads");
    options.threads = 1, options.calibrate = NULL;
    assert_failure(pomona_quantise_run(context, &options, NULL, &error), POMONA_E_USAGE, "needed");
    options.calibrate = "photos", options.model = NULL, options.layer = "features";
    assert_failure(pomona_quantise_run(context, &options, NULL, &error), POMONA_E_USAGE, "says its layer");
    options.layer = NULL, options.model = "missing.onnx";
    assert_failure(pomona_quantise_run(context, &options, NULL, &error), POMONA_E_INPUT, "missing.onnx");
    options.model = "m.onnx", options.glob = "*.png";
    assert_failure(pomona_quantise_run(context, &options, NULL, &error), POMONA_E_INPUT, "no photo matches");
}

/* The k-th allocation fails: a clean failure, and the older file is what it was. */
static void each_allocation_may_fail(void **unused) {
    (void)unused;
    struct pomona_quantise_options options = defaults;
    bool done = false;
    options.out = "kept.onnx", options.overwrite = true;
    for (long k = 1; !done; k++) {
        assert_int_equal(file_write("kept.onnx", "old", 3, &error), POMONA_OK);
        fail_allocation(k);
        pomona_status status = pomona_quantise_run(context, &options, NULL, &error);
        done = status == POMONA_OK && !failed_allocation() && k > 300;
        fail_allocation(0);
        if (status == POMONA_OK) continue; /* one that can be done without, as a photo's */
        struct buffer file = BUFFER_INIT((size_t)1 << 20);
        assert_true(status == POMONA_E_MEMORY || status == POMONA_E_LIMIT); /* an arena does not tell which */
        assert_int_equal(file_read("kept.onnx", &file, &error), POMONA_OK);
        assert_true(file.size == 3 && memcmp(file.data, "old", 3) == 0);
        buffer_free(&file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_result_is_filled), cmocka_unit_test(it_can_be_stopped),
        cmocka_unit_test(bad_options_are_refused), cmocka_unit_test(each_allocation_may_fail)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
