/* Decoding on any bytes: once as they are stored, twice upright, cropped and resized, exact and scaled. The first two bytes choose the size of
 * the result. Run in a corpus folder:
 *
 *   tests/fuzz/seeds_image.py CORPUS
 *   build/tests/fuzz/fuzz_image -max_len=16384 -rss_limit_mb=2048 CORPUS
 */
#include "jpeg/exif.h"
#include "pomona/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool promised(pomona_status status) {
    return status == POMONA_OK || status == POMONA_E_INPUT || status == POMONA_E_CORRUPT ||
           status == POMONA_E_LIMIT || status == POMONA_E_UNSUPPORTED;
}

static pomona_status preprocess(const struct pomona_context *context, const char *decode, int width,
                                int height, const uint8_t *data, size_t size,
                                const struct pomona_image_limits *limits) {
    static uint8_t pixels[3 * 64 * 64];
    struct pomona_error error;
    struct pomona_profile profile;
    struct pomona_preprocessor *preprocessor;
    pomona_status status = pomona_profile_named("phone", width, height, &profile, &error);
    if (status == POMONA_OK) status = pomona_profile_set_decode(&profile, decode, &error);
    if (status != POMONA_OK) return status;
    status = pomona_preprocessor_new(context, &profile, limits, &preprocessor, &error);
    if (status == POMONA_OK)
        status = pomona_preprocessor_run(preprocessor, "fuzz", data, size, pixels, &error);
    pomona_preprocessor_free(&preprocessor);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct pomona_context *context;
    const struct pomona_image_limits limits = {1 << 18, 20};
    struct pomona_error error;
    struct pomona_image image;
    if (!context && pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK) abort();
    if (size < 2) return 0;
    pomona_status whole = pomona_image_decode("fuzz", data + 2, size - 2, false, &limits, &image, &error);
    pomona_image_free(&image);
    int width = 1 + data[0] % 64, height = 1 + data[1] % 64;
    pomona_status small = preprocess(context, "exact", width, height, data + 2, size - 2, &limits);
    pomona_status scaled = preprocess(context, "scaled", width, height, data + 2, size - 2, &limits);
    int orientation = exif_orientation_tiff(data, size);
    if (!promised(whole) || whole != small || whole != scaled || orientation < 1 || orientation > 8) abort();
    return 0;
}
