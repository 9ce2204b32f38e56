#include "kernels/simd/x86_avx2.h"

enum { ROWS = 6, COLUMNS = 2 };
#define HEIGHTS(H) H(6) H(4) H(2) H(1)
#define GEMM       gemm_f32_avx2
#include "kernels/conv_f32/simd.h"

const struct conv_f32_impl conv_f32_avx2 = {"avx2 6x16", POMONA_TIER_AVX2, packed_floats,
                                            pack,        scratch_floats,   run};
