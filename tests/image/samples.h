/* Small JPEG files for the tests, made by libjpeg itself. */
#ifndef TESTS_IMAGE_SAMPLES_H
#define TESTS_IMAGE_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sample_kind {
    int width, height;
    int components; /* 1, 3 or 4 */
    int sampling;   /* of the first component, both ways: 1 or 2 */
    bool progressive;
    int restart; /* MCUs between restart markers, 0 for none */
};

/* A file of that kind, freed by the caller; its length in *size. The picture is waves, the same in every run. */
uint8_t *sample_jpeg(const struct sample_kind *kind, size_t *size);

/* An APP1 segment with orientation `value`, little or big endian, to be put after SOI; returns its length. */
size_t sample_exif(uint8_t out[64], int value, bool little);

/* A copy of `jpeg` with `segment` after SOI; freed by the caller. */
uint8_t *sample_insert(const uint8_t *jpeg, size_t size, const uint8_t *segment, size_t length);

#endif
