/* Photos to features on several threads, handed over in order.
 *
 * One thread reads ahead, from places beyond this machine many photos at a time, bounded by bytes; workers decode, resize and run the network in small batches; the
 * calling thread takes the results in the order of the list. A result depends on its photo alone, so neither the
 * number of threads nor timing can be seen in the output. */
#ifndef JOB_PIPELINE_H
#define JOB_PIPELINE_H

#include "pomona/image.h"
#include "pomona/model.h"
#include "store/listing.h"

#include <stdbool.h>
#include <stddef.h>

/* Seconds of each stage, summed over threads, and bytes read. */
struct pipeline_stats {
    double read, decode, resize, net;
    uint64_t bytes;
};

struct pipeline_options {
    const struct pomona_context *context;
    const struct pomona_model *model;
    struct pomona_places *places; /* for photos that are not on this machine; may be NULL */
    const struct listed_photo *photos;
    size_t first, count; /* photos[first .. first + count) are done */
    int threads;         /* workers, >= 1 */
    int batch;           /* photos a worker runs through the network at once, 1..64 */

    /* Takes photo `index` (ascending, from `first`): `features` [model features], or NULL and the `reason` why it
     * failed. A failure of this call stops the pipeline and is returned. */
    pomona_status (*take)(void *user, size_t index, const float *features, const char *reason,
                          struct pomona_error *error);
    /* Instead of `take`: workers turn features [model features] into values [values], and these are taken. `worker` is
     * 0 .. threads - 1; no two calls with the same one at a time. */
    int values;
    void (*apply)(void *user, int worker, const float *features, double *values);
    pomona_status (*take_values)(void *user, size_t index, const double *values, const char *reason,
                                 struct pomona_error *error);

    /* Called after rows and at least ten times a second, from the calling thread; true stops after the photos at
     * hand. */
    bool (*tick)(void *user);
    void *user;
};

/* Runs the list. Returns POMONA_E_INTERRUPTED when tick() asked to stop before the end: every photo up to some index
 * was then taken, none after it. Other errors: take()'s, those of a remote place that fails (POMONA_E_IO, POMONA_E_INPUT without
 * credentials or bucket), POMONA_E_MEMORY, POMONA_E_INTERNAL (a thread could not start). `stats` is filled in every case. */
pomona_status pipeline_run(const struct pipeline_options *options, struct pipeline_stats *stats,
                           struct pomona_error *error);

#endif
