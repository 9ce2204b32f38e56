#include "check.h"
#include "kernels/gemm_f32/gemm_f32.h"

#include <math.h>

/* x [m][k], w [n][k], bias [n], residual like y [m][n] */
struct gemm_problem {
    struct gemm_f32_args args; /* x, y, packed and residual left out */
    struct tensor x, w, bias, residual;
    bool has_residual, has_bias;
};

static size_t rows_floats(int rows, size_t stride, int width) {
    return (size_t)(rows - 1) * stride + (size_t)width;
}

static struct gemm_problem problem_new(struct check *check, int m, int n, int k) {
    struct gemm_problem p = {.args = {.m = m, .n = n, .k = k, .low = -INFINITY, .high = INFINITY}};
    p.args.x_stride = (size_t)(k + (check_coin(check) ? 0 : check_random(check, 1, 9)));
    p.args.y_stride = (size_t)(n + (check_coin(check) ? 0 : check_random(check, 1, 9)));
    p.args.residual_stride = (size_t)(n + check_random(check, 0, 3));
    if (check_coin(check)) p.args.low = 0, p.args.high = 6;
    p.has_residual = check_coin(check);
    p.has_bias = check_random(check, 0, 3) > 0;
    p.x = tensor_input(check, rows_floats(m, p.args.x_stride, k), check_coin(check));
    p.w = tensor_input(check, (size_t)n * (size_t)k, check_coin(check));
    p.bias = tensor_input(check, (size_t)n, check_coin(check));
    p.residual = tensor_input(check, rows_floats(m, p.args.residual_stride, n), check_coin(check));
    check_case(check, "gemm m %d n %d k %d, strides %zu %zu, residual %d, clamp %g", m, n, k, p.args.x_stride,
               p.args.y_stride, p.has_residual, (double)p.args.high);
    return p;
}

static void problem_free(struct gemm_problem *p) {
    tensor_free(&p->x);
    tensor_free(&p->w);
    tensor_free(&p->bias);
    tensor_free(&p->residual);
}

static struct tensor problem_pack(struct check *check, const struct gemm_problem *p,
                                  const struct gemm_f32_impl *impl) {
    struct tensor packed = tensor_aligned(impl->packed_floats(p->args.n, p->args.k));
    impl->pack(p->args.n, p->args.k, p->w.data, p->has_bias ? p->bias.data : NULL, packed.data);
    check_guards(check, &packed);
    return packed;
}

/* Rows [first, first + m) of the problem into y, with the layout of its own y. */
static void run_rows(const struct gemm_problem *p, const struct gemm_f32_impl *impl, const float *packed,
                     int first, int m, float *y) {
    struct gemm_f32_args args = p->args;
    args.m = m;
    args.x = p->x.data + (size_t)first * args.x_stride;
    args.packed = packed;
    if (p->has_residual) args.residual = p->residual.data + (size_t)first * args.residual_stride;
    args.y = y;
    impl->run(&args);
}

static struct tensor problem_run(struct check *check, const struct gemm_problem *p,
                                 const struct gemm_f32_impl *impl, bool shifted) {
    struct tensor packed = problem_pack(check, p, impl);
    struct tensor y = tensor_output(rows_floats(p->args.m, p->args.y_stride, p->args.n), shifted);
    run_rows(p, impl, packed.data, 0, p->args.m, y.data);
    tensor_free(&packed);
    return y;
}

/* The sums of absolute values that the bound is relative to, by the plain C. */
static struct tensor problem_scale(struct check *check, const struct gemm_problem *p) {
    struct gemm_problem absolute = *p;
    absolute.args.low = -INFINITY, absolute.args.high = INFINITY;
    absolute.x = tensor_absolute(&p->x);
    absolute.w = tensor_absolute(&p->w);
    absolute.bias = tensor_absolute(&p->bias);
    absolute.residual = tensor_absolute(&p->residual);
    struct tensor scale = problem_run(check, &absolute, &gemm_f32_scalar, false);
    problem_free(&absolute);
    return scale;
}

/* Every row alone must be what it is among the others. */
static void check_rows_alone(struct check *check, const struct gemm_problem *p,
                             const struct gemm_f32_impl *impl, const struct tensor *y) {
    struct tensor packed = problem_pack(check, p, impl), row = tensor_output((size_t)p->args.n, false);
    for (int i = 0; i < p->args.m; i++) {
        run_rows(p, impl, packed.data, i, 1, row.data);
        check_bits(check, y->data + (size_t)i * p->args.y_stride, row.data, row.count);
    }
    tensor_free(&packed);
    tensor_free(&row);
}

static void check_problem(struct check *check, const struct gemm_f32_impl *impl, int m, int n, int k) {
    struct gemm_problem p = problem_new(check, m, n, k);
    struct tensor got = problem_run(check, &p, impl, check_coin(check));
    struct tensor want = problem_run(check, &p, &gemm_f32_scalar, false), scale = problem_scale(check, &p);
    check_rows_alone(check, &p, impl, &got);
    check_output(check, &got, &want, scale.data, sum_bound(k), (size_t)m, (size_t)n, p.args.y_stride);
    tensor_free(&got);
    tensor_free(&want);
    tensor_free(&scale);
    problem_free(&p);
}

/* The residual may be y itself. */
static void check_in_place(struct check *check, const struct gemm_f32_impl *impl) {
    struct gemm_problem p = problem_new(check, 29, 40, 24);
    p.has_residual = true;
    p.args.residual_stride = p.args.y_stride = 40;
    tensor_free(&p.residual);
    p.residual = tensor_input(check, 29 * 40, false);
    struct tensor apart = problem_run(check, &p, impl, false), packed = problem_pack(check, &p, impl);
    run_rows(&p, impl, packed.data, 0, 29, p.residual.data);
    check_bits(check, apart.data, p.residual.data, apart.count);
    tensor_free(&apart);
    tensor_free(&packed);
    problem_free(&p);
}

/* NaN passes through sum and clamp, and stays in its row. */
static void check_nan(struct check *check, const struct gemm_f32_impl *impl) {
    struct gemm_problem p = problem_new(check, 3, 20, 5);
    p.args.low = 0, p.args.high = 6;
    p.x.data[p.args.x_stride + 2] = NAN;
    struct tensor y = problem_run(check, &p, impl, false);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 20; j++)
            check_that(check, isnan(y.data[i * p.args.y_stride + j]) == (i == 1), "NaN lost or spread");
    tensor_free(&y);
    problem_free(&p);
}

void check_gemm_f32(struct check *check, const struct gemm_f32_impl *impl) {
    static const int heights[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 21, 27, 28, 29, 43};
    static const int widths[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 40, 47, 48, 49, 64, 65};
    static const int depths[] = {1, 2, 3, 16, 27, 64};
    for (size_t i = 0; i < sizeof heights / sizeof *heights && !check_done(check); i++)
        for (size_t j = 0; j < sizeof widths / sizeof *widths; j++)
            check_problem(check, impl, heights[i], widths[j], check_pick(check, depths));
    if (check_done(check)) return;
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) check_problem(check, impl, 31, 33, depths[i]);
    check_problem(check, impl, 61, 40, 3000); /* weights beyond the cache: several blocks of rows */
    check_problem(check, impl, 3, 80, 2048);
    check_in_place(check, impl);
    check_nan(check, impl);
}
