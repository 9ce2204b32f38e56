/* Resampling of uint8 pixels: equal to the plain C to the bit, on whatever weights fit. */
#include "base/memory.h"
#include "check.h"
#include "kernels/resize_u8/resize_u8.h"

#include <string.h>

enum { GUARD = 64, GUARD_BYTE = 0xA5, MAX_OUT = 70, MAX_COUNT = 40, MAX_IN = 120, MAX_BYTES = 300 };

/* An axis and its weights, unpacked and packed; the weights of an output add up to 2^22, as normalised ones do. */
struct axis_case {
    struct resize_u8_axis plain, packed;
    int32_t start[MAX_OUT], count[MAX_OUT];
    int32_t *weights, *packed_weights;
};

/* Weights as bicubic ones are, with negative lobes; now and then a lone 1.0, or the largest that fits. */
static void fill_weights(struct check *check, int32_t *weight, int count) {
    const int32_t one = 1 << RESIZE_U8_BITS;
    int32_t rest = one;
    for (int t = 0; t + 1 < count; t++) {
        int32_t bound = one / count;
        weight[t] = check_random(check, 0, 9) ? check_random(check, -bound / 4, 2 * bound) : 0;
        rest -= weight[t];
    }
    if (rest > one + one / 4) rest = one + one / 4;
    if (rest < -one / 4) rest = -one / 4;
    weight[count - 1] = rest;
}

static void make_axis(struct check *check, const struct resize_u8_impl *impl, int out, int in,
                      struct axis_case *a) {
    int taps = 0;
    for (int i = 0; i < out; i++) {
        int most = in < MAX_COUNT ? in : MAX_COUNT;
        a->count[i] =
            check_coin(check) ? check_random(check, 1, most) : check_random(check, 1, most < 4 ? most : 4);
        a->start[i] = check_random(check, 0, in - a->count[i]);
        if (a->count[i] > taps) taps = a->count[i];
    }
    taps = (taps + RESIZE_U8_GROUP - 1) / RESIZE_U8_GROUP * RESIZE_U8_GROUP;
    size_t weights = (size_t)out * (size_t)taps;
    a->weights = memory_new_aligned(weights, sizeof *a->weights);
    a->packed_weights = memory_new_aligned(weights, sizeof *a->weights);
    memset(a->weights, 0, weights * sizeof *a->weights);
    for (int i = 0; i < out; i++) fill_weights(check, a->weights + (size_t)i * (size_t)taps, a->count[i]);
    memcpy(a->packed_weights, a->weights, weights * sizeof *a->weights);
    impl->pack(weights, a->packed_weights);
    a->plain = (struct resize_u8_axis){out, taps, a->start, a->count, a->weights};
    a->packed = (struct resize_u8_axis){out, taps, a->start, a->count, a->packed_weights};
}

static void free_axis(struct axis_case *a) {
    memory_free(a->weights);
    memory_free(a->packed_weights);
}

/* Random bytes, or only 0 and 255, readable as far as the kernels may read. */
static uint8_t *make_row(struct check *check, size_t bytes) {
    uint8_t *row = memory_new_aligned(bytes + RESIZE_U8_OVERREAD, 1);
    bool extreme = check_coin(check);
    for (size_t i = 0; i < bytes + RESIZE_U8_OVERREAD; i++)
        row[i] = (uint8_t)(extreme ? 255 * check_random(check, 0, 1) : check_random(check, 0, 255));
    return row;
}

static uint8_t *make_output(size_t bytes) {
    uint8_t *block = memory_new(bytes + 2 * GUARD, 1);
    memset(block, GUARD_BYTE, bytes + 2 * GUARD);
    return block;
}

static void compare(struct check *check, uint8_t *got, const uint8_t *want, size_t bytes) {
    if (check->sabotage == SABOTAGE_VALUE) got[GUARD] ^= 1;
    if (check->sabotage == SABOTAGE_BEFORE) got[GUARD - 1] ^= 1;
    if (check->sabotage == SABOTAGE_AFTER) got[GUARD + bytes] ^= 1;
    check_that(check, memcmp(got + GUARD, want + GUARD, bytes) == 0, "pixels differ from the plain C's");
    bool intact = true;
    for (size_t i = 0; i < GUARD; i++) intact &= got[i] == GUARD_BYTE && got[GUARD + bytes + i] == GUARD_BYTE;
    check_that(check, intact, "written outside the row");
}

static void check_horizontal(struct check *check, const struct resize_u8_impl *impl, int out, int in,
                             int rows) {
    struct axis_case axis;
    make_axis(check, impl, out, in, &axis);
    check_case(check, "horizontal %d to %d, %d rows", in, out, rows);
    size_t bytes = 3 * (size_t)out;
    uint8_t *x[RESIZE_U8_ROWS], *got[RESIZE_U8_ROWS], *want[RESIZE_U8_ROWS], *y[RESIZE_U8_ROWS],
        *z[RESIZE_U8_ROWS];
    for (int r = 0; r < rows; r++) {
        x[r] = make_row(check, 3 * (size_t)in);
        got[r] = make_output(bytes);
        want[r] = make_output(bytes);
        y[r] = got[r] + GUARD;
        z[r] = want[r] + GUARD;
    }
    impl->horizontal(&axis.packed, rows, (const uint8_t *const *)x, y);
    resize_u8_scalar.horizontal(&axis.plain, rows, (const uint8_t *const *)x, z);
    for (int r = 0; r < rows; r++) {
        compare(check, got[r], want[r], bytes);
        memory_free(x[r]);
        memory_free(got[r]);
        memory_free(want[r]);
    }
    free_axis(&axis);
}

static void check_vertical(struct check *check, const struct resize_u8_impl *impl, size_t bytes) {
    struct axis_case axis;
    make_axis(check, impl, 4, MAX_IN, &axis);
    const uint8_t *x[MAX_COUNT + RESIZE_U8_GROUP];
    uint8_t *rows[MAX_COUNT];
    for (int t = 0; t < MAX_COUNT; t++) rows[t] = make_row(check, bytes);
    for (int t = 0; t < MAX_COUNT + RESIZE_U8_GROUP; t++) x[t] = rows[t % MAX_COUNT];
    for (int index = 0; index < 4; index++) {
        check_case(check, "vertical, %d rows of %zu", axis.count[index], bytes);
        uint8_t *got = make_output(bytes), *want = make_output(bytes);
        impl->vertical(&axis.packed, index, bytes, x, got + GUARD);
        resize_u8_scalar.vertical(&axis.plain, index, bytes, x, want + GUARD);
        compare(check, got, want, bytes);
        memory_free(got);
        memory_free(want);
    }
    for (int t = 0; t < MAX_COUNT; t++) memory_free(rows[t]);
    free_axis(&axis);
}

void check_resize_u8(struct check *check, const struct resize_u8_impl *impl) {
    for (int out = 1; out <= MAX_OUT && !check_done(check); out++)
        for (int rows = 1; rows <= RESIZE_U8_ROWS; rows++)
            check_horizontal(check, impl, out, check_random(check, 1, MAX_IN), rows);
    for (size_t bytes = 1; bytes <= MAX_BYTES && !check_done(check); bytes++)
        check_vertical(check, impl, bytes);
}
