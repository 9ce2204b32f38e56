/* What the SIMD versions of dwconv_u8s8 share: a block of channels, its packed weights, and the ways to compute it.
 *
 * Four bytes of one channel lie side by side in a 32-bit lane (a quad), and dot() adds their products with four
 * weights. Quads are made by interleaving four rows of a column, or any four taps.
 *
 * packed, for each block: bias [width], multiplier [width], then groups of four weights a channel:
 *   3x3: [kx][2]   (w0, w1, w2, 0) for a line of outputs and (0, w0, w1, w2) for the next one, from the same quad
 *   5x5: [kx][2]   (w0, w1, w2, w3) and (w4, 0, 0, 0)
 *   any: [taps/4]  taps in reading order, zeros at the end
 * Within a block channels are in the order that the interleaving leaves them in (dw_position). */
#ifndef KERNELS_DWCONV_U8S8_BLOCK_H
#define KERNELS_DWCONV_U8S8_BLOCK_H

#include "base/memory.h"
#include "kernels/dwconv_u8s8/dwconv_u8s8.h"
#include "kernels/simd/common.h"

#include <stdbool.h>

/* A window that simd_lines.h knows, or kernel 0: any window, one output at a time. */
struct dw_shape {
    int kernel, stride; /* of the columns */
    int rows;           /* how many lines of outputs are computed together: 2 only if 3x3 with strides 1 */
    int halves;         /* of the channels: bit 0 the first, bit 1 the second */
};

struct dw_block {
    const struct dwconv_u8s8_args *args;
    struct dw_shape shape;
    const uint8_t *packed;
    const uint8_t *padding; /* a row of the image full of the padding byte */
    const uint8_t *image;   /* x of one image, at the first channel of the block */
    uint8_t *y;             /* y of that image, at the same channel */
    size_t valid;           /* channels from there on: of this block and of those of its width that follow */
    size_t bytes;           /* of a packed block */
    uint8_t *waiting;       /* room for half of the results of a line */
};

/* The next block of `width` channels. */
ALWAYS_INLINE void dw_next(struct dw_block *b, size_t width) {
    b->packed += b->bytes;
    b->image += width;
    b->y += width;
    b->valid -= width < b->valid ? width : b->valid;
}

/* One or two lines of outputs, and the rows of x they read. */
struct dw_line {
    const uint8_t *rows[5];
    uint8_t *y[2];
};

ALWAYS_INLINE size_t dw_taps(int kernel_height, int kernel_width) {
    return (size_t)kernel_height * (size_t)kernel_width;
}

/* Groups for lines, before those for any window. */
ALWAYS_INLINE size_t dw_line_groups(int kernel_height, int kernel_width) {
    return kernel_height == kernel_width && (kernel_width == 3 || kernel_width == 5)
               ? 2 * (size_t)kernel_width
               : 0;
}

ALWAYS_INLINE size_t dw_groups(int kernel_height, int kernel_width) {
    return dw_line_groups(kernel_height, kernel_width) + (dw_taps(kernel_height, kernel_width) + 3) / 4;
}

/* Where channel c of a block is in its bias and multiplier: see simd_x86.h. */
ALWAYS_INLINE size_t dw_position(size_t width, size_t c) {
    return c % 16 / 4 * (width / 4) + c / 16 * 4 + c % 4;
}

/* Row in_y of the image, or of padding. */
ALWAYS_INLINE const uint8_t *dw_row(const struct dw_block *b, int in_y) {
    const struct window *g = &b->args->window;
    if (in_y < 0 || in_y >= g->in_height) return b->padding;
    return b->image + (size_t)in_y * (size_t)g->in_width * (size_t)b->args->channels;
}

#endif
