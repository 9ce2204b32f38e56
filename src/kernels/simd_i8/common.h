/* What the vector headers of the integer products (simd_i8/ISA.h) have in common. A source of one instruction set includes
 * its header first, then the bodies (FAMILY/simd.h) written on top of it.
 *
 *   VECTORS_MAX       (a macro) most vectors of output channels side by side in a tile, up to 4
 *   LANES             32-bit sums in a vector: output channels
 *   GROUP             inputs that one product step takes, 4: weights are [LANES][GROUP] bytes
 *   X_OFFSET          what pixels_load() subtracts from each input, 0 or 128; the packer makes up for it in the bias
 *   sums              LANES sums, int32
 *   pixels            GROUP inputs of one pixel, in every lane
 *   weights           the weights of LANES channels for GROUP inputs, from LANES * GROUP packed bytes
 *   weights_place(lane, t)  where the packed byte of a lane's weight t is
 *   sums_load, pixels_load, weights_load      from memory of any alignment
 *   sums_dot(s, p, w) s + the products, exact modulo 2^32
 *   NARROW            (a macro) 1 where half a vector of sums costs half: sums_dot_narrow() then computes the lower half of the
 *                     second of two vectors, and `narrow` tells the functions below that channels are in order
 *   sums_dot_memory(s, p, w)  the same with packed weights that stay in memory
 *   sums_scale(s, m)  float of the sums times LANES multipliers, each rounded once: `floats`
 *   floats_load, floats_load_upto, floats_store_upto, floats_set, floats_add, floats_div, floats_clamp
 *   bytes_store(rows, vectors, values, output, count, narrow, y, y_stride)  rounds rows * vectors (1..4) registers of floats, row by row, to bytes
 *                     and writes `count` of each row in the order of packed_channel(); bytes past count are not written
 *   residual_load(rows, vectors, r, r_stride, count, narrow, scale, addends)  the inverse: (r - zero point) * factor in that many registers */
#ifndef KERNELS_SIMD_I8_COMMON_H
#define KERNELS_SIMD_I8_COMMON_H

#include "kernels/requantise.h"
#include "kernels/simd/common.h"

#include <stdbool.h>
#include <string.h>

#endif
