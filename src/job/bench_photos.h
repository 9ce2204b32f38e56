/* The photos of a bench: in memory as files and as inputs of the network, and on disk for the whole job. */
#ifndef JOB_BENCH_PHOTOS_H
#define JOB_BENCH_PHOTOS_H

#include "base/buffer.h"
#include "pomona/bench.h"
#include "pomona/model.h"
#include "store/listing.h"

enum { BENCH_BATCH_MAX = 16 };

/* Zero-initialise; free with bench_photos_free. */
struct bench_photos {
    struct buffer bytes; /* all files: photo i is bytes.data[offset[i] .. offset[i + 1]) */
    size_t *offset;      /* [count + 1] */
    size_t count;
    uint8_t *pixels;      /* [pictures][photo_bytes]: their inputs, over and over */
    size_t pictures;      /* count + BENCH_BATCH_MAX: a batch can begin at every photo */
    struct listing files; /* [count] on disk */
    char *folder;         /* of files that were drawn; NULL: none */
};

/* Draws or reads the photos that the options (complete) ask for, leaves out those that fail, and fills what the result says of
 * photos. Errors: as pomona_bench_run's. */
pomona_status bench_photos_make(struct bench_photos *photos, const struct pomona_context *context,
                                const struct pomona_bench_options *options,
                                const struct pomona_model_info *info, struct pomona_bench_result *result,
                                struct pomona_error *error);

/* Makes sure that photos->files are there. POMONA_E_IO, POMONA_E_MEMORY. */
pomona_status bench_photos_write(struct bench_photos *photos, struct pomona_error *error);

/* Removes the folder, too. */
void bench_photos_free(struct bench_photos *photos);

#endif
