/* Pages of a listing in memory, and the threads that read them. */
#include "store/s3_page.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct pomona_error error;

/* The answer with `count` keys from `first`, and one folder. */
static struct buffer make_answer(int first, int count, const char *more) {
    struct buffer out = BUFFER_INIT(4 << 20);
    assert_int_equal(buffer_append_text(&out, "<ListBucketResult>", &error), POMONA_OK);
    for (int i = 0; i < count; i++)
        assert_int_equal(buffer_printf(&out, &error,
                                       "<Contents><Key>k%d</Key><ETag>\"e%d\"</ETag><Size>%d</Size>"
                                       "<LastModified>1970-01-01T00:00:09Z</LastModified></Contents>",
                                       first + i, first + i, first + i),
                         POMONA_OK);
    assert_int_equal(
        buffer_printf(&out, &error,
                      "<CommonPrefixes><Prefix>f/</Prefix></CommonPrefixes>%s</ListBucketResult>", more),
        POMONA_OK);
    return out;
}

static void assert_page(const struct s3_page *page, int first, int count) {
    char key[16];
    assert_int_equal(page->count, count + 1);
    for (int i = 0; i < count; i++) {
        struct s3_item item = s3_page_item(page, (size_t)i);
        snprintf(key, sizeof key, "k%d", first + i);
        assert_string_equal(item.key, key);
        assert_string_equal(item.etag + 1, key + 1);
        assert_int_equal(item.size, first + i);
        assert_int_equal(item.modified, 9);
        assert_false(item.is_prefix);
        assert_true(!item.version_id[0] && !item.upload_id[0]);
    }
    struct s3_item folder = s3_page_item(page, (size_t)count);
    assert_true(folder.is_prefix && strcmp(folder.key, "f/") == 0 && !folder.etag[0]);
}

static void test_read(void **unused) {
    (void)unused;
    struct s3_page page = S3_PAGE_INIT;
    const char *next = "<IsTruncated>true</IsTruncated><NextContinuationToken>next</NextContinuationToken>";
    for (int count = 0; count < 3000; count += 700) { /* its memory grows, and is used again */
        struct buffer answer = make_answer(count, count, next);
        assert_int_equal(s3_page_read(&page, "s3://b", &answer, &error), POMONA_OK);
        assert_page(&page, count, count);
        assert_true(page.ends.truncated);
        assert_string_equal(page.ends.continuation, "next");
        buffer_free(&answer);
    }
    struct buffer answer =
        make_answer(0, 1, "<IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>");
    assert_failure(s3_page_read(&page, "s3://b", &answer, &error), POMONA_E_CORRUPT, "does not say where");
    answer.size /= 2;
    assert_failure(s3_page_read(&page, "s3://b", &answer, &error), POMONA_E_CORRUPT, "s3://b");
    buffer_free(&answer);
    s3_page_free(&page);
}

static void test_out_of_memory(void **unused) {
    (void)unused;
    struct buffer answer = make_answer(0, 1200, "");
    for (long k = 1;; k++) {
        struct s3_page page = S3_PAGE_INIT;
        fail_allocation(k);
        pomona_status status = s3_page_read(&page, "s3://b", &answer, &error);
        bool failed = failed_allocation();
        fail_allocation(0);
        s3_page_free(&page);
        assert_int_equal(status, failed ? POMONA_E_MEMORY : POMONA_OK);
        if (!failed) break;
    }
    buffer_free(&answer);
}

static void count_done(void *user) { atomic_fetch_add((atomic_int *)user, 1); }

enum { JOBS = 40, KEYS = 100 };

struct given {
    struct buffer answer;
    struct s3_page page;
    struct page_job job;
};

static void give(struct page_readers *readers, struct given given[JOBS]) {
    for (int i = 0; i < JOBS; i++) {
        given[i] = (struct given){.answer = make_answer(i * KEYS, KEYS, ""), .page = S3_PAGE_INIT};
        if (i % 7 == 3) given[i].answer.size -= 5; /* cut off */
        given[i].job =
            (struct page_job){.name = "s3://b", .answer = &given[i].answer, .page = &given[i].page};
        page_readers_give(readers, &given[i].job);
    }
}

static void free_given(struct given given[JOBS]) {
    for (int i = 0; i < JOBS; i++) {
        buffer_free(&given[i].answer);
        s3_page_free(&given[i].page);
    }
}

static void test_threads(void **unused) {
    (void)unused;
    struct page_readers *readers = NULL;
    struct given given[JOBS];
    atomic_int done = 0;
    assert_int_equal(page_readers_new(count_done, &done, &readers, &error), POMONA_OK);
    assert_null(page_readers_take(readers));
    give(readers, given);
    for (int taken = 0; taken < JOBS;) {
        struct page_job *job = page_readers_take(readers);
        if (!job) {
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
            continue;
        }
        int i = 0;
        while (&given[i].job != job) i++;
        if (i % 7 == 3)
            assert_int_equal(job->status, POMONA_E_CORRUPT);
        else
            assert_page(job->page, i * KEYS, KEYS);
        taken++;
    }
    assert_null(page_readers_take(readers));
    page_readers_free(&readers);
    assert_null(readers);
    assert_int_equal(done, JOBS);
    free_given(given);
}

/* What was given is the caller's again, whatever became of it. */
static void test_end_in_between(void **unused) {
    (void)unused;
    struct page_readers *readers = NULL;
    struct given given[JOBS];
    atomic_int done = 0;
    page_readers_free(&readers);
    assert_int_equal(page_readers_new(count_done, &done, &readers, &error), POMONA_OK);
    give(readers, given);
    page_readers_free(&readers);
    free_given(given);
    assert_true(done >= 1 && done <= JOBS); /* the first is read at once */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_out_of_memory),
                                       cmocka_unit_test(test_threads), cmocka_unit_test(test_end_in_between)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
