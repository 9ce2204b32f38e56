#include "kernels/simd/arm_neon.h"

enum { ROWS = 8, COLUMNS = 3 };
#define HEIGHTS(H) H(8) H(4) H(2) H(1)
#define GEMM       gemm_f32_neon
#include "kernels/conv_f32/simd.h"

const struct conv_f32_impl conv_f32_neon = {"neon 8x12", POMONA_TIER_NEON, packed_floats,
                                            pack,        scratch_floats,   run};
