#include "base/memory.h"
#include "failing.h"
#include "unit.h"

#include <string.h>

static void sizes_saturate(void **state) {
    (void)state;
    assert_true(size_add(SIZE_MAX, 1) == SIZE_MAX);
    assert_true(size_add(SIZE_MAX - 1, 1) == SIZE_MAX);
    assert_true(size_add(2, 3) == 5);
    assert_true(size_multiply(SIZE_MAX / 2, 3) == SIZE_MAX);
    assert_true(size_multiply(6, 7) == 42);
    assert_true(size_multiply(0, SIZE_MAX) == 0);
}

static void overflowing_sizes_are_refused(void **state) {
    (void)state;
    assert_null(memory_new(SIZE_MAX / 2, 3));
    assert_null(memory_new(SIZE_MAX, 1));
    assert_null(memory_resize(NULL, SIZE_MAX / 4, 8));
    assert_null(memory_new_aligned(SIZE_MAX / 2, 3));
    assert_null(memory_new_aligned(SIZE_MAX - 64, 1));
}

static void nothing_is_still_a_block(void **state) {
    (void)state;
    void *a = memory_new(0, 8), *b = memory_resize(NULL, 0, 8), *c = memory_new_aligned(0, 4);
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    memory_free(a);
    memory_free(b);
    memory_free(c);
    memory_free(NULL);
}

static void aligned_blocks_may_be_over_read(void **state) {
    (void)state;
    for (size_t size = 0; size < 200; size++) {
        unsigned char *block = memory_new_aligned(size, 1);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % MEMORY_ALIGN, 0);
        memset(block, 0xFF, size);
        for (size_t i = size; i < size + MEMORY_ALIGN; i++) assert_int_equal(block[i], 0);
        memory_free(block);
    }
}

static void a_failed_resize_keeps_the_block(void **state) {
    (void)state;
    char *text = memory_copy_string("kept");
    fail_allocation(1);
    assert_null(memory_resize(text, 1000, 1));
    assert_true(failed_allocation());
    assert_string_equal(text, "kept");
    memory_free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_saturate), cmocka_unit_test(overflowing_sizes_are_refused),
        cmocka_unit_test(nothing_is_still_a_block), cmocka_unit_test(aligned_blocks_may_be_over_read),
        cmocka_unit_test(a_failed_resize_keeps_the_block)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
