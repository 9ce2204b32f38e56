#include "image/decode.h"

#include <string.h>

struct magic {
    size_t offset, length;
    const char *bytes;
    const char *text;
};

static const struct magic known[] = {
    {0, 8, "\x89PNG\r\n\x1a\n", "a PNG picture"},
    {0, 4, "GIF8", "a GIF picture"},
    {8, 4, "WEBP", "a WebP picture"},
    {0, 4, "II*\0", "a TIFF picture"},
    {0, 4, "MM\0*", "a TIFF picture"},
    {4, 8, "ftypheic", "a HEIC picture"},
    {4, 8, "ftypheix", "a HEIC picture"},
    {4, 8, "ftypmif1", "a HEIF picture"},
    {4, 8, "ftypmsf1", "a HEIF picture"},
    {4, 8, "ftypavif", "an AVIF picture"},
    {4, 4, "ftyp", "an MP4 or QuickTime film"},
    {0, 2, "BM", "a BMP picture"},
    {0, 5, "%PDF-", "a PDF document"},
    {0, 12, "\0\0\0\x0CjP  \r\n\x87\n", "a JPEG 2000 picture"},
    {0, 4, "8BPS", "a Photoshop picture"},
    {0, 2, "\xFF\x0A", "a JPEG XL picture"},
    {0, 4, "PK\x03\x04", "a ZIP archive"},
};

const char *decode_other_format(const void *bytes, size_t size) {
    const unsigned char *b = bytes;
    if (size == 0) return "the file is empty";
    if (size >= 3 && b[0] == 0xFF && b[1] == 0xD8 && b[2] == 0xFF) return NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const struct magic *m = &known[i];
        if (size >= m->offset + m->length && memcmp(b + m->offset, m->bytes, m->length) == 0) return m->text;
    }
    return "the bytes do not begin with FF D8 FF";
}
