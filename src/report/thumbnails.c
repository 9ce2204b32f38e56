#include "report/thumbnails.h"

#include "pomona/image.h"

enum { QUALITY = 72 };

/* The longer side becomes `side`; a picture that is small enough stays as it is. */
static pomona_status shrink(const struct photo_source *source, int side, struct pomona_image *image,
                            struct pomona_error *error) {
    int longest = image->width > image->height ? image->width : image->height;
    if (longest <= side) return POMONA_OK;
    struct pomona_image small = {0};
    int width = (int)((int64_t)image->width * side / longest),
        height = (int)((int64_t)image->height * side / longest);
    TRY(pomona_image_resize(source->context, image, width > 0 ? width : 1, height > 0 ? height : 1, &small,
                            error));
    pomona_image_free(image);
    *image = small;
    return POMONA_OK;
}

uint8_t *thumbnail_make(struct markup *markup, const struct photo_source *source, size_t id, int side,
                        size_t *size) {
    const void *bytes = NULL;
    struct pomona_image image = {0};
    struct pomona_error error = {0};
    uint8_t *jpeg = NULL;
    *size = 0;
    if (markup->status != POMONA_OK || !photos_possible(source)) return NULL;
    pomona_status status = source->read(source->user, id, &bytes, size, &error);
    if (status == POMONA_OK) status = pomona_image_decode("photo", bytes, *size, true, NULL, &image, &error);
    if (status == POMONA_OK) status = shrink(source, side, &image, &error);
    if (status == POMONA_OK) status = pomona_image_encode(&image, QUALITY, &jpeg, size, &error);
    if (status == POMONA_E_MEMORY) markup->status = fail_memory(markup->error, "thumbnail");
    pomona_image_free(&image);
    return jpeg;
}
