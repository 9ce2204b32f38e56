#include "sample/metadata.h"

#include "jpeg/markers.h"

#include <string.h>

static const char note[] = "synthetic, drawn by pomona sample";

/* Offsets in the TIFF block, which holds IFD 0 (two entries), the GPS IFD (five), then what did not fit into entries. */
enum {
    TIFF_IFD0 = 8,
    TIFF_GPS = TIFF_IFD0 + 2 + 2 * 12 + 4,
    TIFF_LATITUDE = TIFF_GPS + 2 + 5 * 12 + 4,
    TIFF_LONGITUDE = TIFF_LATITUDE + 24,
    TIFF_NOTE = TIFF_LONGITUDE + 24,
    TIFF_SIZE = TIFF_NOTE + sizeof note
};

enum { TYPE_BYTE = 1, TYPE_ASCII = 2, TYPE_LONG = 4, TYPE_RATIONAL = 5 };

static void put16(uint8_t *at, unsigned value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value & 0xFFFF);
}

static void put_entry(uint8_t *at, unsigned tag, unsigned type, uint32_t count, uint32_t value) {
    put16(at, tag);
    put16(at + 2, type);
    put32(at + 4, count);
    put32(at + 8, value);
}

/* Degrees, minutes and hundredths of seconds, `low` and up to ten degrees more. */
static void put_angle(uint8_t *at, struct random *random, unsigned low) {
    const uint32_t value[6] = {low + (uint32_t)(random_next(random) % 10), 1,
                               (uint32_t)(random_next(random) % 60),       1,
                               (uint32_t)(random_next(random) % 6000),     100};
    for (int i = 0; i < 6; i++) put32(at + 4 * i, value[i]);
}

static void make_tiff(struct random *random, uint8_t tiff[TIFF_SIZE]) {
    memset(tiff, 0, TIFF_SIZE);
    memcpy(tiff, "MM\0*", 4);
    put32(tiff + 4, TIFF_IFD0);
    put16(tiff + TIFF_IFD0, 2);
    put_entry(tiff + TIFF_IFD0 + 2, 0x010E, TYPE_ASCII, sizeof note, TIFF_NOTE); /* ImageDescription */
    put_entry(tiff + TIFF_IFD0 + 14, 0x8825, TYPE_LONG, 1, TIFF_GPS);
    uint8_t *gps = tiff + TIFF_GPS;
    put16(gps, 5);
    put_entry(gps + 2, 0, TYPE_BYTE, 4, 0x02030000); /* GPSVersionID 2.3.0.0 */
    put_entry(gps + 14, 1, TYPE_ASCII, 2, (uint32_t)'S' << 24);
    put_entry(gps + 26, 2, TYPE_RATIONAL, 3, TIFF_LATITUDE);
    put_entry(gps + 38, 3, TYPE_ASCII, 2, (uint32_t)'W' << 24);
    put_entry(gps + 50, 4, TYPE_RATIONAL, 3, TIFF_LONGITUDE);
    put_angle(tiff + TIFF_LATITUDE, random, 44);
    put_angle(tiff + TIFF_LONGITUDE, random, 118);
    memcpy(tiff + TIFF_NOTE, note, sizeof note);
}

static pomona_status append_segment(struct buffer *out, uint8_t marker, const char *prefix,
                                    size_t prefix_size, const void *data, size_t size,
                                    struct pomona_error *error) {
    uint8_t head[4] = {0xFF, marker};
    put16(head + 2, (unsigned)(2 + prefix_size + size));
    TRY(buffer_append(out, head, sizeof head, error));
    TRY(buffer_append(out, prefix, prefix_size, error));
    return buffer_append(out, data, size, error);
}

pomona_status metadata_add(const uint8_t *jpeg, size_t size, struct random *position, struct buffer *out,
                           struct pomona_error *error) {
    struct jpeg_walk walk = jpeg_walk_start(jpeg, size);
    struct jpeg_segment segment;
    size_t head = 0; /* SOI and JFIF's APP0 */
    while (jpeg_walk_next(&walk, &segment) && (segment.marker == JPEG_SOI || segment.marker == JPEG_APP0))
        head = walk.position;
    buffer_clear(out);
    TRY(buffer_append(out, jpeg, head, error));
    if (position) {
        uint8_t tiff[TIFF_SIZE];
        make_tiff(position, tiff);
        TRY(append_segment(out, JPEG_APP1, "Exif\0", 6, tiff, sizeof tiff, error));
    }
    TRY(append_segment(out, JPEG_COM, NULL, 0, note, sizeof note - 1, error));
    return buffer_append(out, jpeg + head, size - head, error);
}
