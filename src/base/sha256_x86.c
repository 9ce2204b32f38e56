#include "base/sha256_blocks.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

static bool ask_processor(void) {
    unsigned a, b, c, d;
    const unsigned ssse3_and_sse41 = 1u << 9 | 1u << 19, sha = 1u << 29;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & ssse3_and_sse41) != ssse3_and_sse41) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & sha);
}

/* The answer is kept: in a virtual machine the question takes 30 microseconds, as long as hashing 50 KB, and a signed request has a dozen
 * hashes. Not a state of the program: every thread would find the same. */
bool sha256_x86_available(void) {
    static atomic_int known; /* 0: not asked yet, 1: no, 2: yes */
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == 0) {
        answer = 1 + ask_processor();
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == 2;
}

/* Four rounds: the low half of `words` (message plus constants) drives two, the high half the other two. */
#define FOUR_ROUNDS(abef, cdgh, words)                                                                       \
    do {                                                                                                     \
        (cdgh) = _mm_sha256rnds2_epu32((cdgh), (abef), (words));                                             \
        (abef) = _mm_sha256rnds2_epu32((abef), (cdgh), _mm_shuffle_epi32((words), 0x0E));                    \
    } while (0)

__attribute__((target("sha,ssse3,sse4.1"))) void sha256_x86_blocks(uint32_t state[8], const uint8_t *data,
                                                                   size_t blocks) {
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    /* the instructions want the state as (a b e f) and (c d g h) */
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0xB1);
    __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(state + 4)), 0x1B);
    __m128i abef = _mm_alignr_epi8(low, high, 8), cdgh = _mm_blend_epi16(high, low, 0xF0);
    for (; blocks > 0; blocks--, data += 64) {
        __m128i m[4], abef_before = abef, cdgh_before = cdgh;
        for (int i = 0; i < 16; i++) {
            __m128i *now = &m[i & 3], before = m[(i + 3) & 3];
            if (i < 4) {
                *now = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i));
                *now = _mm_shuffle_epi8(*now, big_endian);
            } else {
                __m128i sum = _mm_sha256msg1_epu32(*now, m[(i + 1) & 3]);
                sum = _mm_add_epi32(sum, _mm_alignr_epi8(before, m[(i + 2) & 3], 4));
                *now = _mm_sha256msg2_epu32(sum, before);
            }
            __m128i constants = _mm_loadu_si128((const __m128i *)(const void *)(sha256_constants + 4 * i));
            __m128i words = _mm_add_epi32(*now, constants);
            FOUR_ROUNDS(abef, cdgh, words);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    low = _mm_shuffle_epi32(abef, 0x1B);
    high = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(low, high, 0xF0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

#else

bool sha256_x86_available(void) { return false; }

void sha256_x86_blocks(uint32_t state[8], const uint8_t *data, size_t blocks) {
    (void)state, (void)data, (void)blocks;
}

#endif
