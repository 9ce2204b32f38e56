#include "kernels/simd/arm_neon.h"

enum { ROWS = 6, COLUMNS = 4 };
#define HEIGHTS(H) H(6) H(4) H(2) H(1)
#define GEMM       gemm_f32_neon
#include "kernels/conv_f32/simd.h"

const struct conv_f32_impl conv_f32_neon = {"neon 6x16", POMONA_TIER_NEON, packed_floats,
                                            pack,        scratch_floats,   run};
