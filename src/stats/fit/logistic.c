#include "stats/fit/logistic.h"

#include "base/memory.h"
#include "kernels/kernels.h"
#include "stats/fit/cholesky.h"
#include "stats/fit/lbfgs.h"
#include "stats/fit/logistic_inside.h"
#include "stats/fit/parallel.h"

#include <math.h>
#include <string.h>

/* ---- once for all fits ---- */

static void order_rows(struct logistic_problem *p) {
    size_t held = 0;
    for (size_t start = 0; start < ROW_STRIDE; start++)
        for (size_t i = start; i < p->rows; i += ROW_STRIDE) p->row[held++] = i;
}

/* Rows that one task scales, and the two sums of each feature; tasks are blocks of features. */
struct scaling {
    struct logistic_problem *problem;
    const float *x;
};

static void find_scale(void *user, int index) {
    struct scaling *s = user;
    struct logistic_problem *p = s->problem;
    size_t width = (size_t)p->width, first = (size_t)index * FEATURE_BLOCK,
           end = first + smaller(FEATURE_BLOCK, width - first);
    double rows = (double)p->rows;
    for (size_t i = 0; i < p->rows; i++)
        for (size_t j = first; j < end; j++) p->mean[j] += (double)s->x[i * width + j];
    for (size_t j = first; j < end; j++) p->mean[j] /= rows;
    for (size_t i = 0; i < p->rows; i++)
        for (size_t j = first; j < end; j++) {
            double off = (double)s->x[i * width + j] - p->mean[j];
            p->scale[j] += off * off;
        }
    for (size_t j = first; j < end; j++) {
        /* What rounding leaves of a constant; and no weight may leave the range of a float, in which files hold them. */
        double tiny = fmax(1e-12 * p->mean[j] * p->mean[j], 1e-60);
        p->scale[j] /= rows;
        p->scale[j] = p->scale[j] > tiny ? 1 / sqrt(p->scale[j]) : 0;
    }
}

static void scale_rows(void *user, int index) {
    struct scaling *s = user;
    struct logistic_problem *p = s->problem;
    size_t width = (size_t)p->width, first = (size_t)index * ROW_BLOCK,
           end = first + smaller(ROW_BLOCK, p->rows - first);
    for (size_t i = first; i < end; i++) {
        const float *x = s->x + p->row[i] * width;
        for (size_t j = 0; j < width; j++)
            p->z[i * width + j] = (float)(((double)x[j] - p->mean[j]) * p->scale[j]);
    }
}

/* Some of the rows in double, as the kernel wants its second factor. */
struct gram {
    struct logistic_problem *problem;
    double *wide;    /* [used][columns] */
    double *product; /* [width][columns] */
    size_t used, step;
    int columns; /* the width, filled up to whole vectors */
};

/* One task: some rows of z^T z. */
static void correlate(void *user, int index) {
    struct gram *g = user;
    size_t width = (size_t)g->problem->width, first = (size_t)index * FEATURE_BLOCK;
    g->problem->gemm->run(&(struct gemm_f64_args){.m = (int)smaller(FEATURE_BLOCK, width - first),
                                                  .n = g->columns,
                                                  .k = (int)g->used,
                                                  .x = g->problem->z + first,
                                                  .x_row = 1,
                                                  .x_column = g->step * width,
                                                  .w = g->wide,
                                                  .y = g->product + first * (size_t)g->columns});
}

static pomona_status find_correlation(struct logistic_problem *p, struct pomona_error *error) {
    size_t width = (size_t)p->width, step = (p->rows + GRAM_ROWS_MAX - 1) / GRAM_ROWS_MAX;
    struct gram g = {.problem = p,
                     .used = (p->rows + step - 1) / step,
                     .step = step,
                     .columns = blocks_of(width, GEMM_F64_COLUMNS) * GEMM_F64_COLUMNS};
    size_t columns = (size_t)g.columns;
    g.wide = memory_new(size_multiply(g.used, columns), sizeof *g.wide);
    g.product = memory_new(size_multiply(width, columns), sizeof *g.product);
    bool enough = g.wide && g.product;
    for (size_t i = 0; i < g.used && enough; i++)
        for (size_t j = 0; j < width; j++)
            g.wide[i * columns + j] = (double)p->z[i * step * width + j] / (double)g.used;
    if (enough) parallel_run(p->threads, blocks_of(width, FEATURE_BLOCK), correlate, &g);
    for (size_t i = 0; i < width && enough; i++)
        memcpy(p->correlation + i * width, g.product + i * columns, width * sizeof *p->correlation);
    memory_free(g.wide);
    memory_free(g.product);
    return enough ? POMONA_OK : fail_memory(error, "logistic regression");
}

static pomona_status prepare(struct logistic_problem *p, const float *x, struct pomona_error *error) {
    size_t width = (size_t)p->width, columns = (size_t)p->columns;
    p->row = memory_new(p->rows, sizeof *p->row);
    p->z = memory_new_aligned(p->rows, width * sizeof *p->z);
    p->mean = memory_new(width, sizeof *p->mean);
    p->scale = memory_new(width, sizeof *p->scale);
    p->correlation = memory_new(size_multiply(width, width), sizeof *p->correlation);
    p->inverse = memory_new(size_multiply(width, width), sizeof *p->inverse);
    p->residual = memory_new(size_multiply(p->rows, columns), sizeof *p->residual);
    p->block_loss = memory_new((size_t)blocks_of(p->rows, ROW_BLOCK), sizeof *p->block_loss);
    p->present = memory_new(columns, sizeof *p->present);
    if (!p->row || !p->z || !p->mean || !p->scale || !p->correlation || !p->inverse || !p->residual ||
        !p->block_loss || !p->present)
        return fail_memory(error, "logistic regression");
    struct scaling scaling = {p, x};
    order_rows(p);
    parallel_run(p->threads, blocks_of(width, FEATURE_BLOCK), find_scale, &scaling);
    parallel_run(p->threads, blocks_of(p->rows, ROW_BLOCK), scale_rows, &scaling);
    TRY(find_correlation(p, error));
    return logistic_single_prepare(p, error);
}

pomona_status logistic_problem_new(const struct pomona_context *context, const struct training_rows *rows,
                                   int threads, struct logistic_problem **problem,
                                   struct pomona_error *error) {
    *problem = NULL;
    struct logistic_problem *p = memory_new(1, sizeof *p);
    if (!p) return fail_memory(error, "logistic regression");
    p->gemm = context_kernels(context)->gemm_f64;
    p->single = context_kernels(context)->gemm_f32;
    p->leaf = rows->leaf;
    p->rows = rows->rows;
    p->width = rows->width;
    p->classes = rows->classes;
    p->columns = blocks_of((size_t)rows->classes, GEMM_F64_COLUMNS) * GEMM_F64_COLUMNS;
    p->threads = threads;
    pomona_status status = prepare(p, rows->features, error);
    if (status == POMONA_OK)
        *problem = p;
    else
        logistic_problem_free(&p);
    return status;
}

void logistic_problem_free(struct logistic_problem **problem) {
    if (!problem || !*problem) return;
    struct logistic_problem *p = *problem;
    void *const owned[] = {p->row,      p->z,          p->mean,    p->scale,  p->correlation,
                           p->residual, p->block_loss, p->inverse, p->present};
    logistic_single_free(p);
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) memory_free(owned[i]);
    memory_free(p);
    *problem = NULL;
}

/* ---- value and gradient ---- */

static double row_weight(const struct logistic_problem *p, size_t row) {
    return p->options->weight ? p->options->weight[p->row[row]] : 1;
}

double logistic_soften(const struct logistic_problem *p, size_t row, double *logits) {
    double weight = row_weight(p, row) / p->weight_sum, most = -INFINITY, sum = 0;
    int truth = p->leaf[p->row[row]];
    if (weight == 0) {
        memset(logits, 0, (size_t)p->columns * sizeof *logits);
        return 0;
    }
    for (int c = 0; c < p->classes; c++)
        if (p->present[c] && logits[c] > most) most = logits[c];
    double right = logits[truth] - most;
    for (int c = 0; c < p->columns; c++) {
        logits[c] = c < p->classes && p->present[c] ? exp(logits[c] - most) : 0;
        sum += logits[c];
    }
    for (int c = 0; c < p->columns; c++) logits[c] *= weight / sum;
    logits[truth] -= weight;
    return weight * (log(sum) - right);
}

/* One task: the residuals and the loss of a block of rows. */
static void forward(void *user, int index) {
    struct logistic_problem *p = user;
    size_t first = (size_t)index * ROW_BLOCK, count = smaller(ROW_BLOCK, p->rows - first);
    size_t width = (size_t)p->width, columns = (size_t)p->columns;
    double *logits = p->residual + first * columns, loss = 0;
    for (size_t i = 0; i < count; i++)
        memcpy(logits + i * columns, p->at + width * columns, columns * sizeof *logits);
    p->gemm->run(&(struct gemm_f64_args){.m = (int)count,
                                         .n = p->columns,
                                         .k = p->width,
                                         .x = p->z + first * width,
                                         .x_row = width,
                                         .x_column = 1,
                                         .w = p->at,
                                         .y = logits});
    for (size_t i = 0; i < count; i++) loss += logistic_soften(p, first + i, logits + i * columns);
    p->block_loss[index] = loss;
}

/* One task: the gradient of a block of features; the last task's is that of the intercepts. */
static void backward(void *user, int index) {
    struct logistic_problem *p = user;
    size_t width = (size_t)p->width, columns = (size_t)p->columns, first = (size_t)index * FEATURE_BLOCK;
    double *out = p->gradient + smaller(first, width) * columns;
    if (first >= width) {
        memset(out, 0, columns * sizeof *out);
        for (size_t i = 0; i < p->rows; i++)
            for (size_t c = 0; c < columns; c++) out[c] += p->residual[i * columns + c];
        return;
    }
    size_t count = smaller(FEATURE_BLOCK, width - first);
    for (size_t i = 0; i < count * columns; i++) out[i] = p->options->l2 * p->at[first * columns + i];
    for (size_t row = 0; row < p->rows; row += ROW_BLOCK)
        p->gemm->run(&(struct gemm_f64_args){.m = (int)count,
                                             .n = p->columns,
                                             .k = (int)smaller(ROW_BLOCK, p->rows - row),
                                             .x = p->z + row * width + first,
                                             .x_row = 1,
                                             .x_column = width,
                                             .w = p->residual + row * columns,
                                             .y = out});
}

double logistic_penalty(const struct logistic_problem *p, const double *x) {
    double square = 0;
    for (size_t i = 0; i < (size_t)p->width * (size_t)p->columns; i++) square += x[i] * x[i];
    return p->options->l2 / 2 * square;
}

static double evaluate(void *user, const double *x, double *gradient) {
    struct logistic_problem *p = user;
    int blocks = blocks_of(p->rows, ROW_BLOCK);
    double loss = 0;
    p->at = x;
    p->gradient = gradient;
    parallel_run(p->threads, blocks, forward, p);
    parallel_run(p->threads, blocks_of((size_t)p->width, FEATURE_BLOCK) + 1, backward, p);
    for (int i = 0; i < blocks; i++) loss += p->block_loss[i];
    return loss + logistic_penalty(p, x);
}

/* ---- the preconditioner ---- */

static pomona_status make_inverse(struct logistic_problem *p, struct pomona_error *error) {
    size_t width = (size_t)p->width;
    if (p->inverse_l2 == p->options->l2) return POMONA_OK;
    p->inverse_l2 = 0;
    double *matrix = memory_new(width * width, sizeof *matrix);
    if (!matrix) return fail_memory(error, "logistic regression");
    for (size_t i = 0; i < width; i++)
        for (size_t j = 0; j <= i; j++)
            matrix[i * width + j] = matrix[j * width + i] =
                p->correlation[i * width + j] / p->classes + (i == j ? p->options->l2 : 0);
    pomona_status status = cholesky_invert(p->width, matrix, error);
    for (size_t i = 0; i < width * width && status == POMONA_OK; i++) p->inverse[i] = (float)matrix[i];
    if (status == POMONA_OK) p->inverse_l2 = p->options->l2;
    memory_free(matrix);
    return status;
}

static void apply_inverse(void *user, int index) {
    struct logistic_problem *p = user;
    size_t width = (size_t)p->width, columns = (size_t)p->columns, first = (size_t)index * FEATURE_BLOCK;
    size_t count = smaller(FEATURE_BLOCK, width - first);
    double *out = p->product + first * columns;
    memset(out, 0, count * columns * sizeof *out);
    p->gemm->run(&(struct gemm_f64_args){.m = (int)count,
                                         .n = p->columns,
                                         .k = p->width,
                                         .x = p->inverse + first * width,
                                         .x_row = width,
                                         .x_column = 1,
                                         .w = p->vector,
                                         .y = out});
}

static void precondition(void *user, const double *v, double *out) {
    struct logistic_problem *p = user;
    size_t intercepts = (size_t)p->width * (size_t)p->columns;
    p->vector = v;
    p->product = out;
    parallel_run(p->threads, blocks_of((size_t)p->width, FEATURE_BLOCK), apply_inverse, p);
    for (int c = 0; c < p->columns; c++) out[intercepts + (size_t)c] = v[intercepts + (size_t)c] * p->classes;
}

/* ---- one fit ---- */

static pomona_status begin(struct logistic_problem *p, const struct logistic_options *options,
                           struct pomona_error *error) {
    int classes = 0;
    p->options = options;
    memset(p->present, 0, (size_t)p->columns * sizeof *p->present);
    for (size_t i = 0; i < p->rows; i++) {
        double weight = row_weight(p, i);
        int leaf = p->leaf[p->row[i]];
        classes += weight > 0 && !p->present[leaf];
        if (weight > 0) p->present[leaf] = true;
    }
    if (classes >= 2) return make_inverse(p, error);
    return fail(error, POMONA_E_INPUT, NULL, "a classifier needs photos of at least two classes, here %s",
                classes ? "is one" : "is none");
}

/* Parameters from a model in the features' own units, and back. */
static void take_start(const struct logistic_problem *p, const struct linear_model *start, double *x) {
    size_t width = (size_t)p->width, columns = (size_t)p->columns;
    for (int c = 0; c < p->classes; c++) {
        const double *weight = start->weight + (size_t)c * width;
        double bias = start->bias[c];
        if (!p->present[c]) continue;
        for (size_t j = 0; j < width; j++) {
            if (p->scale[j] > 0) x[j * columns + (size_t)c] = weight[j] / p->scale[j];
            bias += weight[j] * p->mean[j];
        }
        x[width * columns + (size_t)c] = bias;
    }
}

static void give_model(const struct logistic_problem *p, const double *x, struct linear_model *model) {
    size_t width = (size_t)p->width, columns = (size_t)p->columns;
    double lowest = INFINITY;
    for (int c = 0; c < p->classes; c++) {
        double *weight = model->weight + (size_t)c * width, bias = x[width * columns + (size_t)c];
        for (size_t j = 0; j < width && p->present[c]; j++) {
            weight[j] = x[j * columns + (size_t)c] * p->scale[j];
            bias -= weight[j] * p->mean[j];
        }
        model->bias[c] = bias;
        if (p->present[c] && bias < lowest) lowest = bias;
    }
    for (int c = 0; c < p->classes; c++)
        if (!p->present[c]) model->bias[c] = lowest - 30;
}

/* The noise of sums in single precision is well below it. */
#define SINGLE_TOLERANCE 1e-5

/* From now on the first rows alone count. */
static void activate(struct logistic_problem *p, size_t rows) {
    p->active = rows;
    p->weight_sum = 0;
    for (size_t i = 0; i < rows; i++) p->weight_sum += row_weight(p, i);
}

/* One run, added to what the runs before it found. */
static pomona_status run(const struct lbfgs_problem *problem, double *x, struct logistic_info *info,
                         struct pomona_error *error) {
    struct lbfgs_info found;
    pomona_status status = lbfgs_minimise(problem, x, &found, error);
    info->iterations += found.iterations;
    info->evaluations += found.evaluations;
    info->loss = found.value;
    info->gradient = found.gradient;
    info->converged = found.converged;
    return status;
}

/* Steps in single precision, for a large problem: a few on a sample, then on all rows, as far as that precision reaches. */
static pomona_status approach(struct logistic_problem *p, const struct lbfgs_problem *wanted, double *x,
                              struct logistic_info *info, struct pomona_error *error) {
    enum { SAMPLE_MIN = 2048, SAMPLE_ITERATIONS = 12 };
    struct lbfgs_problem problem = *wanted;
    size_t sample = (size_t)blocks_of(p->rows / ROW_STRIDE, SINGLE_ROWS) * SINGLE_ROWS;
    problem.evaluate = logistic_single_evaluate;
    problem.tolerance = fmax(problem.tolerance, SINGLE_TOLERANCE);
    if (sample >= SAMPLE_MIN && sample < p->rows && !p->options->start) {
        activate(p, sample);
        if (problem.max_iterations > SAMPLE_ITERATIONS) problem.max_iterations = SAMPLE_ITERATIONS;
        if (p->weight_sum > 0) TRY(run(&problem, x, info, error));
        problem.max_iterations = wanted->max_iterations;
    }
    activate(p, p->rows);
    return run(&problem, x, info, error);
}

/* In double, from where the steps in single precision led: one evaluation where the gradient is small enough there. What is
 * said of the result is said in double. */
static pomona_status minimise(struct logistic_problem *p, struct lbfgs_problem *problem, double *x,
                              struct logistic_info *info, struct pomona_error *error) {
    if (p->turned) TRY(approach(p, problem, x, info, error));
    activate(p, p->rows);
    return run(problem, x, info, error);
}

pomona_status logistic_fit(struct logistic_problem *p, const struct logistic_options *options,
                           struct linear_model *model, struct logistic_info *info,
                           struct pomona_error *error) {
    size_t size = size_multiply((size_t)p->width + 1, (size_t)p->columns);
    *model = (struct linear_model){0, 0, NULL, NULL};
    *info = (struct logistic_info){0};
    TRY(begin(p, options, error));
    double *x = memory_new(size, sizeof *x);
    if (!x) return fail_memory(error, "logistic regression");
    if (options->start) take_start(p, options->start, x);
    struct lbfgs_problem problem = {
        .size = size,
        .evaluate = evaluate,
        .precondition = precondition,
        .should_stop = options->should_stop,
        .user = p,
        .stop_user = options->user,
        .tolerance = options->tolerance > 0 ? options->tolerance : LOGISTIC_TOLERANCE,
        .max_iterations = options->max_iterations > 0 ? options->max_iterations : 1000};
    pomona_status status = minimise(p, &problem, x, info, error);
    if (status == POMONA_OK) status = linear_model_new(p->classes, p->width, model, error);
    if (status == POMONA_OK) give_model(p, x, model);
    memory_free(x);
    return status;
}
