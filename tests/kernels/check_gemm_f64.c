/* Sums of products in double: within the rounding of the plain C's, whatever the tile, and nothing else written. */
#include "base/memory.h"
#include "check.h"
#include "kernels/gemm_f64/gemm_f64.h"

#include <math.h>
#include <string.h>

enum { GUARD = 8 /* doubles on either side */ };

static const double guard_value = 12345.678;

static double draw(struct check *check) { return check_random(check, -1000000, 1000000) * 1e-6; }

/* y between guards, filled with its old values. */
static double *output_new(const double *old, size_t count) {
    double *block = memory_new_aligned(count + 2 * GUARD, sizeof *block);
    for (size_t i = 0; i < count + 2 * GUARD; i++) block[i] = guard_value;
    memcpy(block + GUARD, old, count * sizeof *old);
    return block;
}

static void spoil(struct check *check, double *block, size_t count, double bound) {
    if (check->sabotage == SABOTAGE_VALUE) block[GUARD + count / 2] += 4 * bound + 1e-9;
    if (check->sabotage == SABOTAGE_BEFORE) block[GUARD - 1] = 0;
    if (check->sabotage == SABOTAGE_AFTER) block[GUARD + count] = 0;
}

static void check_shape(struct check *check, const struct gemm_f64_impl *impl, int m, int n, int k,
                        bool turned) {
    size_t xs = (size_t)m * (size_t)k, ws = (size_t)k * (size_t)n, ys = (size_t)m * (size_t)n;
    struct tensor x = tensor_input(check, xs, check_coin(check));
    double *w = memory_new_aligned(ws, sizeof *w), *old = memory_new(ys, sizeof *old);
    for (size_t i = 0; i < xs; i++) x.data[i] = (float)draw(check);
    for (size_t i = 0; i < ws; i++) w[i] = draw(check);
    for (size_t i = 0; i < ys; i++) old[i] = draw(check);
    double *got = output_new(old, ys), *want = output_new(old, ys);
    struct gemm_f64_args args = {.m = m, .n = n, .k = k, .x = x.data, .w = w, .y = got + GUARD};
    args.x_row = turned ? 1 : (size_t)k;
    args.x_column = turned ? (size_t)m : 1;
    check_case(check, "gemm_f64 m %d n %d k %d%s", m, n, k, turned ? ", turned" : "");
    impl->run(&args);
    args.y = want + GUARD;
    gemm_f64_scalar.run(&args);
    double bound = (2.0 * k + 4) * 0x1p-53 * (k + 1); /* every factor is at most 1 */
    spoil(check, got, ys, bound);
    bool close = true, intact = true;
    for (size_t i = 0; i < ys; i++) close &= fabs(got[GUARD + i] - want[GUARD + i]) <= bound;
    for (size_t i = 0; i < GUARD; i++) intact &= got[i] == guard_value && got[GUARD + ys + i] == guard_value;
    check_that(check, close, "a sum differs from the plain C's");
    check_that(check, intact, "written outside the output");
    tensor_free(&x);
    memory_free(w);
    memory_free(old);
    memory_free(got);
    memory_free(want);
}

void check_gemm_f64(struct check *check, const struct gemm_f64_impl *impl) {
    static const int heights[] = {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 18, 25};
    static const int depths[] = {1, 2, 7, 255, 256, 257, 600};
    for (size_t i = 0; i < sizeof heights / sizeof *heights && !check_done(check); i++)
        for (int n = 8; n <= 88; n += 8)
            check_shape(check, impl, heights[i], n, check_pick(check, depths), check_coin(check));
    for (size_t i = 0; i < sizeof depths / sizeof *depths && !check_done(check); i++)
        check_shape(check, impl, 13, 48, depths[i], check_coin(check));
}
