/* A job run again and again, each time with another of its calls or allocations failing. */
#ifndef TESTS_FAULT_TRIALS_H
#define TESTS_FAULT_TRIALS_H

#include "base/error.h"
#include "base/sha256.h"
#include "faults.h"

#include <stdbool.h>

struct fault_trial {
    void (*begin)(void); /* before each run, while nothing fails; may be NULL */
    pomona_status (*run)(void);
    void (*check)(pomona_status status); /* after each run, when nothing fails any more; may be NULL */
    const struct pomona_error *error;    /* what `run` fills */
};

/* One run whose k-th call fails as fault_set has it. Where that happens the run has to come to `expected`, else to POMONA_OK.
 * Returns whether it happened. */
bool fail_call(const struct fault_trial *trial, enum fault_call call, long k, int cause, int for_good,
               pomona_status expected);

/* The same for k = 1, 2, ... until a run has fewer such calls. */
void fail_every_call(const struct fault_trial *trial, enum fault_call call, int cause, int for_good,
                     pomona_status expected);

/* The same for allocations: a run without one of them may still succeed. */
void fail_every_allocation(const struct fault_trial *trial);

/* About `tried` of them, evenly spread, for jobs that have thousands; every one with POMONA_LONG in the environment. */
void fail_some_allocations(const struct fault_trial *trial, long tried);

/* SHA-256 over names and bytes of all files below a folder, also of photos that are packed there. No folder: that of no files. */
void digest_files(const char *folder, const char *pattern, char hex[SHA256_HEX_SIZE]);

#endif
