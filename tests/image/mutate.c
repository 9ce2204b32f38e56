/* mutate [COUNT]: damages JPEG files in every way that damage comes (bits, bytes, cuts, holes, insertions, lying lengths,
 * exchanged segments) and decodes, turns and resizes each. Meant for the sanitizers: whatever the bytes, the answer is a
 * picture or one of the promised errors. The same mutants in every run. Default 20,000, or 100,000 with POMONA_LONG set. */
#include "jpeg/markers.h"
#include "pomona/image.h"
#include "samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 9, MAX_GROWTH = 64 };

static const struct sample_kind kinds[KINDS] = {
    {33, 17, 3, 2, false, 0}, {33, 17, 3, 1, false, 3}, {40, 24, 4, 2, false, 0},
    {24, 40, 1, 1, false, 0}, {40, 30, 3, 2, true, 0},  {16, 16, 4, 1, true, 0},
    {9, 7, 1, 1, true, 0},    {1, 1, 3, 2, false, 0},   {97, 5, 3, 2, false, 1}};

static uint64_t state = 1;

/* xorshift64* (S. Vigna, 2016), in [0, bound). */
static size_t chance(size_t bound) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (size_t)(state * 0x2545F4914F6CDD1Du >> 33) % bound;
}

/* The payload of a segment picked at random. */
static struct jpeg_segment pick_segment(const uint8_t *bytes, size_t size) {
    struct jpeg_walk walk = jpeg_walk_start(bytes, size);
    struct jpeg_segment segment, picked = {0};
    for (size_t n = 1; jpeg_walk_next(&walk, &segment); n++)
        if (segment.data && chance(n) == 0) picked = segment;
    return picked;
}

static void swap_segments(uint8_t *bytes, size_t size) {
    struct jpeg_segment a = pick_segment(bytes, size), b = pick_segment(bytes, size);
    if (!a.data || !b.data) return;
    uint8_t kept = bytes[a.offset + 1];
    bytes[a.offset + 1] = bytes[b.offset + 1];
    bytes[b.offset + 1] = kept;
}

/* Changes bytes[0..size), which has room for MAX_GROWTH more, and returns the new size. */
static size_t damage(uint8_t *bytes, size_t size) {
    size_t at = chance(size), length = 1 + chance(MAX_GROWTH);
    switch (chance(8)) {
    case 0: bytes[at] ^= (uint8_t)(1u << chance(8)); return size;
    case 1: bytes[at] = (uint8_t)chance(256); return size;
    case 2: bytes[at] = chance(2) ? 0xFF : 0; return size;
    case 3: return at;
    case 4:
        if (length > size - at) length = size - at;
        memmove(bytes + at, bytes + at + length, size - at - length);
        return size - length;
    case 5:
        memmove(bytes + at + length, bytes + at, size - at);
        for (size_t i = 0; i < length; i++) bytes[at + i] = (uint8_t)chance(256);
        return size + length;
    case 6: {
        struct jpeg_segment segment = pick_segment(bytes, size);
        if (!segment.data) return size;
        bytes[segment.offset + 2 + chance(2)] = (uint8_t)chance(256);
        return size;
    }
    default: swap_segments(bytes, size); return size;
    }
}

static bool promised(pomona_status status) {
    return status == POMONA_OK || status == POMONA_E_INPUT || status == POMONA_E_CORRUPT ||
           status == POMONA_E_LIMIT || status == POMONA_E_UNSUPPORTED;
}

/* A file with an orientation in it, for half of the kinds. */
static uint8_t *make_seed(int kind, size_t *size) {
    uint8_t *jpeg = sample_jpeg(&kinds[kind], size), exif[64];
    if (kind % 2) return jpeg;
    size_t length = sample_exif(exif, 1 + kind, kind % 4);
    uint8_t *with = sample_insert(jpeg, *size, exif, length);
    free(jpeg);
    *size += length;
    return with;
}

int main(int count, char **arguments) {
    long mutants = count > 1               ? strtol(arguments[1], NULL, 10)
                   : getenv("POMONA_LONG") ? 100000
                                           : 20000,
         pictures = 0;
    struct pomona_error error;
    struct pomona_context *context = NULL;
    struct pomona_preprocessor *preprocessor = NULL, *scaled = NULL;
    struct pomona_profile profile;
    struct pomona_image_limits limits = {1 << 20, 0};
    static uint8_t pixels[24 * 20 * 3];
    if (pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK ||
        pomona_profile_named("phone", 24, 20, &profile, &error) != POMONA_OK ||
        pomona_preprocessor_new(context, &profile, &limits, &preprocessor, &error) != POMONA_OK ||
        pomona_profile_named("phone", 4, 3, &profile, &error) != POMONA_OK ||
        pomona_profile_set_decode(&profile, "scaled", &error) != POMONA_OK ||
        pomona_preprocessor_new(context, &profile, &limits, &scaled, &error) != POMONA_OK)
        return EXIT_FAILURE;
    for (long i = 0; i < mutants; i++) {
        size_t size;
        uint8_t *seed = make_seed((int)(i % KINDS), &size);
        uint8_t *bytes = malloc(size + 4 * MAX_GROWTH);
        memcpy(bytes, seed, size);
        for (size_t n = 1 + chance(4); n > 0 && size > 0; n--) size = damage(bytes, size);
        uint8_t *exact = malloc(size + !size); /* of this very size, for the address sanitizer */
        memcpy(exact, bytes, size);
        pomona_status status = pomona_preprocessor_run(preprocessor, "mutant", exact, size, pixels, &error);
        pomona_status small = pomona_preprocessor_run(scaled, "mutant", exact, size, pixels, &error);
        free(exact);
        free(bytes);
        free(seed);
        pictures += status == POMONA_OK;
        if (promised(status) && small == status) continue;
        printf("mutant %ld: status %d, scaled %d, %s\n", i, status, small, error.message);
        return EXIT_FAILURE;
    }
    pomona_preprocessor_free(&preprocessor);
    pomona_preprocessor_free(&scaled);
    pomona_context_free(&context);
    printf("%ld mutants, %ld of them still pictures\n", mutants, pictures);
    return pictures > mutants / 20 && pictures < mutants ? EXIT_SUCCESS : EXIT_FAILURE;
}
