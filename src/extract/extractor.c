#include "pomona/extractor.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "pomona/image.h"

#include <stdbool.h>
#include <string.h>

struct pomona_extractor {
    struct pomona_preprocessor *preprocessor;
    struct pomona_session *session;
    size_t batch, photo_bytes, width; /* photos at once, bytes of one's pixels, features of one */
    uint8_t *pixels;                  /* [batch][views][height][width][3] */
    float *features;                  /* [batch][width] */
    struct pomona_photo **waiting;    /* [batch] whose pixels lie there */
    size_t waiting_count;
    double net_seconds;
};

pomona_status pomona_extractor_new(const struct pomona_context *context, const struct pomona_model *model,
                                   int batch, struct pomona_extractor **extractor,
                                   struct pomona_error *error) {
    *extractor = NULL;
    struct pomona_model_info info;
    pomona_model_get_info(model, &info);
    struct pomona_extractor *made = memory_new(1, sizeof *made);
    if (!made) return fail_memory(error, "extractor");
    pomona_status status = pomona_session_new(model, batch, &made->session, error); /* checks `batch` */
    if (status == POMONA_OK)
        status = pomona_preprocessor_new(context, &info.profile, NULL, &made->preprocessor, error);
    if (status == POMONA_OK) {
        made->batch = (size_t)batch;
        made->photo_bytes = info.photo_bytes;
        made->width = (size_t)info.features;
        made->pixels = memory_new_aligned(made->batch, made->photo_bytes);
        made->features = memory_new_aligned(made->batch, made->width * sizeof *made->features);
        made->waiting = memory_new(made->batch, sizeof(struct pomona_photo *));
        if (!made->pixels || !made->features || !made->waiting) status = fail_memory(error, "extractor");
    }
    if (status == POMONA_OK)
        *extractor = made;
    else
        pomona_extractor_free(&made);
    return status;
}

void pomona_extractor_free(struct pomona_extractor **extractor) {
    if (!extractor || !*extractor) return;
    pomona_preprocessor_free(&(*extractor)->preprocessor);
    pomona_session_free(&(*extractor)->session);
    memory_free((*extractor)->pixels);
    memory_free((*extractor)->features);
    memory_free((*extractor)->waiting);
    memory_free(*extractor);
    *extractor = NULL;
}

/* Whether a failure is the photo's own (an error row) and not the machine's. */
static bool is_photo_fault(pomona_status status) {
    return status == POMONA_E_INPUT || status == POMONA_E_CORRUPT || status == POMONA_E_LIMIT ||
           status == POMONA_E_UNSUPPORTED || status == POMONA_E_IO;
}

/* Runs the network on the waiting photos. */
static pomona_status run_waiting(struct pomona_extractor *extractor, struct pomona_error *error) {
    size_t count = extractor->waiting_count;
    extractor->waiting_count = 0;
    if (count == 0) return POMONA_OK;
    double start = clock_seconds();
    TRY(pomona_session_run(extractor->session, extractor->pixels, (int)count, extractor->features, error));
    extractor->net_seconds += clock_seconds() - start;
    for (size_t i = 0; i < count; i++)
        memcpy(extractor->waiting[i]->features, extractor->features + i * extractor->width,
               extractor->width * sizeof(float));
    return POMONA_OK;
}

pomona_status pomona_extractor_run(struct pomona_extractor *extractor, struct pomona_photo *photos, size_t n,
                                   struct pomona_error *error) {
    struct pomona_error unwanted;
    extractor->waiting_count = 0;
    for (size_t i = 0; i < n; i++) {
        struct pomona_photo *photo = &photos[i];
        if (photo->status == POMONA_OK) {
            struct pomona_error *cause = photo->cause ? photo->cause : &unwanted;
            photo->status = pomona_preprocessor_run(
                extractor->preprocessor, photo->name, photo->bytes, photo->size,
                extractor->pixels + extractor->waiting_count * extractor->photo_bytes, cause);
            if (photo->status == POMONA_OK) {
                extractor->waiting[extractor->waiting_count++] = photo;
            } else if (!is_photo_fault(photo->status)) {
                if (error) *error = *cause;
                return photo->status;
            }
        }
        if (extractor->waiting_count == extractor->batch) TRY(run_waiting(extractor, error));
    }
    return run_waiting(extractor, error);
}

void pomona_extractor_seconds(const struct pomona_extractor *extractor, double *decode, double *resize,
                              double *net) {
    pomona_preprocessor_seconds(extractor->preprocessor, decode, resize);
    *net = extractor->net_seconds;
}
