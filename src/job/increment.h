/* A job that adds to finished results: what is there already, and what of the photos is new. */
#ifndef JOB_INCREMENT_H
#define JOB_INCREMENT_H

#include "base/arena.h"
#include "job/success_file.h"
#include "store/listing.h"

#include <stdbool.h>

struct job;

/* A row of Errors. */
struct failed_photo {
    const char *path, *reason;
};

struct failed_photos {
    struct arena texts;
    struct failed_photo *rows; /* [count], owned */
    size_t count, capacity;
};

enum { FAILED_TEXTS_MAX = 1 << 30 };

struct increment {
    bool adds;                   /* DST has results, which stay */
    struct success old;          /* their _SUCCESS */
    struct failed_photos failed; /* their Errors */
    int first_number;            /* of the new parts: behind the old ones */
};

#define INCREMENT_INIT                                                                                       \
    ((struct increment){.old = SUCCESS_INIT, .failed = {.texts = ARENA_INIT(FAILED_TEXTS_MAX)}})

/* Appends a row; texts are copied. POMONA_E_MEMORY: also beyond 1 GiB of texts. */
pomona_status failed_photos_add(struct failed_photos *failed, const char *path, size_t path_size,
                                const char *reason, size_t reason_size, struct pomona_error *error);

/* Looks at DST for --only-new and --retry-failed. Without results there is nothing to add to: a job like any other, unless only failed
 * photos were asked for (POMONA_E_INPUT). Results of another feature space, or not made by pomona: POMONA_E_INPUT, POMONA_E_CORRUPT. */
pomona_status increment_open(struct job *job, struct pomona_error *error);
void increment_free(struct increment *increment);

/* Fills the listing with the failed photos, for --retry-failed without a list. */
pomona_status increment_list_failed(struct job *job, struct pomona_error *error);

/* Keeps of the sorted listing what is to be done; the rest is counted in result->known. */
pomona_status increment_select(struct job *job, struct pomona_error *error);

/* At the commit. `failed`: all rows that Errors is to have, sorted by path: those of this run, and the old ones that it did not try. `whole`:
 * the _SUCCESS of everything. _moments adds the old rows to job->moments. _link puts the old parts, and the new ones that have rows, into
 * the folder `grown`. */
pomona_status increment_failed(struct job *job, struct failed_photos *failed, struct pomona_error *error);
pomona_status increment_success(struct job *job, size_t failed, struct success *whole,
                                struct pomona_error *error);
pomona_status increment_moments(struct job *job, struct pomona_error *error);
pomona_status increment_link(struct job *job, const struct success *whole, const char *grown,
                             struct pomona_error *error);

#endif
