#include "kernels/simd/x86_avx512.h"

enum { ROWS = 7, COLUMNS = 3 };
#define HEIGHTS(H) H(7) H(4) H(2) H(1)
#define GEMM       gemm_f32_avx512
#include "kernels/conv_f32/simd.h"

const struct conv_f32_impl conv_f32_avx512 = {"avx512 7x48", POMONA_TIER_AVX512, packed_floats,
                                              pack,          scratch_floats,     run};
