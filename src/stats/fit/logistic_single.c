#include "base/memory.h"
#include "stats/fit/logistic_inside.h"
#include "stats/fit/parallel.h"

#include <math.h>
#include <string.h>

enum {
    TURNED_BYTES_MAX = 1 << 30,
    WORK_MIN = 1 << 28 /* products of a pass, from which on it pays */,
    TURN_ROWS = 16
};

static int feature_tasks(const struct logistic_problem *p) {
    return blocks_of((size_t)p->width, SINGLE_FEATURES);
}

static int row_blocks(const struct logistic_problem *p) { return blocks_of(p->rows, SINGLE_ROWS); }

static size_t features_of(const struct logistic_problem *p, int task) {
    return smaller(SINGLE_FEATURES, (size_t)p->width - (size_t)task * SINGLE_FEATURES);
}

/* The packed block of some rows and some features. */
static float *turned_block(const struct logistic_problem *p, int rows, int features) {
    return p->turned + ((size_t)rows * (size_t)feature_tasks(p) + (size_t)features) * p->turned_floats;
}

/* One task: packs the blocks of some features: z turned, [features][rows]. Its scratch is what its sums go to later. */
static void turn(void *user, int index) {
    struct logistic_problem *p = user;
    size_t width = (size_t)p->width, first = (size_t)index * SINGLE_FEATURES, count = features_of(p, index);
    float *scratch = p->residual_turned + (size_t)index * SINGLE_FEATURES * SINGLE_ROWS;
    for (int block = 0; block < row_blocks(p); block++) {
        size_t row = (size_t)block * SINGLE_ROWS, rows = smaller(SINGLE_ROWS, p->rows - row);
        for (size_t i = 0; i < rows;
             i += TURN_ROWS) /* a few rows at a time, so that whole cache lines are written */
            for (size_t j = 0; j < count; j++)
                for (size_t k = i; k < rows && k < i + TURN_ROWS; k++)
                    scratch[j * rows + k] = p->z[(row + k) * width + first + j];
        p->single->pack((int)count, (int)rows, scratch, NULL, turned_block(p, block, index));
    }
}

pomona_status logistic_single_prepare(struct logistic_problem *p, struct pomona_error *error) {
    size_t width = (size_t)p->width, classes = (size_t)p->classes, blocks = (size_t)row_blocks(p);
    size_t tasks = (size_t)feature_tasks(p), scratch = tasks * SINGLE_FEATURES * SINGLE_ROWS;
    p->turned_floats =
        (p->single->packed_floats(SINGLE_FEATURES, SINGLE_ROWS) + 15) / 16 * 16; /* keeps blocks aligned */
    size_t floats = size_multiply(blocks * tasks, p->turned_floats),
           residuals = blocks * classes * SINGLE_ROWS;
    bool pays = size_multiply(size_multiply(p->rows, width), classes) >= WORK_MIN;
    if (!pays || floats > TURNED_BYTES_MAX / sizeof(float)) return POMONA_OK;
    p->turned = memory_new_aligned(floats, sizeof *p->turned);
    p->weights = memory_new_aligned(classes * width, sizeof *p->weights);
    p->packed_weights =
        memory_new_aligned(p->single->packed_floats(p->classes, p->width), sizeof *p->packed_weights);
    p->logits = memory_new_aligned(p->rows, classes * sizeof *p->logits);
    p->residual_turned =
        memory_new_aligned(residuals > scratch ? residuals : scratch, sizeof *p->residual_turned);
    p->sums = memory_new_aligned(tasks * classes, SINGLE_FEATURES * sizeof *p->sums);
    if (!p->turned || !p->weights || !p->packed_weights || !p->logits || !p->residual_turned || !p->sums)
        return fail_memory(error, "logistic regression");
    parallel_run(p->threads, feature_tasks(p), turn, p);
    return POMONA_OK;
}

void logistic_single_free(struct logistic_problem *p) {
    memory_free(p->turned);
    memory_free(p->weights);
    memory_free(p->packed_weights);
    memory_free(p->logits);
    memory_free(p->residual_turned);
    memory_free(p->sums);
}

/* One task: residuals and loss of a block of rows. */
static void forward(void *user, int index) {
    struct logistic_problem *p = user;
    size_t first = (size_t)index * ROW_BLOCK, count = smaller(ROW_BLOCK, p->active - first);
    size_t width = (size_t)p->width, columns = (size_t)p->columns, classes = (size_t)p->classes;
    size_t block = first / SINGLE_ROWS, at = first % SINGLE_ROWS;
    float *logits = p->logits + first * classes,
          *turned = p->residual_turned + block * classes * SINGLE_ROWS + at;
    double loss = 0;
    p->single->run(&(struct gemm_f32_args){.m = (int)count,
                                           .n = p->classes,
                                           .k = p->width,
                                           .x = p->z + first * width,
                                           .x_stride = width,
                                           .packed = p->packed_weights,
                                           .low = -INFINITY,
                                           .high = INFINITY,
                                           .y = logits,
                                           .y_stride = classes});
    for (size_t i = 0; i < count; i++) {
        double *wide = p->residual + (first + i) * columns;
        for (size_t c = 0; c < columns; c++) wide[c] = c < classes ? (double)logits[i * classes + c] : 0;
        loss += logistic_soften(p, first + i, wide);
    }
    for (size_t i = 0; i < count; i += TURN_ROWS)
        for (size_t c = 0; c < classes; c++)
            for (size_t k = i; k < count && k < i + TURN_ROWS; k++)
                turned[c * SINGLE_ROWS + k] = (float)p->residual[(first + k) * columns + c];
    p->block_loss[index] = loss;
}

/* One task: the gradient of a block of features; the last task's is that of the intercepts. */
static void backward(void *user, int index) {
    struct logistic_problem *p = user;
    size_t width = (size_t)p->width, columns = (size_t)p->columns, classes = (size_t)p->classes;
    size_t first = (size_t)index * SINGLE_FEATURES;
    double *out = p->gradient + smaller(first, width) * columns;
    if (first >= width) {
        memset(out, 0, columns * sizeof *out);
        for (size_t i = 0; i < p->active; i++)
            for (size_t c = 0; c < columns; c++) out[c] += p->residual[i * columns + c];
        return;
    }
    size_t count = features_of(p, index);
    float *sums = p->sums + (size_t)index * classes * SINGLE_FEATURES;
    for (size_t i = 0; i < count * columns; i++) out[i] = p->options->l2 * p->at[first * columns + i];
    for (int block = 0; block < blocks_of(p->active, SINGLE_ROWS); block++) {
        size_t row = (size_t)block * SINGLE_ROWS;
        p->single->run(
            &(struct gemm_f32_args){.m = p->classes,
                                    .n = (int)count,
                                    .k = (int)smaller(SINGLE_ROWS, p->rows - row),
                                    .x = p->residual_turned + (size_t)block * classes * SINGLE_ROWS,
                                    .x_stride = SINGLE_ROWS,
                                    .packed = turned_block(p, block, index),
                                    .low = -INFINITY,
                                    .high = INFINITY,
                                    .y = sums,
                                    .y_stride = SINGLE_FEATURES});
        for (size_t j = 0; j < count; j++)
            for (size_t c = 0; c < classes; c++)
                out[j * columns + c] += (double)sums[c * SINGLE_FEATURES + j];
    }
}

/* The parameters as the kernel wants them: [classes][width], the intercepts as its bias. */
static void pack_weights(struct logistic_problem *p, const double *x) {
    size_t width = (size_t)p->width, columns = (size_t)p->columns;
    float *bias = p->sums; /* free until the gradient */
    for (size_t c = 0; c < (size_t)p->classes; c++) {
        for (size_t j = 0; j < width; j++) p->weights[c * width + j] = (float)x[j * columns + c];
        bias[c] = (float)x[width * columns + c];
    }
    p->single->pack(p->classes, p->width, p->weights, bias, p->packed_weights);
}

double logistic_single_evaluate(void *user, const double *x, double *gradient) {
    struct logistic_problem *p = user;
    int blocks = blocks_of(p->active, ROW_BLOCK);
    double loss = 0;
    p->at = x;
    p->gradient = gradient;
    pack_weights(p, x);
    parallel_run(p->threads, blocks, forward, p);
    parallel_run(p->threads, feature_tasks(p) + 1, backward, p);
    for (int i = 0; i < blocks; i++) loss += p->block_loss[i];
    return loss + logistic_penalty(p, x);
}
