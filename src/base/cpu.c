#include "pomona/cpu.h"

#include "base/error.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

static const char *const tier_names[POMONA_TIER_COUNT] = {"scalar", "avx2",    "avx512",
                                                          "neon",   "neondot", "wasm128"};

const char *pomona_tier_name(pomona_tier tier) {
    if (tier == POMONA_TIER_AUTO) return "auto";
    if (tier < 0 || tier >= POMONA_TIER_COUNT) return "?";
    return tier_names[tier];
}

pomona_status pomona_tier_parse(const char *name, pomona_tier *tier, struct pomona_error *error) {
    for (int i = POMONA_TIER_AUTO; i < POMONA_TIER_COUNT; i++)
        if (strcmp(name, pomona_tier_name((pomona_tier)i)) == 0) {
            *tier = (pomona_tier)i;
            return POMONA_OK;
        }
    return fail(error, POMONA_E_USAGE, NULL,
                "unknown tier '%s': one of auto, scalar, avx2, avx512, neon, neondot, wasm128", name);
}

#if defined(__x86_64__)

/* Bits of CPUID leaves 1 and 7 and of XCR0 (Intel SDM vol. 1, ch. 13-15). The processor may have AVX-512 while the
 * operating system does not save its registers, so both are asked. */
enum {
    LEAF1_ECX = 1u << 12 | 1u << 27 | 1u << 28 | 1u << 29, /* FMA, OSXSAVE, AVX, F16C */
    LEAF7_EBX_AVX2 = 1u << 5,
    LEAF7_ECX_VNNI = 1u << 11,
    XCR0_AVX = 0x06,   /* SSE and AVX state */
    XCR0_AVX512 = 0xE6 /* and opmask, ZMM0-15 upper halves, ZMM16-31 */
};
#define LEAF7_EBX_AVX512 (1u << 16 | 1u << 17 | 1u << 30 | 1u << 31) /* F, DQ, BW, VL */

static unsigned read_xcr0(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool x86_has(pomona_tier tier) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & LEAF1_ECX) != LEAF1_ECX) return false;
    unsigned xcr0 = read_xcr0();
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    if (tier == POMONA_TIER_AVX2) return (xcr0 & XCR0_AVX) == XCR0_AVX && (b & LEAF7_EBX_AVX2);
    return (xcr0 & XCR0_AVX512) == XCR0_AVX512 && (b & LEAF7_EBX_AVX2) &&
           (b & LEAF7_EBX_AVX512) == LEAF7_EBX_AVX512 && (c & LEAF7_ECX_VNNI);
}
#endif

bool pomona_tier_available(pomona_tier tier) {
    switch (tier) {
    case POMONA_TIER_SCALAR: return true;
#if defined(__x86_64__)
    case POMONA_TIER_AVX2:
    case POMONA_TIER_AVX512: return x86_has(tier);
#elif defined(__aarch64__)
    case POMONA_TIER_NEON: return true;
    case POMONA_TIER_NEONDOT: return getauxval(AT_HWCAP) & 1u << 20; /* HWCAP_ASIMDDP */
#elif defined(__wasm_simd128__)
    case POMONA_TIER_WASM128: return true;
#endif
    default: return false;
    }
}

pomona_tier pomona_tier_best(void) {
    static const pomona_tier order[] = {POMONA_TIER_AVX512, POMONA_TIER_AVX2, POMONA_TIER_NEONDOT,
                                        POMONA_TIER_NEON, POMONA_TIER_WASM128};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (pomona_tier_available(order[i])) return order[i];
    return POMONA_TIER_SCALAR;
}

/* Reads "QUOTA PERIOD" (cgroup v2 cpu.max) or two files (v1); 0 when there is no limit. */
static double cgroup_cpus(void) {
    double quota = 0, period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (file) {
        if (fscanf(file, "%lf %lf", &quota, &period) != 2) quota = 0; /* "max 100000" */
        fclose(file);
        return quota > 0 && period > 0 ? quota / period : 0;
    }
    file = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re");
    if (!file) return 0;
    if (fscanf(file, "%lf", &quota) != 1) quota = 0;
    fclose(file);
    file = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "re");
    if (!file) return 0;
    if (fscanf(file, "%lf", &period) != 1) period = 0;
    fclose(file);
    return quota > 0 && period > 0 ? quota / period : 0;
}

int pomona_cpu_threads(void) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(CPU_COUNT) /* not in WASI */
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) cores = CPU_COUNT(&allowed);
#endif
    double limit = cgroup_cpus();
    if (limit > 0 && limit < (double)cores)
        cores = (long)(limit + 0.5); /* 1.5 CPUs: two threads keep both busy */
    return cores < 1 ? 1 : (int)cores;
}
