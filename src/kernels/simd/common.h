/* What the three vector headers of this folder have in common. A source of one instruction set includes its vector
 * header first, then the bodies (FAMILY/simd.h) that are written on top of it: `vec` is one register of VEC floats,
 * and every operation below is that of each lane.
 *
 *   vec_load, vec_store             any alignment
 *   vec_load_part, vec_store_part   the first `count` lanes, 1..VEC; loaded lanes past them are unspecified
 *   vec_load_u8                     VEC bytes as floats 0..255
 *   vec_set, vec_broadcast          one number, one number in memory, in every lane
 *   vec_add, vec_mul, vec_div       rounded each
 *   vec_fma(a, b, c)                a * b + c rounded once
 *   vec_max(a, b), vec_min(a, b)    b where it is NaN
 *   vec_round                       to the nearest integer, ties to even
 *   vec_power_of_two(n)             2^n for integers in [-126, 127] */
#ifndef KERNELS_SIMD_COMMON_H
#define KERNELS_SIMD_COMMON_H

#include <stddef.h>
#include <stdint.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/* Before a loop of constant length whose arrays must live in registers. Sanitizers take minutes to instrument
 * unrolled tiles, and those builds need not be fast. */
#if defined(SANITIZED)
#define UNROLL
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#endif
