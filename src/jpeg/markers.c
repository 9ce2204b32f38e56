#include "jpeg/markers.h"

struct jpeg_walk jpeg_walk_start(const void *bytes, size_t size) {
    return (struct jpeg_walk){.bytes = bytes, .size = size};
}

static bool stands_alone(uint8_t marker) {
    return marker == 0x01 || (marker >= 0xD0 && marker <= JPEG_EOI); /* TEM; RST0..RST7, SOI, EOI */
}

/* Moves to the next marker's code byte. A byte other than 0xFF where a marker must stand ends the walk, as does 0xFF00,
 * which only entropy-coded data has. */
static bool find_marker(struct jpeg_walk *walk, struct jpeg_segment *segment) {
    size_t at = walk->position;
    if (at >= walk->size || walk->bytes[at] != 0xFF) return false;
    while (at + 1 < walk->size && walk->bytes[at + 1] == 0xFF) at++; /* fill bytes */
    if (at + 1 >= walk->size || walk->bytes[at + 1] == 0x00) return false;
    segment->offset = at;
    segment->marker = walk->bytes[at + 1];
    walk->position = at + 2;
    return true;
}

bool jpeg_walk_next(struct jpeg_walk *walk, struct jpeg_segment *segment) {
    *segment = (struct jpeg_segment){0};
    if (walk->ended) return false;
    walk->ended = true; /* until a whole segment was seen */
    if (!find_marker(walk, segment)) return false;
    if (!stands_alone(segment->marker)) {
        if (walk->size - walk->position < 2) return false;
        const uint8_t *field = walk->bytes + walk->position;
        size_t length = (size_t)field[0] << 8 | field[1]; /* counts its own two bytes */
        if (length < 2 || length > walk->size - walk->position) return false;
        segment->data = field + 2;
        segment->length = length - 2;
        walk->position += length;
    }
    walk->complete = segment->marker == JPEG_SOS || segment->marker == JPEG_EOI;
    walk->ended = walk->complete;
    return true;
}
