/* Included by the vector headers, after their operations. */
#ifndef KERNELS_SIMD_CLAMP_H
#define KERNELS_SIMD_CLAMP_H

/* NaN stays NaN, as in scalar_clamp(). */
ALWAYS_INLINE vec vec_clamp(vec v, vec low, vec high) { return vec_min(high, vec_max(low, v)); }

/* vec_load() and vec_store() of the lanes below `count`, which may exceed VEC. */
ALWAYS_INLINE vec vec_load_upto(const float *p, size_t count) {
    return count >= VEC ? vec_load(p) : vec_load_part(p, count);
}

ALWAYS_INLINE void vec_store_upto(float *p, vec v, size_t count) {
    if (count >= VEC)
        vec_store(p, v);
    else
        vec_store_part(p, v, count);
}

#endif
