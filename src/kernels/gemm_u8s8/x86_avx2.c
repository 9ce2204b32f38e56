#include "kernels/simd_i8/x86_avx2.h"

enum { GEMM_CACHE_BYTES = 256 << 10 };
#include "kernels/gemm_u8s8/simd.h"

const struct gemm_u8s8_impl gemm_u8s8_avx2 = {"avx2 4x16", POMONA_TIER_AVX2, packed_bytes, pack, run};
