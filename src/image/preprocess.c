#include "base/clock.h"
#include "base/memory.h"
#include "image/decode.h"
#include "image/resample.h"
#include "kernels/kernels.h"
#include "pomona/image.h"

struct pomona_preprocessor {
    struct pomona_profile profile;
    struct pomona_image_limits limits;
    struct resampler resampler;
    struct orientation orientation; /* of the photo at hand */
    uint8_t *pixels;                /* its result, the caller's */
    double total_seconds, resize_seconds;
};

static pomona_status start(void *self, int width, int height, struct pomona_error *error) {
    struct pomona_preprocessor *p = self;
    struct resample_geometry geometry = {.width = width,
                                         .height = height,
                                         .orientation = p->orientation,
                                         .square = p->profile.crop == POMONA_CROP_SQUARE,
                                         .out_width = p->profile.width,
                                         .out_height = p->profile.height};
    double begin = clock_seconds();
    pomona_status status = resampler_start(&p->resampler, &geometry, p->pixels, error);
    p->resize_seconds += clock_seconds() - begin;
    return status;
}

static void take_rows(void *self, int count, const uint8_t *const *rows) {
    struct pomona_preprocessor *p = self;
    double begin = clock_seconds();
    resampler_rows(&p->resampler, count, rows);
    p->resize_seconds += clock_seconds() - begin;
}

pomona_status pomona_preprocessor_new(const struct pomona_context *context,
                                      const struct pomona_profile *profile,
                                      const struct pomona_image_limits *limits,
                                      struct pomona_preprocessor **preprocessor, struct pomona_error *error) {
    _Static_assert((int)DECODE_OVERREAD >= (int)RESIZE_U8_OVERREAD,
                   "decoded rows go to the kernels as they are");
    *preprocessor = NULL;
    struct pomona_preprocessor *made = memory_new(1, sizeof *made);
    if (!made) return fail_memory(error, "preprocessor");
    made->profile = *profile;
    if (limits) made->limits = *limits;
    made->resampler.impl = context_kernels(context)->resize_u8;
    *preprocessor = made;
    return POMONA_OK;
}

pomona_status pomona_preprocessor_run(struct pomona_preprocessor *preprocessor, const char *name,
                                      const void *bytes, size_t size, uint8_t *pixels,
                                      struct pomona_error *error) {
    struct row_sink sink = {preprocessor, start, take_rows};
    double begin = clock_seconds();
    preprocessor->pixels = pixels;
    preprocessor->orientation =
        orientation_from_exif(preprocessor->profile.orient ? exif_orientation(bytes, size) : 1);
    pomona_status status = decode_rows(name, bytes, size, &preprocessor->limits, &sink, error);
    preprocessor->total_seconds += clock_seconds() - begin;
    return status;
}

void pomona_preprocessor_seconds(const struct pomona_preprocessor *preprocessor, double *decode,
                                 double *resize) {
    *decode = preprocessor->total_seconds - preprocessor->resize_seconds;
    *resize = preprocessor->resize_seconds;
}

void pomona_preprocessor_free(struct pomona_preprocessor **preprocessor) {
    if (!preprocessor || !*preprocessor) return;
    resampler_free(&(*preprocessor)->resampler);
    memory_free(*preprocessor);
    *preprocessor = NULL;
}
