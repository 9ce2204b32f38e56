#include "stats/fit/linear.h"

#include "base/memory.h"

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

void linear_model_logits(const struct linear_model *model, const float *x, double *logits) {
    for (int c = 0; c < model->classes; c++) {
        const double *weight = model->weight + (size_t)c * (size_t)model->width;
        double sum = model->bias[c];
        for (int i = 0; i < model->width; i++) sum += weight[i] * x[i];
        logits[c] = sum;
    }
}
