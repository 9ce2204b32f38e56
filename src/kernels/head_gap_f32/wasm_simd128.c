#include "kernels/simd_i8/wasm_simd128.h"

#include "kernels/head_gap_f32/simd.h"

const struct head_gap_f32_impl head_gap_f32_wasm128 = {"wasm128", POMONA_TIER_WASM128, packed_bytes, pack,
                                                       run};
