/* Resizes a JPEG exactly as Pillow would.   usage: resize_a_photo IN.jpg WIDTH HEIGHT OUT.jpg */
#include <pomona/image.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    static unsigned char photo[16 << 20];
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_image image = {0}, resized = {0};
    uint8_t *jpeg = NULL;
    size_t jpeg_size = 0;
    FILE *file = argc == 5 ? fopen(argv[1], "rb") : NULL;
    if (!file) return fputs("usage: resize_a_photo IN.jpg WIDTH HEIGHT OUT.jpg\n", stderr), 1;
    size_t size = fread(photo, 1, sizeof photo, file);
    fclose(file);

    int width = (int)strtol(argv[2], NULL, 10), height = (int)strtol(argv[3], NULL, 10);
    bool upright = true; /* turn the photo as its EXIF orientation says */
    pomona_status status = pomona_context_new(POMONA_TIER_AUTO, &context, &error);
    if (status == POMONA_OK)
        status = pomona_image_decode(argv[1], photo, size, upright, NULL, &image, &error);
    if (status == POMONA_OK) status = pomona_image_resize(context, &image, width, height, &resized, &error);
    if (status == POMONA_OK) status = pomona_image_encode(&resized, 90, &jpeg, &jpeg_size, &error);
    if (status != POMONA_OK) fprintf(stderr, "%s\n", error.message);

    if (status == POMONA_OK) {
        file = fopen(argv[4], "wb");
        if (!file || fwrite(jpeg, 1, jpeg_size, file) != jpeg_size || fclose(file) != 0) status = POMONA_E_IO;
    }
    pomona_bytes_free(&jpeg);
    pomona_image_free(&resized);
    pomona_image_free(&image);
    pomona_context_free(&context);
    return pomona_status_exit_code(status);
}
