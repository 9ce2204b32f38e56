/* What the machine does at the moment, whatever the photos: clock and peaks. */
#ifndef JOB_BENCH_MACHINE_H
#define JOB_BENCH_MACHINE_H

#include "base/error.h"
#include "pomona/cpu.h"

/* The clock of the core that this thread runs on, in GHz: the best of several short loops within about `seconds`. */
double machine_ghz(double seconds);

/* What `threads` threads see at once. */
struct machine_state {
    double ghz;       /* mean */
    double f32, u8s8; /* GMAC/s, sum, of no more threads than there are cores; NaN: the tier has no peak */
};

/* Measures one after the other, each for about `seconds`, with all threads at once. Errors: those of gang_run. */
pomona_status machine_look(pomona_tier tier, int threads, double seconds, struct machine_state *state,
                           struct pomona_error *error);

#endif
