#include "jpeg/exif.h"

#include "jpeg/markers.h"

#include <string.h>

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, TIFF_HEADER = 8, IFD_ENTRY = 12 };

struct tiff {
    const uint8_t *bytes;
    size_t size;
    bool little;
};

/* Callers have checked that the bytes exist. */
static unsigned read16(const struct tiff *tiff, size_t at) {
    unsigned a = tiff->bytes[at], b = tiff->bytes[at + 1];
    return tiff->little ? a | b << 8 : a << 8 | b;
}

static uint32_t read32(const struct tiff *tiff, size_t at) {
    uint32_t a = read16(tiff, at), b = read16(tiff, at + 2);
    return tiff->little ? a | b << 16 : a << 16 | b;
}

int exif_orientation_tiff(const void *bytes, size_t size) {
    struct tiff tiff = {bytes, size, false};
    if (size < TIFF_HEADER) return 1;
    if (memcmp(bytes, "II*\0", 4) == 0)
        tiff.little = true;
    else if (memcmp(bytes, "MM\0*", 4) != 0)
        return 1;
    size_t ifd = read32(&tiff, 4);
    if (ifd > size || size - ifd < 2) return 1;
    size_t entries = read16(&tiff, ifd), fit = (size - ifd - 2) / IFD_ENTRY;
    for (size_t i = 0; i < entries && i < fit; i++) {
        size_t entry = ifd + 2 + i * IFD_ENTRY;
        if (read16(&tiff, entry) != TAG_ORIENTATION) continue;
        if (read16(&tiff, entry + 2) != TYPE_SHORT || read32(&tiff, entry + 4) != 1) return 1;
        unsigned value = read16(&tiff, entry + 8);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

int exif_orientation(const void *jpeg, size_t size) {
    static const char prefix[6] = {'E', 'x', 'i', 'f', 0, 0};
    struct jpeg_walk walk = jpeg_walk_start(jpeg, size);
    struct jpeg_segment segment;
    while (jpeg_walk_next(&walk, &segment))
        if (segment.marker == JPEG_APP1 && segment.length >= sizeof prefix &&
            memcmp(segment.data, prefix, sizeof prefix) == 0)
            return exif_orientation_tiff(segment.data + sizeof prefix, segment.length - sizeof prefix);
    return 1;
}

struct orientation orientation_from_exif(int value) {
    switch (value) {
    case 2: return (struct orientation){false, true, false};
    case 3: return (struct orientation){false, true, true};
    case 4: return (struct orientation){false, false, true};
    case 5: return (struct orientation){true, false, false};
    case 6: return (struct orientation){true, false, true};
    case 7: return (struct orientation){true, true, true};
    case 8: return (struct orientation){true, true, false};
    default: return (struct orientation){false, false, false};
    }
}
