/* EXIF: which way up a photo is (CIPA DC-008, tag 0x0112, in the first IFD of the TIFF block of APP1). */
#ifndef JPEG_EXIF_H
#define JPEG_EXIF_H

#include <stdbool.h>
#include <stddef.h>

/* How the stored picture is turned into the upright one. The stored pixel of upright (x, y) is found by exchanging x
 * and y if `transpose`, then counting from the right or the bottom if flip_x or flip_y. */
struct orientation {
    bool transpose;
    bool flip_x; /* of the stored picture */
    bool flip_y;
};

/* The orientation, 1..8, of a JPEG file; 1 where there is none or where it is invalid in any way (another type than
 * SHORT, another count than one, a value out of range, offsets outside the segment). Only the first IFD is read,
 * so that nothing can loop. */
int exif_orientation(const void *jpeg, size_t size);

/* The same from a TIFF block (what follows "Exif\0\0"). */
int exif_orientation_tiff(const void *bytes, size_t size);

/* What values 1..8 mean; any other is taken as 1. */
struct orientation orientation_from_exif(int value);

#endif
