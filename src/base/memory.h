/* Allocation with checked sizes. All memory of pomona comes from here, so that tests can make the k-th one fail
 * (the linker wraps malloc, calloc, realloc and aligned_alloc). */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Alignment of tensor memory, in bytes: one AVX-512 register, one cache line. */
#define MEMORY_ALIGN 64

/* `count` zeroed elements of `size` bytes; NULL on overflow or when out of memory, never NULL for zero elements. */
void *memory_new(size_t count, size_t size);

/* Grows or shrinks an array to `count` elements of `size` bytes; NULL leaves the old block as it was. */
void *memory_resize(void *block, size_t count, size_t size);

/* `count` uninitialised elements aligned to MEMORY_ALIGN. Kernels may read (never write) up to MEMORY_ALIGN bytes
 * past the end, so the block is that much larger and its tail is zeroed. */
void *memory_new_aligned(size_t count, size_t size);

/* A copy of a NUL-terminated string. */
char *memory_copy_string(const char *text);

/* Frees a block from any of the above. Accepts NULL. */
void memory_free(void *block);

/* a * b, or SIZE_MAX when that overflows (an allocation of SIZE_MAX always fails). */
static inline size_t size_multiply(size_t a, size_t b) {
    size_t product;
    return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

/* a + b, or SIZE_MAX when that overflows. */
static inline size_t size_add(size_t a, size_t b) {
    size_t sum;
    return __builtin_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}

#endif
