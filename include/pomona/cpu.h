/* CPU tiers: which family of kernels runs.
 *
 * A tier is a fixed set of instructions, not a list of features to combine: a kernel is written once per tier.
 * The tier is chosen once, when a context is made: the best one the machine has, unless the caller or the
 * environment variable POMONA_TIER names another. fp32 results may differ between tiers within 1e-4; integer
 * results never differ. */
#ifndef POMONA_CPU_H
#define POMONA_CPU_H

#include "pomona/status.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum pomona_tier {
    POMONA_TIER_AUTO = -1,   /* POMONA_TIER if set, else the best tier this machine runs */
    POMONA_TIER_SCALAR = 0,  /* plain C, on every machine: the specification of all others */
    POMONA_TIER_AVX2 = 1,    /* x86-64 with AVX2, FMA and F16C */
    POMONA_TIER_AVX512 = 2,  /* x86-64 with AVX-512 F, BW, DQ, VL and VNNI */
    POMONA_TIER_NEON = 3,    /* AArch64 Advanced SIMD */
    POMONA_TIER_NEONDOT = 4, /* AArch64 with the dot product extension (SDOT, UDOT) */
    POMONA_TIER_WASM128 = 5, /* WebAssembly SIMD */
    POMONA_TIER_COUNT = 6
} pomona_tier;

/* "scalar", "avx2", "avx512", "neon", "neondot", "wasm128"; "auto" for POMONA_TIER_AUTO; "?" otherwise. */
POMONA_API const char *pomona_tier_name(pomona_tier tier);

/* The inverse of pomona_tier_name. POMONA_E_USAGE names the known tiers when `name` is none of them. */
POMONA_API pomona_status pomona_tier_parse(const char *name, pomona_tier *tier, struct pomona_error *error);

/* Whether this machine (processor and operating system: CPUID and XCR0) and this build run `tier`. */
POMONA_API bool pomona_tier_available(pomona_tier tier);

/* The best available tier; POMONA_TIER_SCALAR at worst. */
POMONA_API pomona_tier pomona_tier_best(void);

/* The number of threads worth starting: the cores this process may use, after affinity and cgroup limits
 * (v1 and v2). At least 1. */
POMONA_API int pomona_cpu_threads(void);

#ifdef __cplusplus
}
#endif
#endif
