#include "base/arena.h"
#include "failing.h"
#include "unit.h"

#include <string.h>

static void blocks_are_zeroed_aligned_and_apart(void **state) {
    (void)state;
    struct arena arena = ARENA_INIT(1 << 20);
    unsigned char *previous = NULL;
    for (size_t size = 1; size < 300; size++) {
        unsigned char *block = arena_new(&arena, size, 1);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 16, 0);
        for (size_t i = 0; i < size; i++) assert_int_equal(block[i], 0);
        memset(block, 0xAA, size);
        if (previous) assert_int_equal(previous[0], 0xAA);
        previous = block;
    }
    arena_free(&arena);
    assert_int_equal(arena.used, 0);
    arena_free(&arena); /* freeing twice is harmless */
}

static void a_block_larger_than_a_chunk_fits(void **state) {
    (void)state;
    struct arena arena = ARENA_INIT(10 << 20);
    assert_non_null(arena_new(&arena, 10, 1));
    unsigned char *large = arena_new(&arena, 1 << 20, 4);
    assert_non_null(large);
    memset(large, 1, 4 << 20);
    assert_non_null(arena_new(&arena, 10, 1));
    arena_free(&arena);
}

static void the_limit_holds(void **state) {
    (void)state;
    struct arena arena = ARENA_INIT(64);
    assert_non_null(arena_new(&arena, 3, 16));
    assert_null(arena_new(&arena, 2, 16));
    assert_null(arena_new(&arena, 17, 1));
    assert_non_null(arena_new(&arena, 1, 16));
    assert_null(arena_new(&arena, 1, 1));
    assert_null(arena_new(&arena, 0, 1)); /* even nothing takes a block */
    assert_int_equal(arena.used, 64);
    arena_free(&arena);
}

static void overflowing_sizes_are_refused(void **state) {
    (void)state;
    struct arena arena = ARENA_INIT(SIZE_MAX);
    assert_null(arena_new(&arena, SIZE_MAX, 1));
    assert_null(arena_new(&arena, SIZE_MAX / 2, 3));
    assert_null(arena_new(&arena, SIZE_MAX - 8, 1));
    assert_null(arena_copy_text(&arena, "x", SIZE_MAX));
    arena_free(&arena);
}

static void copied_text_is_terminated(void **state) {
    (void)state;
    struct arena arena = ARENA_INIT(1 << 16);
    assert_string_equal(arena_copy_text(&arena, "pomona", 3), "pom");
    assert_string_equal(arena_copy_text(&arena, NULL, 0), "");
    arena_free(&arena);
}

static void no_memory_is_null(void **state) {
    (void)state;
    struct arena arena = ARENA_INIT(1 << 20);
    fail_allocation(1);
    assert_null(arena_new(&arena, 1, 1));
    assert_true(failed_allocation());
    assert_non_null(arena_new(&arena, 1, 1));
    arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_are_zeroed_aligned_and_apart),
                                       cmocka_unit_test(a_block_larger_than_a_chunk_fits),
                                       cmocka_unit_test(the_limit_holds),
                                       cmocka_unit_test(overflowing_sizes_are_refused),
                                       cmocka_unit_test(copied_text_is_terminated),
                                       cmocka_unit_test(no_memory_is_null)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
