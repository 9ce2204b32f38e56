#include "base/clock.h"
#include "base/memory.h"
#include "image/decode.h"
#include "image/views.h"
#include "kernels/kernels.h"
#include "pomona/image.h"

#include <string.h>

struct pomona_preprocessor {
    struct pomona_profile profile;
    struct pomona_image_limits limits;
    int pictures;                                  /* of a photo */
    struct resampler resamplers[POMONA_VIEWS_MAX]; /* [pictures] */
    int twin[POMONA_VIEWS_MAX]; /* an earlier view of the same box, which is not resized again; -1: none */
    struct orientation orientation; /* of the photo at hand */
    uint8_t *pixels;                /* its result, the caller's */
    double total_seconds, resize_seconds;
};

static uint8_t *picture_of(const struct pomona_preprocessor *p, int index) {
    return p->pixels + (size_t)index * 3 * (size_t)p->profile.width * (size_t)p->profile.height;
}

static struct crop_box box_of(const struct pomona_preprocessor *p, int index, int width, int height) {
    bool on_its_side = p->orientation.transpose;
    return view_box(&p->profile, index, on_its_side ? height : width, on_its_side ? width : height);
}

/* Whether every view of a stored picture of this size has enough pixels for the filter to average: two an output, both ways. */
static bool is_large(const struct pomona_preprocessor *p, int width, int height) {
    enum { PIXELS_AN_OUTPUT = 2 };
    for (int i = 0; i < p->pictures; i++) {
        struct crop_box box = box_of(p, i, width, height);
        if (box.width < PIXELS_AN_OUTPUT * p->profile.width ||
            box.height < PIXELS_AN_OUTPUT * p->profile.height)
            return false;
    }
    return true;
}

/* Only halves: thirds and the like of a block have no SIMD in libjpeg-turbo and take longer than the next larger half. */
static int choose_scale(void *self, int width, int height) {
    const struct pomona_preprocessor *p = self;
    int eighths = 1;
    while (eighths < DECODE_EIGHTHS &&
           !is_large(p, decode_scaled(width, eighths), decode_scaled(height, eighths)))
        eighths *= 2;
    return eighths;
}

static pomona_status start_views(struct pomona_preprocessor *p, int width, int height,
                                 struct pomona_error *error) {
    for (int i = 0; i < p->pictures; i++) {
        if (p->twin[i] >= 0) continue;
        struct resample_geometry geometry = {.width = width,
                                             .height = height,
                                             .orientation = p->orientation,
                                             .crop = box_of(p, i, width, height),
                                             .out_width = p->profile.width,
                                             .out_height = p->profile.height};
        TRY(resampler_start(&p->resamplers[i], &geometry, picture_of(p, i), error));
    }
    return POMONA_OK;
}

static pomona_status start(void *self, int width, int height, struct pomona_error *error) {
    struct pomona_preprocessor *p = self;
    double begin = clock_seconds();
    pomona_status status = start_views(p, width, height, error);
    p->resize_seconds += clock_seconds() - begin;
    return status;
}

static void take_rows(void *self, int count, const uint8_t *const *rows) {
    struct pomona_preprocessor *p = self;
    double begin = clock_seconds();
    for (int i = 0; i < p->pictures; i++)
        if (p->twin[i] < 0) resampler_rows(&p->resamplers[i], count, rows);
    p->resize_seconds += clock_seconds() - begin;
}

static void mirror(uint8_t *pixels, int width, int height) {
    for (size_t y = 0; y < (size_t)height; y++) {
        uint8_t *left = pixels + 3 * y * (size_t)width, *right = left + 3 * (size_t)(width - 1);
        for (; left < right; left += 3, right -= 3) {
            uint8_t pixel[3];
            memcpy(pixel, left, 3);
            memcpy(left, right, 3);
            memcpy(right, pixel, 3);
        }
    }
}

/* What is left once the boxes are resized. */
static void finish_views(struct pomona_preprocessor *p) {
    double begin = clock_seconds();
    size_t bytes = 3 * (size_t)p->profile.width * (size_t)p->profile.height;
    for (int i = 0; i < p->pictures; i++)
        if (p->twin[i] >= 0) memcpy(picture_of(p, i), picture_of(p, p->twin[i]), bytes);
    for (int i = 0; i < p->pictures; i++)
        if (view_is_mirrored(&p->profile, i)) mirror(picture_of(p, i), p->profile.width, p->profile.height);
    p->resize_seconds += clock_seconds() - begin;
}

static int find_twin(const struct pomona_profile *profile, int index) {
    for (int i = 0; i < index; i++)
        if (profile->view[i].zoom == profile->view[index].zoom &&
            profile->view[i].position == profile->view[index].position)
            return i;
    return -1;
}

pomona_status pomona_preprocessor_new(const struct pomona_context *context,
                                      const struct pomona_profile *profile,
                                      const struct pomona_image_limits *limits,
                                      struct pomona_preprocessor **preprocessor, struct pomona_error *error) {
    _Static_assert((int)DECODE_OVERREAD >= (int)RESIZE_U8_OVERREAD,
                   "decoded rows go to the kernels as they are");
    *preprocessor = NULL;
    TRY(views_check(profile, error));
    struct pomona_preprocessor *made = memory_new(1, sizeof *made);
    if (!made) return fail_memory(error, "preprocessor");
    made->profile = *profile;
    if (limits) made->limits = *limits;
    made->pictures = pomona_profile_pictures(profile);
    for (int i = 0; i < made->pictures; i++) {
        made->resamplers[i].impl = context_kernels(context)->resize_u8;
        made->twin[i] = find_twin(profile, i);
    }
    *preprocessor = made;
    return POMONA_OK;
}

pomona_status pomona_preprocessor_run(struct pomona_preprocessor *preprocessor, const char *name,
                                      const void *bytes, size_t size, uint8_t *pixels,
                                      struct pomona_error *error) {
    bool scaled = preprocessor->profile.decode == POMONA_DECODE_SCALED;
    struct row_sink sink = {preprocessor, scaled ? choose_scale : NULL, start, take_rows};
    double begin = clock_seconds();
    preprocessor->pixels = pixels;
    preprocessor->orientation =
        orientation_from_exif(preprocessor->profile.orient ? exif_orientation(bytes, size) : 1);
    pomona_status status = decode_rows(name, bytes, size, &preprocessor->limits, &sink, error);
    if (status == POMONA_OK) finish_views(preprocessor);
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
    for (int i = 0; i < (*preprocessor)->pictures; i++) resampler_free(&(*preprocessor)->resamplers[i]);
    memory_free(*preprocessor);
    *preprocessor = NULL;
}
