/* Loops over the registers of a tile, spelled out. Sums must live in registers, and whether clang 14 promotes an array that a loop
 * indexes depends on which of its passes unrolls the loop; an array with constant indices it always promotes. `rows` and `vectors`
 * are constants once a tile is inlined, so what is beyond them disappears. */
#ifndef KERNELS_SIMD_I8_UNROLLED_H
#define KERNELS_SIMD_I8_UNROLLED_H

#define EACH_REGISTER(DO)  DO(0) DO(1) DO(2) DO(3) /* of four, filled in rows * vectors order */
#define EACH_VECTOR(DO, r) DO(r, 0) DO(r, 1) DO(r, 2) DO(r, 3)
#define EACH_ROW(DO)       DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13)

#endif
