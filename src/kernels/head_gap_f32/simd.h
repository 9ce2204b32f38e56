/* head_gap_f32 on top of simd_i8/ISA.h. The source that includes this defines HEIGHTS_n and ROWS_MAX
 * (gemm_u8s8/simd_tile.h). A strip of channels runs over all pixels of all images, so its weights are read from memory once. */
#include "kernels/gemm_u8s8/simd_tile.h"
#include "kernels/head_gap_f32/head_gap_f32.h"

static inline size_t steps_of(int k) { return ((size_t)k + GROUP - 1) / GROUP; }

static size_t packed_bytes(int n, int k) { return strips_bytes(n, steps_of(k)); }

static void pack(int n, int k, const int8_t *w, const int32_t *bias, const float *multiplier, void *packed) {
    struct panel_source source = {.channels = n,
                                  .inputs = (size_t)k,
                                  .steps = steps_of(k),
                                  .w = w,
                                  .bias = bias,
                                  .multiplier = multiplier,
                                  .in_order = true};
    strips_pack(&source, packed);
}

/* Adds `rows` pixels to the sums over pixels, one after the other. */
ALWAYS_INLINE void add_tile(const struct head_gap_f32_args *a, struct strip strip, const uint8_t *x, int rows,
                            int vectors, floats total[VECTORS_MAX]) {
    sums sum[ROWS_MAX * VECTORS_MAX];
    tile_sums(x, (size_t)a->k, (struct pieces){1, 0, steps_of(a->k)}, strip, rows, vectors, false, sum);
    floats low = floats_set(a->low), high = floats_set(a->high);
#define ADD(r, v)                                                                                            \
    if ((r) < rows && (v) < vectors)                                                                         \
        total[v < VECTORS_MAX ? v : 0] = floats_add(                                                         \
            total[v < VECTORS_MAX ? v : 0],                                                                  \
            floats_clamp(sums_scale(sum[(r)*vectors + (v)], floats_load(strip.multiplier + (v)*LANES)), low, \
                         high));
#define ADD_ROW(r) EACH_VECTOR(ADD, r)
    EACH_ROW(ADD_ROW)
#undef ADD
#undef ADD_ROW
}

#define TILE_ROWS(rows, vectors)                                                                             \
    for (; pixel + (rows) <= a->pixels; pixel += (rows))                                                     \
        add_tile(a, strip, x + (size_t)pixel * (size_t)a->k, rows, vectors, total);
#define TILE_1(rows) TILE_ROWS(rows, 1)
#define TILE_2(rows) TILE_ROWS(rows, 2)
#define TILE_3(rows) TILE_ROWS(rows, 3)
#define TILE_4(rows) TILE_ROWS(rows, 4)

/* One strip of channels, for all images. */
#define STRIP_MEANS(vectors)                                                                                 \
    __attribute__((noinline)) static void strip_means_##vectors(const struct head_gap_f32_args *a,           \
                                                                const void *packed, int column) {            \
        struct strip strip = strip_at(packed, vectors);                                                      \
        floats divisor = floats_set((float)a->pixels);                                                       \
        for (size_t image = 0; image < (size_t)a->images; image++) {                                         \
            const uint8_t *x = a->x + image * (size_t)a->pixels * (size_t)a->k;                              \
            floats total[VECTORS_MAX];                                                                       \
            for (int v = 0; v < vectors; v++) total[v] = floats_set(0);                                      \
            int pixel = 0;                                                                                   \
            HEIGHTS_##vectors(TILE_##vectors) for (int v = 0; v < vectors; v++) {                            \
                int first = column + v * LANES;                                                              \
                if (first < a->n)                                                                            \
                    floats_store_upto(a->y + image * (size_t)a->n + (size_t)first,                           \
                                      floats_div(total[v], divisor), (size_t)(a->n - first));                \
            }                                                                                                \
        }                                                                                                    \
    }
STRIP_MEANS(1)
STRIP_MEANS(2)
#if VECTORS_MAX == 4
STRIP_MEANS(3)
STRIP_MEANS(4)
#endif

static void run(const struct head_gap_f32_args *a) {
    const uint8_t *packed = a->packed;
    for (int column = 0, vectors; column < a->n; column += vectors * LANES) {
        vectors = strip_vectors(a->n - column, steps_of(a->k));
        switch (vectors) {
        case 1: strip_means_1(a, packed, column); break;
        case 2: strip_means_2(a, packed, column); break;
#if VECTORS_MAX == 4
        case 3: strip_means_3(a, packed, column); break;
        default: strip_means_4(a, packed, column); break;
#endif
        }
        packed += strip_bytes(vectors, steps_of(a->k));
    }
}
