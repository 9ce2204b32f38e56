/* The markers of a JPEG file, one by one, up to the first scan (ITU-T T.81, annex B).
 *
 * Bytes are hostile: a segment is handed out only if it lies inside the file. Nothing is allocated or copied. */
#ifndef JPEG_MARKERS_H
#define JPEG_MARKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum jpeg_marker {
    JPEG_SOF0 = 0xC0,
    JPEG_DHT = 0xC4,
    JPEG_SOI = 0xD8,
    JPEG_EOI = 0xD9,
    JPEG_SOS = 0xDA,
    JPEG_APP0 = 0xE0,
    JPEG_APP1 = 0xE1,
    JPEG_COM = 0xFE
};

/* One marker with its segment. Markers that stand alone (SOI, EOI, RSTn, TEM) have length 0. */
struct jpeg_segment {
    uint8_t marker; /* the byte after 0xFF */
    size_t offset;  /* of the 0xFF, from the start of the file; fill bytes (0xFF 0xFF ...) come before it */
    const uint8_t *data; /* the payload, after the two length bytes; borrowed from the file */
    size_t length;       /* of the payload: 0..65,533 */
};

/* Where a walk stands. Made by jpeg_walk_start. */
struct jpeg_walk {
    const uint8_t *bytes;
    size_t size;
    size_t
        position; /* next byte to look at; at the end of a complete walk, the first byte of entropy-coded data */
    bool complete; /* the walk came to SOS or EOI; false at a cut or malformed segment */
    bool ended;
};

/* Starts at bytes[0..size), which should begin with SOI. */
struct jpeg_walk jpeg_walk_start(const void *bytes, size_t size);

/* Fills `segment` and returns true; false when the walk has ended: after SOS or EOI (which are handed out), at the
 * end of the bytes, or where no marker stands (walk->complete tells which). At most size / 2 segments. */
bool jpeg_walk_next(struct jpeg_walk *walk, struct jpeg_segment *segment);

#endif
