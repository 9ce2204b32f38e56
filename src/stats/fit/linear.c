#include "stats/fit/linear.h"

#include "base/memory.h"
#include "kernels/gemm_f64/gemm_f64.h"
#include "kernels/kernels.h"
#include "stats/fit/parallel.h"

#include <stdbool.h>
#include <string.h>

pomona_status linear_model_new(int classes, int width, struct linear_model *model,
                               struct pomona_error *error) {
    *model = (struct linear_model){classes, width, NULL, NULL};
    model->weight = memory_new(size_multiply((size_t)classes, (size_t)width), sizeof *model->weight);
    model->bias = memory_new((size_t)classes, sizeof *model->bias);
    if (model->weight && model->bias) return POMONA_OK;
    linear_model_free(model);
    return fail_memory(error, "linear model");
}

void linear_model_free(struct linear_model *model) {
    memory_free(model->weight);
    memory_free(model->bias);
    *model = (struct linear_model){0, 0, NULL, NULL};
}

/* Weights turned and padded as the kernel wants them, and where the logits go. */
struct scoring {
    const struct gemm_f64_impl *gemm;
    const struct linear_model *model;
    const float *features;
    size_t rows;
    int columns;
    double *turned; /* [width][columns] */
    double *padded; /* [rows][columns] */
    double *logits;
};

enum { SCORE_ROWS = 128 /* of one task */ };

static void score_rows(void *user, int index) {
    struct scoring *s = user;
    size_t first = (size_t)index * SCORE_ROWS, width = (size_t)s->model->width;
    size_t columns = (size_t)s->columns, classes = (size_t)s->model->classes;
    size_t count = s->rows - first < SCORE_ROWS ? s->rows - first : SCORE_ROWS;
    double *out = s->padded + first * columns;
    for (size_t i = 0; i < count; i++) memcpy(out + i * columns, s->model->bias, classes * sizeof *out);
    s->gemm->run(&(struct gemm_f64_args){.m = (int)count,
                                         .n = s->columns,
                                         .k = s->model->width,
                                         .x = s->features + first * width,
                                         .x_row = width,
                                         .x_column = 1,
                                         .w = s->turned,
                                         .y = out});
    for (size_t i = 0; i < count; i++)
        memcpy(s->logits + (first + i) * classes, out + i * columns, classes * sizeof *out);
}

pomona_status linear_model_logits(const struct pomona_context *context, const struct linear_model *model,
                                  const float *features, size_t rows, int threads, double *logits,
                                  struct pomona_error *error) {
    size_t width = (size_t)model->width, classes = (size_t)model->classes;
    size_t columns = (classes + GEMM_F64_COLUMNS - 1) / GEMM_F64_COLUMNS * GEMM_F64_COLUMNS;
    struct scoring s = {.gemm = context_kernels(context)->gemm_f64,
                        .model = model,
                        .features = features,
                        .rows = rows,
                        .columns = (int)columns,
                        .turned = memory_new(size_multiply(width, columns), sizeof(double)),
                        .padded = memory_new(size_multiply(rows, columns), sizeof(double)),
                        .logits = logits};
    if (s.turned && s.padded) {
        for (size_t c = 0; c < classes; c++)
            for (size_t j = 0; j < width; j++) s.turned[j * columns + c] = model->weight[c * width + j];
        parallel_run(threads, (int)((rows + SCORE_ROWS - 1) / SCORE_ROWS), score_rows, &s);
    }
    bool enough = s.turned && s.padded;
    memory_free(s.turned);
    memory_free(s.padded);
    return enough ? POMONA_OK : fail_memory(error, "logits");
}
