/* A command run for its output: what it says, how it ends, and that it ends. */
#include "base/clock.h"
#include "store/process.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct pomona_error error;

static pomona_status run(const char *command, int milliseconds, struct buffer *out) {
    return process_output(command, "name", milliseconds, out, &error);
}

static void test_output(void **unused) {
    (void)unused;
    struct buffer out = BUFFER_INIT(1 << 20);
    assert_int_equal(run("printf 'a b'; cat; echo '\"c\"'", 10000, &out), POMONA_OK);
    assert_int_equal(out.size, 7);
    assert_memory_equal(out.data, "a b\"c\"\n", 7);
    assert_int_equal(run("true", 10000, &out), POMONA_OK);
    assert_int_equal(out.size, 0);
    assert_int_equal(run("head -c 300000 /dev/zero", 10000, &out), POMONA_OK);
    assert_int_equal(out.size, 300000);
    buffer_free(&out);
}

static void test_failures(void **unused) {
    (void)unused;
    struct buffer out = BUFFER_INIT(1000);
    assert_failure(run("echo HUSHED; exit 3", 10000, &out), POMONA_E_IO,
                   "name: the command ends with status 3");
    assert_failure(run("kill -9 $$", 10000, &out), POMONA_E_IO, "signal 9");
    assert_failure(run("/none/HUSHED 2>/dev/null", 10000, &out), POMONA_E_IO, "status 127");
    assert_null(strstr(error.message, "HUSHED"));
    assert_failure(run("yes", 10000, &out), POMONA_E_LIMIT, "beyond 1000 bytes");
    buffer_free(&out);
}

static void test_time(void **unused) {
    (void)unused;
    static const char *const slow[] = {"sleep 50", "sleep 50 & echo", "exec >&-; sleep 50",
                                       "while :; do echo; done"};
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
        struct buffer out = BUFFER_INIT(1u << 30);
        double start = clock_seconds();
        assert_failure(run(slow[i], 200, &out), POMONA_E_IO, "takes too long");
        assert_true(clock_seconds() - start < 10);
        buffer_free(&out);
    }
}

/* The command has signals as they are by default, whatever the host made of its own. */
static void test_signals(void **unused) {
    (void)unused;
    struct buffer out = BUFFER_INIT(1000);
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigprocmask(SIG_BLOCK, &pipe_only, NULL);
    signal(SIGCHLD, SIG_IGN);
    assert_int_equal(run("yes | head -n 1", 10000, &out), POMONA_OK);
    assert_int_equal(out.size, 2);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &pipe_only, NULL);
    buffer_free(&out);
}

static void test_out_of_memory(void **unused) {
    (void)unused;
    struct buffer out = BUFFER_INIT(1000);
    fail_allocation(1);
    assert_failure(run("echo", 10000, &out), POMONA_E_MEMORY, "out of memory");
    fail_allocation(0);
    buffer_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_output), cmocka_unit_test(test_failures),
                                       cmocka_unit_test(test_time), cmocka_unit_test(test_signals),
                                       cmocka_unit_test(test_out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
