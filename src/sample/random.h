/* Numbers that are the same on every machine: splitmix64 (S. Vigna, public domain; after G. Steele, D. Lea and C. Flood,
 * "Fast splittable pseudorandom number generators", 2014), and a sine made of + and * only, since libm's differs in the
 * last bit between C libraries. */
#ifndef SAMPLE_RANDOM_H
#define SAMPLE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random) {
    uint64_t z = random->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* A generator of its own for each (seed, a, b). */
static inline struct random random_for(uint64_t seed, uint64_t a, uint64_t b) {
    struct random random = {seed};
    random.state = random_next(&random) ^ a * 0xD1B54A32D192ED03u;
    random.state = random_next(&random) ^ b * 0xABC98388FB8FAC03u;
    random_next(&random);
    return random;
}

/* In [low, high), in steps of 2^-24 of the range. */
static inline float random_range(struct random *random, float low, float high) {
    return low + (high - low) * (float)(random_next(random) >> 40) * 0x1p-24f;
}

/* sin(2 pi turns), |error| < 1e-6: a Taylor polynomial on a quarter turn. |turns| < 2^30. */
static inline double sine_turns(double turns) {
    double x = turns - (double)(int64_t)turns; /* (-1, 1) */
    if (x > 0.5) x -= 1;
    if (x < -0.5) x += 1;
    if (x > 0.25) x = 0.5 - x;
    if (x < -0.25) x = -0.5 - x;
    double r = x * 6.283185307179586, s = r * r;
    return r * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110)))));
}

static inline double cosine_turns(double turns) { return sine_turns(turns + 0.25); }

#endif
