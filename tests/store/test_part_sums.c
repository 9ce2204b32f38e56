/* The sums of an upload's parts, and the thread that makes them. */
#include "store/checksum.h"
#include "store/part_sums.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { PARTS = 20, PART = 1000, SIZE = (PARTS - 1) * PART + 7, AHEAD = 3 };

static struct pomona_error error;
static uint8_t data[SIZE];

static void count_done(void *user) { atomic_fetch_add((atomic_int *)user, 1); }

static struct part_sums_options options_of(bool hashed, size_t size, atomic_int *done) {
    for (size_t i = 0; i < SIZE; i++) data[i] = (uint8_t)(i * i >> 3);
    return (struct part_sums_options){.data = size ? data : NULL,
                                      .size = size,
                                      .part_bytes = PART,
                                      .parts = size ? (size - 1) / PART + 1 : 1,
                                      .ahead = AHEAD,
                                      .hashed = hashed,
                                      .done = count_done,
                                      .user = done};
}

static const struct part_sum *wait_for(struct part_sums *sums, size_t part) {
    const struct part_sum *sum;
    while (!(sum = part_sums_get(sums, part))) nanosleep(&(struct timespec){.tv_nsec = 10000}, NULL);
    return sum;
}

static void assert_sum(const struct part_sum *sum, size_t from, size_t size, bool hashed) {
    char crc[9], hex[SHA256_HEX_SIZE] = "";
    struct sha256 hash;
    uint8_t digest[SHA256_SIZE];
    crc_base64(crc32c(0, data + from, size), crc);
    sha256_start(&hash);
    sha256_add(&hash, data + from, size);
    sha256_finish(&hash, digest);
    if (hashed) sha256_hex(digest, hex);
    assert_string_equal(sum->crc, crc);
    assert_string_equal(sum->hash, hex);
}

static void test_sums(void **unused) {
    (void)unused;
    for (int hashed = 0; hashed < 2; hashed++) {
        struct part_sums *sums = NULL;
        atomic_int done = 0;
        struct part_sums_options options = options_of(hashed, SIZE, &done);
        assert_int_equal(part_sums_new(&options, &sums, &error), POMONA_OK);
        const struct part_sum *first = wait_for(sums, 0);
        for (size_t part = 0; part < PARTS; part++)
            assert_sum(wait_for(sums, part), part * PART, part + 1 < PARTS ? PART : SIZE % PART, hashed);
        assert_ptr_equal(part_sums_get(sums, 0), first);
        part_sums_free(&sums);
        assert_null(sums);
        assert_int_equal(done, hashed ? PARTS : 0); /* without a hash there is no thread */
    }
}

/* The thread stays a few parts ahead of what is asked for. */
static void test_ahead(void **unused) {
    (void)unused;
    struct part_sums *sums = NULL;
    atomic_int done = 0;
    struct part_sums_options options = options_of(true, SIZE, &done);
    assert_int_equal(part_sums_new(&options, &sums, &error), POMONA_OK);
    while (done < AHEAD) nanosleep(&(struct timespec){.tv_nsec = 10000}, NULL);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    assert_int_equal(done, AHEAD);
    assert_null(part_sums_get(sums, AHEAD));
    wait_for(sums, 0);
    while (done < AHEAD + 1) nanosleep(&(struct timespec){.tv_nsec = 10000}, NULL);
    part_sums_free(&sums); /* in between */
}

static void test_one_part(void **unused) {
    (void)unused;
    for (size_t size = 0; size < 2; size++) {
        struct part_sums *sums = NULL;
        atomic_int done = 0;
        struct part_sums_options options = options_of(true, size, &done);
        assert_int_equal(part_sums_new(&options, &sums, &error), POMONA_OK);
        assert_sum(part_sums_get(sums, 0), 0, size, true);
        part_sums_free(&sums);
    }
}

static void test_out_of_memory(void **unused) {
    (void)unused;
    for (long k = 1;; k++) {
        struct part_sums *sums = NULL;
        atomic_int done = 0;
        struct part_sums_options options = options_of(false, SIZE, &done);
        fail_allocation(k);
        pomona_status status = part_sums_new(&options, &sums, &error);
        bool failed = failed_allocation();
        fail_allocation(0);
        part_sums_free(&sums);
        assert_int_equal(status, failed ? POMONA_E_MEMORY : POMONA_OK);
        if (!failed) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums), cmocka_unit_test(test_ahead),
                                       cmocka_unit_test(test_one_part), cmocka_unit_test(test_out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
