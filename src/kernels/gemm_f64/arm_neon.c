#include <arm_neon.h>

enum { VEC = 2, ROWS = 4, COLUMNS = 4 };
typedef float64x2_t vec;
#define vec_load(p)      vld1q_f64(p)
#define vec_store(p, v)  vst1q_f64(p, v)
#define vec_set(x)       vdupq_n_f64(x)
#define vec_fma(a, b, c) vfmaq_f64(c, a, b)
#define GEMM_F64_NARROW  0
#include "kernels/gemm_f64/simd.h"

const struct gemm_f64_impl gemm_f64_neon = {"neon 4x8", POMONA_TIER_NEON, run};
