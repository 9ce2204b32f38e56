#include "samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* jpeglib.h needs FILE and size_t before it */
/* clang-format off */
#include <jpeglib.h>
/* clang-format on */

static uint8_t wave(int x, int y, int c) {
    int value = (x * (3 + c) + y * (5 - c)) % 256 + ((x ^ y) & 7);
    return (uint8_t)(value > 255 ? 255 : value);
}

uint8_t *sample_jpeg(const struct sample_kind *kind, size_t *size) {
    static const J_COLOR_SPACE spaces[5] = {JCS_UNKNOWN, JCS_GRAYSCALE, JCS_UNKNOWN, JCS_RGB, JCS_CMYK};
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors; /* its default exits, which a test may */
    unsigned char *bytes = NULL;
    unsigned long length = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &length);
    jpeg.image_width = (JDIMENSION)kind->width;
    jpeg.image_height = (JDIMENSION)kind->height;
    jpeg.input_components = kind->components;
    jpeg.in_color_space = spaces[kind->components];
    jpeg_set_defaults(&jpeg);
    if (kind->components == 4) jpeg_set_colorspace(&jpeg, JCS_YCCK);
    jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = kind->sampling;
    jpeg.restart_interval = (unsigned)kind->restart;
    if (kind->progressive) jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    uint8_t *row = malloc((size_t)kind->width * (size_t)kind->components);
    for (int y = 0; y < kind->height; y++) {
        for (int x = 0; x < kind->width; x++)
            for (int c = 0; c < kind->components; c++) row[x * kind->components + c] = wave(x, y, c);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    free(row);
    *size = length;
    return bytes;
}

size_t sample_exif(uint8_t out[64], int value, bool little) {
    static const uint8_t big_tiff[26] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1};
    static const uint8_t little_tiff[26] = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0};
    static const uint8_t head[10] = {0xFF, 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0, 0};
    memcpy(out, head, 10);
    memcpy(out + 10, little ? little_tiff : big_tiff, 26);
    out[10 + 18 + (little ? 0 : 1)] = (uint8_t)value;
    return 36;
}

uint8_t *sample_insert(const uint8_t *jpeg, size_t size, const uint8_t *segment, size_t length) {
    uint8_t *out = malloc(size + length);
    memcpy(out, jpeg, 2);
    memcpy(out + 2, segment, length);
    memcpy(out + 2 + length, jpeg + 2, size - 2);
    return out;
}
