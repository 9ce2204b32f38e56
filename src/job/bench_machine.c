#include "job/bench_machine.h"

#include "base/clock.h"
#include "base/memory.h"
#include "job/bench_gang.h"
#include "kernels/peak.h"

#include <math.h>
#include <stdint.h>

/* One addition that waits for the one before: a cycle on every processor that pomona runs on. Of two registers, since some
 * processors add constants without waiting; the empty assembly keeps the compiler from joining two additions. */
#define ADD                                                                                                  \
    __asm__ volatile("" : "+r"(sum));                                                                        \
    sum += step;
#define ADD_8  ADD ADD ADD ADD ADD ADD ADD ADD
#define ADD_64 ADD_8 ADD_8 ADD_8 ADD_8 ADD_8 ADD_8 ADD_8 ADD_8

/* 64 x rounds cycles, and a few. */
static uintptr_t wait_cycles(long rounds) {
    uintptr_t sum = 0, step = 1;
    __asm__ volatile("" : "+r"(step));
    for (long i = 0; i < rounds; i++) { ADD_64 }
    return sum;
}

double machine_ghz(double seconds) {
    enum { ROUNDS = 5000 }; /* a tenth of a millisecond: short enough to be left alone now and then */
    double best = 0, start = clock_seconds();
    do {
        double begin = clock_seconds();
        volatile uintptr_t sink = wait_cycles(ROUNDS);
        (void)sink;
        double ghz = 64.0 * ROUNDS / (clock_seconds() - begin) * 1e-9;
        if (ghz > best) best = ghz;
    } while (clock_seconds() - start < seconds);
    return best;
}

/* What each thread has measured. */
struct look {
    pomona_tier tier;
    double seconds;
    double *of_threads; /* [threads] */
};

static void measure_ghz(void *user, int thread) {
    const struct look *look = user;
    look->of_threads[thread] = machine_ghz(look->seconds);
}

static void measure_f32(void *user, int thread) {
    const struct look *look = user;
    look->of_threads[thread] = peak_measure(look->tier, PEAK_F32, look->seconds);
}

static void measure_u8s8(void *user, int thread) {
    const struct look *look = user;
    look->of_threads[thread] = peak_measure(look->tier, PEAK_U8S8, look->seconds);
}

static pomona_status look_at(struct look *look, int threads, void (*measure)(void *user, int thread),
                             double *sum, struct pomona_error *error) {
    TRY(gang_run(threads, measure, look, error));
    *sum = 0;
    for (int i = 0; i < threads; i++) *sum += look->of_threads[i];
    return POMONA_OK;
}

pomona_status machine_look(pomona_tier tier, int threads, double seconds, struct machine_state *state,
                           struct pomona_error *error) {
    struct look look = {tier, seconds, memory_new((size_t)threads, sizeof *look.of_threads)};
    int cores = pomona_cpu_threads();
    *state = (struct machine_state){0};
    if (!look.of_threads) return fail_memory(error, "threads");
    pomona_status status = look_at(&look, threads, measure_ghz, &state->ghz, error);
    if (status == POMONA_OK) status = look_at(&look, threads, measure_f32, &state->f32, error);
    if (status == POMONA_OK) status = look_at(&look, threads, measure_u8s8, &state->u8s8, error);
    state->ghz /= threads;
    if (threads > cores) state->f32 *= (double)cores / threads, state->u8s8 *= (double)cores / threads;
    if (!(state->f32 > 0)) state->f32 = state->u8s8 = NAN;
    memory_free(look.of_threads);
    return status;
}
