#include "job/bench_photos.h"

#include "base/file_sink.h"
#include "base/io.h"
#include "base/memory.h"
#include "job/photos.h"
#include "jpeg/markers.h"
#include "pomona/image.h"
#include "sample/scene.h"
#include "store/folder.h"
#include "store/photo_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUALITY = 90,                /* as pomona sample has it */
    PHOTO_BYTES_MAX = 256 << 20, /* as the pipeline has it */
    ALL_BYTES_MAX = 1 << 30
};

/* Where the photos come from, one after the other. */
struct reading {
    struct bench_photos *photos;
    const struct pomona_bench_options *options;
    struct pomona_bench_result *result;
    struct listing listing; /* of a folder: what it holds */
    struct pomona_preprocessor *preprocessor;
    size_t photo_bytes;
    struct buffer file; /* the photo at hand */
    double pixels;      /* stored, of all that were taken */
    pomona_status first_status;
    struct pomona_error first_failure;
};

/* Width x height of the frame header. */
static double stored_pixels(const void *bytes, size_t size) {
    struct jpeg_walk walk = jpeg_walk_start(bytes, size);
    struct jpeg_segment segment;
    while (jpeg_walk_next(&walk, &segment)) {
        bool frame = segment.marker >= 0xC0 && segment.marker <= 0xCF && segment.marker != 0xC4 &&
                     segment.marker != 0xC8 && segment.marker != 0xCC;
        if (frame && segment.length >= 5)
            return (double)(segment.data[3] << 8 | segment.data[4]) *
                   (segment.data[1] << 8 | segment.data[2]);
    }
    return 0;
}

/* Adds the photo at hand and its input. */
static pomona_status add_photo(struct reading *r, const char *name, struct pomona_error *error) {
    struct bench_photos *photos = r->photos;
    TRY(pomona_preprocessor_run(r->preprocessor, name, r->file.data, r->file.size,
                                photos->pixels + photos->count * r->photo_bytes, error));
    TRY(buffer_append(&photos->bytes, r->file.data, r->file.size, error));
    photos->offset[++photos->count] = photos->bytes.size;
    r->pixels += stored_pixels(r->file.data, r->file.size);
    return POMONA_OK;
}

static pomona_status draw_photo(struct reading *r, const struct pomona_image *image, int index,
                                struct pomona_error *error) {
    enum { DEGREES_APART = 7 }; /* frames of a class that differ */
    struct scene scene;
    uint8_t *jpeg = NULL;
    size_t size = 0;
    scene_make(0, index % RECIPES, index / RECIPES * DEGREES_APART, r->options->photo_size, &scene);
    scene_draw(&scene, image->pixels);
    TRY(pomona_image_encode(image, QUALITY, &jpeg, &size, error));
    buffer_clear(&r->file);
    pomona_status status = buffer_append(&r->file, jpeg, size, error);
    pomona_bytes_free(&jpeg);
    return status == POMONA_OK ? add_photo(r, "synthetic photo", error) : status;
}

static pomona_status draw_photos(struct reading *r, struct pomona_error *error) {
    int side = r->options->photo_size;
    struct pomona_image image = {memory_new(3 * (size_t)side, (size_t)side), side, side};
    pomona_status status = image.pixels ? POMONA_OK : fail_memory(error, "picture");
    for (int i = 0; i < r->options->count && status == POMONA_OK; i++)
        status = draw_photo(r, &image, i, error);
    memory_free(image.pixels);
    return status;
}

/* Reads a photo of the folder; one that fails is counted and left out, unless the machine is at fault. */
static pomona_status read_photo(struct reading *r, const struct listed_photo *photo,
                                struct pomona_error *error) {
    struct pomona_error cause = {0};
    pomona_status status = photo_file_read(photo, &r->file, &cause);
    if (status == POMONA_OK) status = add_photo(r, photo->uri, &cause);
    if (status == POMONA_OK) return listing_add_copy(&r->photos->files, photo, error);
    if (status == POMONA_E_MEMORY || status == POMONA_E_INTERNAL) {
        if (error) *error = cause;
        return status;
    }
    if (r->result->failed++ == 0) r->first_status = status, r->first_failure = cause;
    return POMONA_OK;
}

static pomona_status read_photos(struct reading *r, struct pomona_error *error) {
    const struct pomona_bench_options *options = r->options;
    struct pomona_bench_result *result = r->result;
    int64_t unlabelled;
    TRY(photos_list(NULL, options->source, options->glob, NULL, 0, options->should_stop, options->user,
                    &r->listing, &unlabelled, error));
    size_t listed = r->listing.count,
           wanted = (size_t)options->count < listed ? (size_t)options->count : listed;
    for (size_t i = 0; i < wanted; i++) {
        if (options->should_stop && options->should_stop(options->user))
            return fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted");
        TRY(read_photo(r, &r->listing.photos[i * listed / wanted], error));
    }
    snprintf(result->first_failure, sizeof result->first_failure, "%.383s", r->first_failure.message);
    if (r->photos->count > 0) return POMONA_OK;
    if (error) *error = r->first_failure;
    return r->first_status;
}

/* Room for the photos that the options ask for. */
static pomona_status prepare(struct reading *r, struct pomona_error *error) {
    struct bench_photos *photos = r->photos;
    size_t count = (size_t)r->options->count;
    photos->bytes = BUFFER_INIT(ALL_BYTES_MAX);
    photos->files = LISTING_INIT;
    r->listing = LISTING_INIT;
    r->file = BUFFER_INIT(PHOTO_BYTES_MAX);
    photos->offset = memory_new(count + 1, sizeof *photos->offset);
    photos->pixels = memory_new_aligned(size_multiply(count + BENCH_BATCH_MAX, r->photo_bytes), 1);
    return photos->offset && photos->pixels ? POMONA_OK : fail_memory(error, "photos");
}

static void describe(const struct reading *r) {
    struct pomona_bench_result *result = r->result;
    double count = (double)r->photos->count;
    result->synthetic = !r->options->source;
    result->photos = (int64_t)r->photos->count;
    result->photo_bytes = (double)r->photos->bytes.size / count;
    result->photo_megapixels = r->pixels * 1e-6 / count;
}

pomona_status bench_photos_make(struct bench_photos *photos, const struct pomona_context *context,
                                const struct pomona_bench_options *options,
                                const struct pomona_model_info *info, struct pomona_bench_result *result,
                                struct pomona_error *error) {
    struct reading reading = {
        .photos = photos, .options = options, .result = result, .photo_bytes = info->photo_bytes};
    pomona_status status = prepare(&reading, error);
    if (status == POMONA_OK)
        status = pomona_preprocessor_new(context, &info->profile, NULL, &reading.preprocessor, error);
    if (status == POMONA_OK)
        status = options->source ? read_photos(&reading, error) : draw_photos(&reading, error);
    if (status == POMONA_OK) {
        photos->pictures = photos->count + BENCH_BATCH_MAX;
        for (size_t i = photos->count; i < photos->pictures; i++)
            memcpy(photos->pixels + i * info->photo_bytes,
                   photos->pixels + i % photos->count * info->photo_bytes, info->photo_bytes);
        describe(&reading);
    }
    pomona_preprocessor_free(&reading.preprocessor);
    buffer_free(&reading.file);
    listing_free(&reading.listing);
    return status;
}

static pomona_status make_folder(struct bench_photos *photos, struct pomona_error *error) {
    const char *parent = getenv("TMPDIR");
    char *folder = path_join(parent && *parent ? parent : "/tmp", "pomona-bench-XXXXXX");
    if (!folder) return fail_memory(error, "path");
    if (!mkdtemp(folder)) {
        pomona_status status = fail_errno(error, errno, 0, folder, "cannot make a folder");
        memory_free(folder);
        return status;
    }
    photos->folder = folder;
    return POMONA_OK;
}

pomona_status bench_photos_write(struct bench_photos *photos, struct pomona_error *error) {
    if (photos->files.count > 0) return POMONA_OK;
    TRY(make_folder(photos, error));
    for (size_t i = 0; i < photos->count; i++) {
        char name[32];
        snprintf(name, sizeof name, "%zu.jpg", i);
        char *path = path_join(photos->folder, name);
        if (!path) return fail_memory(error, "path");
        size_t from = photos->offset[i];
        pomona_status status =
            file_write(path, photos->bytes.data + from, photos->offset[i + 1] - from, error);
        if (status == POMONA_OK) status = listing_add(&photos->files, path, error);
        memory_free(path);
        TRY(status);
    }
    return POMONA_OK;
}

void bench_photos_free(struct bench_photos *photos) {
    if (photos->folder) (void)path_remove(photos->folder, NULL);
    memory_free(photos->folder);
    listing_free(&photos->files);
    buffer_free(&photos->bytes);
    memory_free(photos->offset);
    memory_free(photos->pixels);
    *photos = (struct bench_photos){0};
}
