#include "kernels/simd_i8/wasm_simd128.h"

enum { GEMM_CACHE_BYTES = 256 << 10 };
#include "kernels/gemm_u8s8/simd.h"

const struct gemm_u8s8_impl gemm_u8s8_wasm128 = {"wasm128 4x8", POMONA_TIER_WASM128, packed_bytes, pack, run};
