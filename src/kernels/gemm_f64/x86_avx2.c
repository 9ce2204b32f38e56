#include <immintrin.h>

enum { VEC = 4, ROWS = 5, COLUMNS = 2 };
typedef __m256d vec;
#define vec_load(p)      _mm256_loadu_pd(p)
#define vec_store(p, v)  _mm256_storeu_pd(p, v)
#define vec_set(x)       _mm256_set1_pd(x)
#define vec_fma(a, b, c) _mm256_fmadd_pd(a, b, c)
#define GEMM_F64_NARROW  0
#include "kernels/gemm_f64/simd.h"

const struct gemm_f64_impl gemm_f64_avx2 = {"avx2 5x8", POMONA_TIER_AVX2, run};
