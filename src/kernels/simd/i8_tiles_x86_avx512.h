/* Heights of the tiles with AVX-512: 28 sums at most, four vectors of weights are read from memory. All of MobileNet's sides are
 * multiples of 7. */
#define ROWS_MAX     14
#define HEIGHTS_1(H) H(14) H(7) H(4) H(2) H(1)
#define HEIGHTS_2(H) H(14) H(7) H(4) H(2) H(1)
#define HEIGHTS_3(H) H(7) H(4) H(2) H(1)
#define HEIGHTS_4(H) H(7) H(4) H(2) H(1)
