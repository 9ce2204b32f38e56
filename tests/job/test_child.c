/* Work in a process of its own, and what is read from the system about it. */
#include "base/file_sink.h"
#include "base/memory.h"
#include "job/child.h"
#include "job/energy.h"
#include "job/resources.h"
#include "store/folder.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct pomona_error error;

/* ---- child ---- */

enum { WORDS = 50000 }; /* more than a pipe holds */
static int touched;

static void *double_it(void *words) {
    for (int i = 0; i < WORDS; i++) ((int *)words)[i] *= 2;
    return NULL;
}

static pomona_status work(void *user, void *reply, struct pomona_error *cause) {
    (void)cause;
    pthread_t thread;
    int *words = reply;
    for (int i = 0; i < WORDS; i++) words[i] = i + *(int *)user;
    if (pthread_create(&thread, NULL, double_it, words) != 0) return POMONA_E_INTERNAL;
    pthread_join(thread, NULL);
    touched = 1;
    return POMONA_OK;
}

static pomona_status refuse(void *user, void *reply, struct pomona_error *cause) {
    (void)user;
    *(int *)reply = 99;
    return fail(cause, POMONA_E_CORRUPT, "a.onnx", "damaged");
}

static pomona_status crash(void *user, void *reply, struct pomona_error *cause) {
    (void)reply, (void)cause;
    signal(*(int *)user, SIG_DFL);
    raise(*(int *)user);
    return POMONA_OK;
}

static pomona_status leave(void *user, void *reply, struct pomona_error *cause) {
    (void)reply, (void)cause;
    if (user) _Exit(7);
    return POMONA_OK;
}

static pomona_status hang(void *user, void *reply, struct pomona_error *cause) {
    (void)reply, (void)cause;
    while (!user) pause();
    return POMONA_OK;
}

static bool stop_at_third(void *user) { return ++*(int *)user >= 3; }

static void assert_no_child(void) {
    errno = 0;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void test_reply(void **unused) {
    (void)unused;
    int base = 5, *words = memory_new(WORDS, sizeof *words);
    struct child_outcome outcome;
    assert_non_null(words);
    const struct child_work all = {
        .body = work, .user = &base, .reply = words, .reply_size = WORDS * sizeof *words};
    assert_int_equal(child_run(&all, &outcome, &error), POMONA_OK);
    assert_int_equal(outcome.status, POMONA_OK);
    for (int i = 0; i < WORDS; i++) assert_int_equal(words[i], 2 * (i + base));
    assert_int_equal(touched, 0); /* the child's memory is its own */
    assert_no_child();
    memory_free(words);
}

static void test_failures(void **unused) {
    (void)unused;
    int reply = 1, number = 0;
    struct child_outcome outcome;
    struct child_work one = {.body = refuse, .user = &number, .reply = &reply, .reply_size = sizeof reply};
    assert_int_equal(child_run(&one, &outcome, &error), POMONA_OK);
    assert_int_equal(outcome.status, POMONA_E_CORRUPT);
    assert_string_equal(outcome.cause.message, "a.onnx: damaged");
    one.body = crash;
    static const struct {
        int number;
        const char *message;
    } deaths[] = {{SIGSEGV, "its process crashed (signal 11)"},
                  {SIGABRT, "its process crashed (signal 6)"},
                  {SIGKILL, "its process was killed (signal 9; out of memory?)"}};
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
        number = deaths[i].number;
        assert_int_equal(child_run(&one, &outcome, &error), POMONA_OK);
        assert_int_equal(outcome.status, POMONA_E_INTERNAL);
        assert_string_equal(outcome.cause.message, deaths[i].message);
    }
    one.body = leave;
    assert_int_equal(child_run(&one, &outcome, &error), POMONA_OK);
    assert_int_equal(outcome.status, POMONA_E_INTERNAL);
    assert_non_null(strstr(outcome.cause.message, "without a result"));
    assert_int_equal(reply, 1);
    assert_no_child();
}

static void test_stop(void **unused) {
    (void)unused;
    int reply = 1, asked = 0;
    struct child_outcome outcome;
    const struct child_work one = {.body = hang,
                                   .reply = &reply,
                                   .reply_size = sizeof reply,
                                   .should_stop = stop_at_third,
                                   .stop_user = &asked};
    assert_failure(child_run(&one, &outcome, &error), POMONA_E_INTERRUPTED, "interrupted");
    assert_no_child();
}

static void test_memory(void **unused) {
    (void)unused;
    int reply = 1;
    struct child_outcome outcome;
    const struct child_work one = {.body = refuse, .reply = &reply, .reply_size = sizeof reply};
    fail_allocation(1);
    assert_int_equal(child_run(&one, &outcome, &error), POMONA_E_MEMORY);
    fail_allocation(0);
    const struct child_work absurd = {.body = refuse, .reply = &reply, .reply_size = SIZE_MAX - 8};
    assert_int_equal(child_run(&absurd, &outcome, &error), POMONA_E_MEMORY);
    assert_no_child();
}

/* ---- resources ---- */

static void test_resources(void **unused) {
    (void)unused;
    enum { BLOCK = 64 << 20 };
    uint64_t start = resources_peak_bytes();
    if (start == 0) skip(); /* no /proc */
    volatile char *block = memory_new(BLOCK, 1);
    assert_non_null(block);
    for (int i = 0; i < BLOCK; i += 4096) block[i] = 1;
    assert_true(resources_peak_bytes() >= start + BLOCK / 2);
    memory_free((void *)block);
    double before = resources_cpu_seconds();
    for (volatile int i = 0; i < 50000000; i++) continue;
    assert_true(resources_cpu_seconds() > before);
    resources_forget_peak(); /* may be refused; must not fail */
    assert_true(resources_peak_bytes() > 0);
}

/* ---- energy ---- */

static char root[] = "/tmp/pomona-energy-XXXXXX";

static void put(const char *zone, const char *file, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, zone);
    assert_int_equal(folder_make(path, &error), POMONA_OK);
    snprintf(path, sizeof path, "%s/%s/%s", root, zone, file);
    assert_int_equal(file_write(path, text, strlen(text), &error), POMONA_OK);
}

static int set_up(void **unused) {
    (void)unused;
    if (!mkdtemp(root)) return -1;
    put("intel-rapl", "enabled", "1\n");
    put("intel-rapl:0", "name", "package-0\n");
    put("intel-rapl:0", "energy_uj", "1000000\n");
    put("intel-rapl:0", "max_energy_range_uj", "9000000\n");
    put("intel-rapl:1", "name", "package-1\n");
    put("intel-rapl:1", "energy_uj", "500000\n");
    put("intel-rapl:0:0", "name", "core\n");
    put("intel-rapl:0:0", "energy_uj", "1\n");
    put("intel-rapl-mmio:0", "name", "package-0\n");
    put("intel-rapl-mmio:0", "energy_uj", "1000000\n");
    put("intel-rapl:2", "name", "psys\n");
    put("intel-rapl:2", "energy_uj", "1\n");
    put("intel-rapl:3", "name", "package-3\n"); /* no counter */
    put("intel-rapl:4", "name", "package-4\n");
    put("intel-rapl:4", "energy_uj", "not a number\n");
    return 0;
}

static int tear_down(void **unused) {
    (void)unused;
    return path_remove(root, &error) == POMONA_OK ? 0 : -1;
}

static void test_energy(void **unused) {
    (void)unused;
    struct energy_meter meter;
    struct energy_reading before, after;
    energy_open(root, &meter);
    assert_int_equal(meter.packages, 2);
    energy_read(&meter, &before);
    put("intel-rapl:0", "energy_uj", "3500000\n");
    put("intel-rapl:1", "energy_uj", "750000\n");
    energy_read(&meter, &after);
    assert_true(fabs(energy_joules(&meter, &before, &after) - 2.75) < 1e-12);
    before = after;
    put("intel-rapl:0", "energy_uj", "200000\n"); /* began again at 9 J */
    energy_read(&meter, &after);
    assert_true(fabs(energy_joules(&meter, &before, &after) - 5.7) < 1e-12);
    before = after;
    put("intel-rapl:1", "energy_uj", "1\n"); /* began again, nobody knows where */
    energy_read(&meter, &after);
    assert_true(isnan(energy_joules(&meter, &before, &after)));
    char path[256];
    snprintf(path, sizeof path, "%s/intel-rapl:1/energy_uj", root);
    assert_int_equal(path_remove(path, &error), POMONA_OK);
    energy_read(&meter, &after);
    assert_false(after.valid);
    assert_true(isnan(energy_joules(&meter, &before, &after)));
}

static void test_no_energy(void **unused) {
    (void)unused;
    struct energy_meter meter;
    struct energy_reading reading;
    energy_open("/nonexistent/powercap", &meter);
    energy_read(&meter, &reading);
    assert_true(meter.packages == 0 && !reading.valid);
    assert_true(isnan(energy_joules(&meter, &reading, &reading)));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reply),     cmocka_unit_test(test_failures),
                                       cmocka_unit_test(test_stop),      cmocka_unit_test(test_memory),
                                       cmocka_unit_test(test_resources), cmocka_unit_test(test_energy),
                                       cmocka_unit_test(test_no_energy)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
