/* The comparison job when things go wrong: whatever fails, the folder holds the old comparison or the new one. */
#include "base/file_sink.h"
#include "pomona/compare.h"
#include "pomona/sample.h"
#include "store/folder.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pomona_error error;
static struct pomona_context *context;
static char folder[] = "/tmp/pomona-compare-XXXXXX";
static const char *const models[] = {"embedded", "broken.onnx"};
static struct pomona_compare_options options_for(const char *out) {
    return (struct pomona_compare_options){.models = models,
                                           .model_count = 2,
                                           .source = "photos",
                                           .out = out,
                                           .threads = 2,
                                           .rounds = 1,
                                           .photos = 10,
                                           .seconds = 0.01};
}

static int set_up(void **unused) {
    (void)unused;
    struct pomona_sample_options sample = {
        .out = "photos", .count = 4, .size = 64, .classes = 2, .threads = 1};
    if (!mkdtemp(folder) || chdir(folder) != 0) return -1;
    if (pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK) return -1;
    if (file_write("broken.onnx", "no model", 8, &error) != POMONA_OK) return -1;
    return pomona_sample_make(&sample, &error) == POMONA_OK ? 0 : -1;
}

static int tear_down(void **unused) {
    (void)unused;
    pomona_context_free(&context);
    return chdir("/") == 0 && path_remove(folder, NULL) == POMONA_OK ? 0 : -1;
}

static bool is_whole(const char *out) {
    char csv[128], json[128], staging[128];
    snprintf(csv, sizeof csv, "%s/comparison.csv", out);
    snprintf(json, sizeof json, "%s/comparison.json", out);
    snprintf(staging, sizeof staging, "%s/_temporary_compare", out);
    return path_exists(csv) && path_exists(json) && !path_exists(staging);
}

static void test_rows(void **unused) {
    (void)unused;
    struct pomona_compare_result result;
    struct pomona_compare_options options = options_for("out");
    assert_int_equal(pomona_compare_run(context, &options, &result, &error), POMONA_OK);
    assert_int_equal(result.row_count, 2);
    const struct pomona_compare_row *row = &result.rows[0];
    assert_string_equal(row->name, "embedded");
    assert_string_equal(row->error, "");
    assert_string_equal(row->precision, "int8");
    assert_true(row->width > 0 && row->macs > 0 && row->file_bytes > 0 && row->hash[0]);
    assert_true(row->ms.median > 0 && row->p99_ms.median >= row->ms.median && row->ready_ms.median > 0);
    assert_true(row->photos_per_second.median > 0 && row->timed == 10);
    assert_true(row->peak_memory > row->file_bytes && row->cpu_seconds.median >= 0);
    assert_string_equal(result.rows[1].name, "broken.onnx");
    assert_non_null(strstr(result.rows[1].error, "broken.onnx"));
    assert_true(!result.rows[1].fits && result.chosen != 1);
    assert_non_null(strstr(result.advice, "Could not be measured: broken.onnx."));
    assert_true(is_whole("out"));
    pomona_compare_result_free(&result);
    assert_failure(pomona_compare_run(context, &options, NULL, &error), POMONA_E_EXISTS,
                   "--overwrite replaces it");
    options.overwrite = true;
    assert_int_equal(pomona_compare_run(context, &options, NULL, &error), POMONA_OK);
    assert_int_equal(path_remove("out", &error), POMONA_OK);
}

static void test_options(void **unused) {
    (void)unused;
    struct pomona_compare_options options = options_for("out");
    static const int sizes[] = {160, 5000};
    options.size_count = 2, options.sizes = sizes;
    assert_failure(pomona_compare_run(context, &options, NULL, &error), POMONA_E_USAGE,
                   "sizes: 5000 is not in");
    options = options_for("out"), options.rounds = -1;
    assert_failure(pomona_compare_run(context, &options, NULL, &error), POMONA_E_USAGE, "rounds");
    options = options_for("out"), options.photos = 9;
    assert_failure(pomona_compare_run(context, &options, NULL, &error), POMONA_E_USAGE, "photos");
    options = options_for("out"), options.seconds = -1;
    assert_failure(pomona_compare_run(context, &options, NULL, &error), POMONA_E_USAGE, "seconds");
    options = options_for("out"), options.model_count = 0;
    assert_failure(pomona_compare_run(context, &options, NULL, &error), POMONA_E_USAGE, "models");
    options = options_for("out"), options.language = "de";
    assert_failure(pomona_compare_run(context, &options, NULL, &error), POMONA_E_USAGE, "de");
    options = options_for("out"), options.source = "nowhere";
    assert_failure(pomona_compare_run(context, &options, NULL, &error), POMONA_E_INPUT, "nowhere");
    options = options_for("out"), options.models = &models[1], options.model_count = 1;
    assert_failure(pomona_compare_run(context, &options, NULL, &error), POMONA_E_INPUT,
                   "no model could be measured: broken.onnx");
    assert_false(path_exists("out"));
}

static int asked, stop_at;
static bool stop(void *user) {
    (void)user;
    return ++asked >= stop_at;
}

static void test_interrupted(void **unused) {
    (void)unused;
    struct pomona_compare_options options = options_for("out");
    options.should_stop = stop;
    for (stop_at = 1; stop_at < 8; stop_at += 2) {
        asked = 0;
        assert_int_equal(pomona_compare_run(context, &options, NULL, &error), POMONA_E_INTERRUPTED);
        assert_false(path_exists("out"));
    }
}

static void test_two_jobs_at_once(void **unused) {
    (void)unused;
    int lock = -1;
    const struct pomona_compare_options options = options_for("out");
    assert_int_equal(folder_make("out/_temporary_compare", &error), POMONA_OK);
    assert_int_equal(folder_lock("out/_temporary_compare/lock", &lock, &error), POMONA_OK);
    assert_failure(pomona_compare_run(context, &options, NULL, &error), POMONA_E_EXISTS, "another job");
    folder_unlock(&lock);
    assert_int_equal(pomona_compare_run(context, &options, NULL, &error), POMONA_OK); /* a dead job's rest */
    assert_int_equal(path_remove("out", &error), POMONA_OK);
}

/* The k-th allocation from the start of the job fails, in the parent or in each child that gets so far. Every one of the
 * parent's first, then ever fewer: reading a model takes thousands. */
static void test_allocations(void **unused) {
    (void)unused;
    const struct pomona_compare_options options = options_for("out");
    bool done = false;
    for (long k = 1; !done; k += k < 60 ? 1 : k / 4) {
        fail_allocation(k);
        pomona_status status = pomona_compare_run(context, &options, NULL, &error);
        done = status == POMONA_OK && !failed_allocation() && k > 5000;
        fail_allocation(0);
        if (status == POMONA_OK) {
            assert_true(is_whole("out"));
        } else if (status == POMONA_E_INPUT) {
            assert_non_null(strstr(error.message, "memory")); /* a child's, so no model was left */
        } else {
            assert_int_equal(status, POMONA_E_MEMORY);
        }
        assert_int_equal(path_remove("out", &error), POMONA_OK);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows), cmocka_unit_test(test_options), cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_two_jobs_at_once), cmocka_unit_test(test_allocations)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
