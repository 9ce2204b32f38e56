#include "kernels/simd_i8/arm_neon.h"

enum { GEMM_CACHE_BYTES = 256 << 10 };
#include "kernels/gemm_u8s8/simd.h"

const struct gemm_u8s8_impl gemm_u8s8_neon = {"neon 4x16", POMONA_TIER_NEON, packed_bytes, pack, run};
