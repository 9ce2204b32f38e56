#include "pomona/image.h"

#include "base/memory.h"
#include "image/decode.h"
#include "image/resample.h"
#include "kernels/kernels.h"

#include <string.h>

enum { MAX_SIDE = 65500 }; /* of a JPEG */

/* Puts the rows of a stored picture where they belong in the upright one. */
struct collector {
    struct orientation orientation;
    struct pomona_image *image;
    int width, height; /* stored */
    int row;
};

static pomona_status new_image(struct pomona_image *image, int width, int height,
                               struct pomona_error *error) {
    size_t bytes = size_multiply(3 * (size_t)width, (size_t)height);
    image->pixels = memory_new_aligned(bytes, 1);
    if (!image->pixels) return fail_memory(error, "picture");
    image->width = width;
    image->height = height;
    return POMONA_OK;
}

static pomona_status collect_start(void *self, int width, int height, struct pomona_error *error) {
    struct collector *c = self;
    c->width = width;
    c->height = height;
    bool transpose = c->orientation.transpose;
    return new_image(c->image, transpose ? height : width, transpose ? width : height, error);
}

static void collect_row(const struct collector *c, int row, const uint8_t *pixels) {
    const struct orientation *turn = &c->orientation;
    size_t y = (size_t)(turn->flip_y ? c->height - 1 - row : row), width = (size_t)c->width;
    uint8_t *out = c->image->pixels;
    if (!turn->transpose && !turn->flip_x) {
        memcpy(out + 3 * y * width, pixels, 3 * width);
        return;
    }
    size_t step = turn->transpose ? (size_t)c->height : 1, start = turn->transpose ? y : y * width;
    for (size_t x = 0; x < width; x++) {
        size_t at = turn->flip_x ? width - 1 - x : x;
        memcpy(out + 3 * (start + at * step), pixels + 3 * x, 3);
    }
}

static void collect_rows(void *self, int count, const uint8_t *const *rows) {
    struct collector *c = self;
    for (int i = 0; i < count; i++) collect_row(c, c->row++, rows[i]);
}

pomona_status pomona_image_decode(const char *name, const void *bytes, size_t size, bool orient,
                                  const struct pomona_image_limits *limits, struct pomona_image *image,
                                  struct pomona_error *error) {
    *image = (struct pomona_image){0};
    struct collector collector = {.image = image};
    if (orient) collector.orientation = orientation_from_exif(exif_orientation(bytes, size));
    struct row_sink sink = {&collector, NULL, collect_start, collect_rows};
    pomona_status status = decode_rows(name, bytes, size, limits, &sink, error);
    if (status != POMONA_OK) pomona_image_free(image);
    return status;
}

/* Feeds a picture of the caller's, which is not padded: its last row goes through `copy`. */
static void feed(struct resampler *resampler, const struct pomona_image *source, uint8_t *copy) {
    size_t row_bytes = 3 * (size_t)source->width;
    for (int y = 0; y < source->height; y++) {
        const uint8_t *row = source->pixels + (size_t)y * row_bytes;
        size_t left = (size_t)(source->height - 1 - y) * row_bytes;
        if (left < RESIZE_U8_OVERREAD) row = memcpy(copy, row, row_bytes);
        resampler_rows(resampler, 1, &row);
    }
}

pomona_status pomona_image_resize(const struct pomona_context *context, const struct pomona_image *source,
                                  int width, int height, struct pomona_image *image,
                                  struct pomona_error *error) {
    *image = (struct pomona_image){0};
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
        return fail(error, POMONA_E_USAGE, NULL, "size %d x %d: each side must be 1 to %d", width, height,
                    MAX_SIDE);
    if (!source->pixels || source->width < 1 || source->height < 1 || source->width > MAX_SIDE ||
        source->height > MAX_SIDE)
        return fail(error, POMONA_E_USAGE, NULL, "no picture to resize");
    struct resampler resampler = {.impl = context_kernels(context)->resize_u8};
    struct resample_geometry geometry = {
        source->width, source->height, {0}, {0, 0, source->width, source->height}, width, height};
    pomona_status status;
    uint8_t *copy = memory_new_aligned(3 * (size_t)source->width, 1);
    if (!copy) TRY_GOTO(fail_memory(error, "row"), status, done);
    TRY_GOTO(new_image(image, width, height, error), status, done);
    TRY_GOTO(resampler_start(&resampler, &geometry, image->pixels, error), status, done);
    feed(&resampler, source, copy);
done:
    memory_free(copy);
    resampler_free(&resampler);
    if (status != POMONA_OK) pomona_image_free(image);
    return status;
}

void pomona_image_free(struct pomona_image *image) {
    if (!image) return;
    memory_free(image->pixels);
    *image = (struct pomona_image){0};
}
