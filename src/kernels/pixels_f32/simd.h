/* pixels_f32 on top of simd/ISA.h: three vectors hold a whole number of pixels, so scale and shift repeat every
 * three. */
#include "kernels/pixels_f32/pixels_f32.h"

#include <string.h>

static void normalise(size_t pixels, const uint8_t *x, const float scale[3], const float shift[3], float *y) {
    float scales[3 * VEC], shifts[3 * VEC];
    for (int i = 0; i < 3 * VEC; i++) scales[i] = scale[i % 3], shifts[i] = shift[i % 3];
    size_t count = pixels * 3, vectors = 0;
    for (size_t i = 0; i < count; i += VEC, vectors = vectors == 2 ? 0 : vectors + 1) {
        uint8_t bytes[VEC] = {0};
        const uint8_t *from = x + i;
        if (count - i < VEC) from = memcpy(bytes, from, count - i);
        vec v = vec_mul(vec_load_u8(from), vec_load(scales + vectors * VEC));
        vec_store_upto(y + i, vec_add(v, vec_load(shifts + vectors * VEC)), count - i);
    }
}
