#include <immintrin.h>

enum { VEC = 8, ROWS = 6, COLUMNS = 4 };
typedef __m512d vec;
#define vec_load(p)      _mm512_loadu_pd(p)
#define vec_store(p, v)  _mm512_storeu_pd(p, v)
#define vec_set(x)       _mm512_set1_pd(x)
#define vec_fma(a, b, c) _mm512_fmadd_pd(a, b, c)
#define GEMM_F64_NARROW  1
#include "kernels/gemm_f64/simd.h"

const struct gemm_f64_impl gemm_f64_avx512 = {"avx512 6x32", POMONA_TIER_AVX512, run};
