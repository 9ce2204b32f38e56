/* 1x1 convolutions in 8 bits: equal to the plain C to the bit. */
#include "base/memory.h"
#include "check_bytes.h"
#include "kernels/gemm_u8s8/gemm_u8s8.h"

/* x [m][k], w [n][k], residual like y [m][n] */
struct problem {
    struct gemm_u8s8_args args; /* x, y, packed and residual left out */
    struct bytes x, residual;
    struct integer_layer layer;
    bool has_residual;
};

static size_t rows_bytes(int rows, size_t stride, int width) {
    return (size_t)(rows - 1) * stride + (size_t)width;
}

static struct problem problem_new(struct check *check, int m, int n, int k) {
    struct problem p = {.args = {.m = m, .n = n, .k = k, .output = random_output(check)}};
    p.args.x_stride = (size_t)(k + (check_coin(check) ? 0 : check_random(check, 1, 9)));
    p.args.y_stride = (size_t)(n + (check_coin(check) ? 0 : check_random(check, 1, 9)));
    p.args.residual_stride = (size_t)(n + check_random(check, 0, 3));
    p.args.residual_scale.zero_point = check_coin(check) ? 128 : check_random(check, 0, 255);
    p.args.residual_scale.factor = (float)check_random(check, 1, 4096) / 1024;
    p.has_residual = check_coin(check);
    p.x = bytes_input(check, rows_bytes(m, p.args.x_stride, k), check_coin(check));
    p.residual = bytes_input(check, rows_bytes(m, p.args.residual_stride, n), check_coin(check));
    p.layer = layer_new(check, n, k);
    check_case(check, "gemm m %d n %d k %d, strides %zu %zu, residual %d, zero point %d, clamp %d %d", m, n,
               k, p.args.x_stride, p.args.y_stride, p.has_residual, p.args.output.zero_point,
               p.args.output.low, p.args.output.high);
    return p;
}

static void problem_free(struct problem *p) {
    bytes_free(&p->x);
    bytes_free(&p->residual);
    layer_free(&p->layer);
}

static struct bytes problem_pack(struct check *check, const struct problem *p,
                                 const struct gemm_u8s8_impl *impl) {
    struct bytes packed = bytes_output(impl->packed_bytes(p->args.n, p->args.k), false);
    impl->pack(p->args.n, p->args.k, p->layer.w, p->layer.bias, p->layer.multiplier, packed.data);
    check_bytes_guards(check, &packed);
    return packed;
}

/* Rows [first, first + m) of the problem into y, with the layout of its own y. */
static void run_rows(const struct problem *p, const struct gemm_u8s8_impl *impl, const void *packed,
                     int first, int m, uint8_t *y) {
    struct gemm_u8s8_args args = p->args;
    args.m = m;
    args.x = p->x.data + (size_t)first * args.x_stride;
    args.packed = packed;
    if (p->has_residual) args.residual = p->residual.data + (size_t)first * args.residual_stride;
    args.y = y;
    impl->run(&args);
}

static struct bytes problem_run(struct check *check, const struct problem *p,
                                const struct gemm_u8s8_impl *impl, bool shifted) {
    struct bytes packed = problem_pack(check, p, impl);
    struct bytes y = bytes_output(rows_bytes(p->args.m, p->args.y_stride, p->args.n), shifted);
    run_rows(p, impl, packed.data, 0, p->args.m, y.data);
    bytes_free(&packed);
    return y;
}

static void check_problem(struct check *check, const struct gemm_u8s8_impl *impl, int m, int n, int k) {
    struct problem p = problem_new(check, m, n, k);
    struct bytes got = problem_run(check, &p, impl, check_coin(check));
    struct bytes want = problem_run(check, &p, &gemm_u8s8_scalar, false);
    struct bytes packed = problem_pack(check, &p, impl), row = bytes_output((size_t)n, false);
    run_rows(&p, impl, packed.data, m - 1, 1, row.data);
    check_same_bytes(check, got.data + (size_t)(m - 1) * p.args.y_stride, row.data, (size_t)n);
    check_bytes(check, &got, &want, (size_t)m, (size_t)n, p.args.y_stride);
    bytes_free(&got);
    bytes_free(&want);
    bytes_free(&packed);
    bytes_free(&row);
    problem_free(&p);
}

/* The residual may be y itself. */
static void check_in_place(struct check *check, const struct gemm_u8s8_impl *impl) {
    struct problem p = problem_new(check, 29, 40, 24);
    p.has_residual = true;
    p.args.residual_stride = p.args.y_stride = 40;
    bytes_free(&p.residual);
    p.residual = bytes_input(check, 29 * 40, false);
    struct bytes apart = problem_run(check, &p, impl, false), packed = problem_pack(check, &p, impl);
    run_rows(&p, impl, packed.data, 0, 29, p.residual.data);
    check_same_bytes(check, apart.data, p.residual.data, apart.count);
    bytes_free(&apart);
    bytes_free(&packed);
    problem_free(&p);
}

/* What int8.md says, by hand: ties go to the even neighbour, sums are exact, the residual is added before rounding. */
static void check_specification(struct check *check, const struct gemm_u8s8_impl *impl) {
    static const struct {
        int x, w, bias, residual, want; /* multiplier 0.5, residual (r - 100) * 0.25, zero point 10 */
    } cases[] = {{5, 1, 0, -1, 12},     {7, 1, 0, -1, 14},  {5, -1, 0, -1, 8},  {255, 127, 0, -1, 255},
                 {255, -128, 0, -1, 0}, {4, 2, 1, 102, 15}, {4, 2, 1, 101, 15}, {0, 0, -3, 106, 10}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes x = bytes_input(check, 1, false), r = bytes_input(check, 1, false),
                     y = bytes_output(1, false);
        float multiplier = 0.5f;
        int8_t w = (int8_t)cases[i].w;
        int32_t bias = cases[i].bias;
        struct bytes packed = bytes_output(impl->packed_bytes(1, 1), false);
        impl->pack(1, 1, &w, &bias, &multiplier, packed.data);
        x.data[0] = (uint8_t)cases[i].x;
        r.data[0] = (uint8_t)(cases[i].residual < 0 ? 0 : cases[i].residual);
        struct gemm_u8s8_args args = {.m = 1,
                                      .n = 1,
                                      .k = 1,
                                      .x = x.data,
                                      .x_stride = 1,
                                      .packed = packed.data,
                                      .residual = cases[i].residual < 0 ? NULL : r.data,
                                      .residual_stride = 1,
                                      .residual_scale = {100, 0.25f},
                                      .output = {10, 0, 255},
                                      .y = y.data,
                                      .y_stride = 1};
        check_case(check, "by hand, %zu", i);
        impl->run(&args);
        check_that(check, y.data[0] == cases[i].want, "not what the page says");
        bytes_free(&x), bytes_free(&r), bytes_free(&y), bytes_free(&packed);
    }
}

void check_gemm_u8s8(struct check *check, const struct gemm_u8s8_impl *impl) {
    static const int heights[] = {1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15, 21, 27, 28, 29, 43};
    static const int widths[] = {1,  3,  4,  7,  8,  9,  15, 16, 17, 24,  31,  32,  33, 40,
                                 47, 48, 49, 63, 64, 65, 80, 96, 97, 129, 144, 160, 200};
    static const int depths[] = {1, 2, 3, 4, 5, 16, 23, 24, 27, 31, 32, 36, 64, 130};
    for (size_t i = 0; i < sizeof heights / sizeof *heights && !check_done(check); i++)
        for (size_t j = 0; j < sizeof widths / sizeof *widths; j++)
            check_problem(check, impl, heights[i], widths[j], check_pick(check, depths));
    if (check_done(check)) return;
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
        for (size_t j = 0; j < sizeof widths / sizeof *widths; j++)
            check_problem(check, impl, 31, widths[j], depths[i]);
    check_problem(check, impl, 400, 300, 2000); /* weights beyond the cache: several blocks of rows */
    check_problem(check, impl, 3, 80, 2048);
    check_in_place(check, impl);
    check_specification(check, impl);
}
