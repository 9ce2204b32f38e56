/* The pca job when things go wrong: whatever fails, the destination holds the old results or the new ones. */
#include "../base/failing.h"
#include "pomona/pca.h"
#include "pomona/table.h"
#include "store/folder.h"
#include "table.h"

enum { ROWS = 130, WIDTH = 6 };
static char folder[64], source[96], out[96], other[96];

static void write_features(void) {
    struct table table = table_make(ROWS, WIDTH, 3, TABLE_RELU6);
    struct pomona_feature_writer *writer;
    const struct pomona_feature_writer_options options = {0};
    char label[32], path[32];
    assert_int_equal(pomona_feature_writer_open(source, WIDTH, &options, &writer, &error), POMONA_OK);
    for (int row = 0; row < ROWS; row++) {
        snprintf(path, sizeof path, "file:/%d.jpg", row);
        assert_int_equal(pomona_feature_writer_add(writer, path, table_label(&table, row, label),
                                                   table_row(&table, row), &error),
                         POMONA_OK);
    }
    assert_int_equal(pomona_feature_writer_finish(writer, &error), POMONA_OK);
    pomona_feature_writer_free(&writer);
    table_free(&table);
}

static int set_up(void **unused) {
    (void)unused;
    file_name(folder, "job");
    snprintf(source, sizeof source, "%s/features.parquet", folder);
    snprintf(out, sizeof out, "%s/out", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    assert_int_equal(folder_make(folder, &error), POMONA_OK);
    write_features();
    return 0;
}

static int tear_down(void **unused) {
    (void)unused;
    return path_remove(folder, &error) == POMONA_OK ? 0 : -1;
}

static bool has(const char *name) {
    char path[160];
    snprintf(path, sizeof path, "%s/%s", out, name);
    return path_exists(path);
}

static void assert_no_results(void) {
    assert_false(has("PCA_Results"));
    assert_false(has("_temporary_pca"));
}

static void test_every_allocation(void **unused) {
    (void)unused;
    const struct pomona_pca_job job = {.source = source, .out = out, .fit.k = 3};
    for (long k = 1;; k++) {
        fail_allocation(k);
        pomona_status status = pomona_pca_run(context, &job, NULL, &error);
        int reached = failed_allocation();
        fail_allocation(0);
        if (!reached) {
            assert_int_equal(status, POMONA_OK);
            assert_true(k > 60);
            break;
        }
        if (status == POMONA_OK) { /* some library has done without */
            assert_true(has("PCA_Results"));
            assert_int_equal(path_remove(out, &error), POMONA_OK);
            continue;
        }
        assert_int_equal(status, POMONA_E_MEMORY);
        assert_int_equal(error.code, POMONA_E_MEMORY);
        /* The last step moves four things one after the other: a failure in between is made good by --overwrite. */
        if (!has("pca.model")) assert_no_results();
        assert_int_equal(path_remove(out, &error), POMONA_OK);
    }
    assert_true(has("PCA_Results/_SUCCESS"));
    assert_false(has("_temporary_pca"));
    assert_int_equal(path_remove(out, &error), POMONA_OK);
}

static int asked;
static bool stop_at_second(void *user) {
    (void)user;
    return ++asked == 2;
}

static void test_interrupted(void **unused) {
    (void)unused;
    asked = 0;
    const struct pomona_pca_job job = {.source = source, .out = out, .should_stop = stop_at_second};
    assert_failure(pomona_pca_run(context, &job, NULL, &error), POMONA_E_INTERRUPTED, "interrupted");
    assert_no_results();
}

static void test_two_jobs_at_once(void **unused) {
    (void)unused;
    char staging[160], lock_file[192];
    int lock = -1;
    snprintf(staging, sizeof staging, "%s/_temporary_pca", out);
    snprintf(lock_file, sizeof lock_file, "%s/lock", staging);
    assert_int_equal(folder_make(staging, &error), POMONA_OK);
    assert_int_equal(folder_lock(lock_file, &lock, &error), POMONA_OK);
    const struct pomona_pca_job job = {.source = source, .out = out};
    assert_failure(pomona_pca_run(context, &job, NULL, &error), POMONA_E_EXISTS, "another job");
    assert_true(path_exists(lock_file));
    folder_unlock(&lock);
    assert_int_equal(pomona_pca_run(context, &job, NULL, &error),
                     POMONA_OK); /* a dead job's rest is cleared */
    assert_false(path_exists(staging));
}

static void test_results_stay_when_a_job_fails(void **unused) {
    (void)unused;
    struct pomona_pca_job job = {.source = source, .out = out, .fit.k = 2, .overwrite = true};
    struct pomona_pca_result result;
    assert_int_equal(pomona_pca_run(context, &job, &result, &error), POMONA_OK);
    assert_int_equal(result.rows, ROWS);
    job.fit.k = WIDTH + 1;
    assert_failure(pomona_pca_run(context, &job, NULL, &error), POMONA_E_USAGE, "is not in 1..6");
    assert_true(has("PCA_Results/_SUCCESS") && has("pca.model"));
    job.fit.k = 2, job.out = other, job.model = source;
    assert_failure(pomona_pca_run(context, &job, NULL, &error), POMONA_E_INPUT, "not a PCA model");
    assert_false(path_exists(other));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation), cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_two_jobs_at_once), cmocka_unit_test(test_results_stay_when_a_job_fails)};
    if (pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK) return 1;
    int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    pomona_context_free(&context);
    return failed;
}
