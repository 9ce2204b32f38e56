#include "kernels/simd_i8/x86_avx512.h"

enum { GEMM_CACHE_BYTES = 512 << 10 };
#include "kernels/gemm_u8s8/simd.h"

const struct gemm_u8s8_impl gemm_u8s8_avx512 = {"avx512 7x64", POMONA_TIER_AVX512, packed_bytes, pack, run};
