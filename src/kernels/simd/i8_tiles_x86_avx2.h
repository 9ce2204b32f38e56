/* Heights of the tiles with AVX2: 8 sums, two halves of two vectors of weights, one pixel's halves in 16 registers. */
#define ROWS_MAX     4
#define HEIGHTS_1(H) H(4) H(2) H(1)
#define HEIGHTS_2(H) H(4) H(2) H(1)
