/* Photos in memory to features: decode, resize and network, in small batches, with memory that is kept from photo to photo.
 *
 * What the jobs run in each of their threads, for callers who have the photos' bytes themselves (a Spark executor, a server).
 * A photo that fails has its own status and cause and does not touch its neighbours. A photo's features depend on its bytes
 * and the model alone, not on the batch or on what came before.
 *
 * One thread at a time for each extractor; the model and the context must outlive it. */
#ifndef POMONA_EXTRACTOR_H
#define POMONA_EXTRACTOR_H

#include "pomona/model.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pomona_extractor;

/* One photo. */
struct pomona_photo {
    const char *name; /* for messages */
    const void *bytes;
    size_t size;
    float *features;            /* [features of the model], filled where `status` is POMONA_OK afterwards */
    struct pomona_error *cause; /* filled where it is not; may be NULL */
    pomona_status status;       /* in: POMONA_OK, or why this photo is not to be done; out: as it ended */
};

/* Makes an extractor that runs up to `batch` (1..64) photos through the network at once. POMONA_E_USAGE, POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_extractor_new(const struct pomona_context *context,
                                              const struct pomona_model *model, int batch,
                                              struct pomona_extractor **extractor,
                                              struct pomona_error *error);

/* Runs n photos, any number. Returns a failure only where it is not a photo's own (POMONA_E_MEMORY, POMONA_E_INTERNAL): nothing
 * that this call filled may then be used, also where a status is POMONA_OK. Memory does not grow with n. */
POMONA_API pomona_status pomona_extractor_run(struct pomona_extractor *extractor, struct pomona_photo *photos,
                                              size_t n, struct pomona_error *error);

/* Seconds spent so far. */
POMONA_API void pomona_extractor_seconds(const struct pomona_extractor *extractor, double *decode,
                                         double *resize, double *net);

/* Frees an extractor and sets *extractor to NULL. Accepts NULL and pointers to NULL. */
POMONA_API void pomona_extractor_free(struct pomona_extractor **extractor);

#ifdef __cplusplus
}
#endif
#endif
