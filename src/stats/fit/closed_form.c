#include "stats/fit/closed_form.h"

#include "base/memory.h"
#include "stats/fit/cholesky.h"
#include "stats/fit/moments.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

struct closed_form {
    int width, classes;
    double rows;
    int present;          /* classes with rows */
    double *count;        /* [classes] */
    double *mean, *scale; /* [width]; scale 1 / deviation, 0 for a constant feature */
    double *centre;       /* [classes][width]: class means, standardised */
    double *total;        /* [width][width]: z^T z */
    double *within;       /* [width][width]: the same around the class means */
};

static pomona_status allocate(struct closed_form *f, struct pomona_error *error) {
    size_t width = (size_t)f->width, classes = (size_t)f->classes;
    f->count = memory_new(classes, sizeof *f->count);
    f->mean = memory_new(width, sizeof *f->mean);
    f->scale = memory_new(width, sizeof *f->scale);
    f->centre = memory_new(size_multiply(classes, width), sizeof *f->centre);
    f->total = memory_new(width * width, sizeof *f->total);
    f->within = memory_new(width * width, sizeof *f->within);
    return f->count && f->mean && f->scale && f->centre && f->total && f->within
               ? POMONA_OK
               : fail_memory(error, "classifier");
}

/* Which class each label of the moments is: class_of [labels]. */
static pomona_status match_labels(const struct pomona_moments *m, const char *const *names, int classes,
                                  int *class_of, struct pomona_error *error) {
    bool found;
    for (int i = 0; i < m->label_count; i++) class_of[i] = -1;
    for (int c = 0; c < classes; c++) {
        int place = moments_find_label(m, names[c], &found);
        if (found) class_of[place] = c;
    }
    for (int i = 0; i < m->label_count; i++) {
        const struct moment_label *label = m->labels[i];
        if (class_of[i] >= 0) continue;
        return fail(error, POMONA_E_INPUT, NULL,
                    label->name
                        ? "the moments hold %llu rows of '%.100s', which is not to be learnt: products of "
                          "features are not kept per class, so they can't be left out"
                        : "the moments hold %llu rows without a label%s: products of features are not kept "
                          "per class, so they can't be left out",
                    (unsigned long long)label->rows, label->name ? label->name : "");
    }
    if (m->label_count >= 2) return POMONA_OK;
    return fail(error, POMONA_E_INPUT, NULL, "a classifier needs photos of at least two classes, here %s",
                m->label_count ? "is one" : "is none");
}

/* Counts and standardised means of the classes. The numerator n sum_c - n_c sum is exact: below 2^96. */
static void take_classes(struct closed_form *f, const struct pomona_moments *m, const int *class_of) {
    const double step = ldexp(1, -MOMENTS_FRACTION_BITS);
    size_t width = (size_t)f->width;
    f->present = m->label_count;
    for (int i = 0; i < m->label_count; i++) {
        const struct moment_label *label = m->labels[i];
        f->count[class_of[i]] = (double)label->rows;
        for (size_t j = 0; j < width; j++) {
            int128 numerator = (int128)m->rows * label->sums[j] - (int128)label->rows * m->sums[j];
            f->centre[(size_t)class_of[i] * width + j] =
                (double)numerator / ((double)m->rows * (double)label->rows) * step * f->scale[j];
        }
    }
}

static pomona_status take_products(struct closed_form *f, struct pomona_moments *m,
                                   struct pomona_error *error) {
    const double step = ldexp(1, -2 * MOMENTS_FRACTION_BITS);
    size_t width = (size_t)f->width;
    TRY(moments_within(m, f->within, error));
    for (size_t i = 0; i < width; i++)
        for (size_t j = 0; j <= i; j++) {
            double scale = f->scale[i] * f->scale[j];
            f->total[i * width + j] = f->total[j * width + i] =
                (double)moments_comoment(m, (int)i, (int)j) / f->rows * step * scale;
            f->within[i * width + j] *= scale;
            f->within[j * width + i] = f->within[i * width + j];
        }
    return POMONA_OK;
}

static pomona_status take(struct closed_form *f, struct pomona_moments *m, const char *const *names,
                          struct pomona_error *error) {
    int *class_of = memory_new((size_t)m->label_count, sizeof *class_of);
    if (!class_of) return fail_memory(error, "classifier");
    pomona_status status = match_labels(m, names, f->classes, class_of, error);
    if (status == POMONA_OK) status = allocate(f, error);
    if (status == POMONA_OK) {
        pomona_moments_statistics(m, f->mean, f->scale);
        for (int j = 0; j < f->width; j++) f->scale[j] = f->scale[j] > 0 ? 1 / f->scale[j] : 0;
        take_classes(f, m, class_of);
        status = take_products(f, m, error);
    }
    memory_free(class_of);
    return status;
}

pomona_status closed_form_new(struct pomona_moments *moments, const char *const *names, int classes,
                              struct closed_form **form, struct pomona_error *error) {
    *form = NULL;
    struct closed_form *f = memory_new(1, sizeof *f);
    if (!f) return fail_memory(error, "classifier");
    moments_flush(moments);
    f->width = moments->features;
    f->classes = classes;
    f->rows = (double)moments->rows;
    pomona_status status = take(f, moments, names, error);
    if (status == POMONA_OK)
        *form = f;
    else
        closed_form_free(&f);
    return status;
}

void closed_form_free(struct closed_form **form) {
    if (!form || !*form) return;
    void *const owned[] = {(*form)->count,  (*form)->mean,  (*form)->scale,
                           (*form)->centre, (*form)->total, (*form)->within};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) memory_free(owned[i]);
    memory_free(*form);
    *form = NULL;
}

/* Solves (factor * products + ridge I) w = right for each class, into model->weight (standardised units still). */
static pomona_status solve(const struct closed_form *f, const double *products, double factor, double ridge,
                           struct linear_model *model, struct pomona_error *error) {
    size_t width = (size_t)f->width;
    double *matrix = memory_new(width * width, sizeof *matrix);
    if (!matrix) return fail_memory(error, "classifier");
    for (size_t i = 0; i < width * width; i++) matrix[i] = factor * products[i];
    for (size_t i = 0; i < width; i++) matrix[i * width + i] += f->scale[i] > 0 ? ridge : 1;
    pomona_status status = cholesky_solve(f->width, matrix, f->classes, model->weight, error);
    memory_free(matrix);
    return status;
}

/* Every class without rows: the mean of the others' logits, less 30, so below the highest wherever a photo lies. */
static void lower_absent(const struct closed_form *f, struct linear_model *model) {
    size_t width = (size_t)f->width;
    int first = 0;
    while (first < f->classes && f->count[first] > 0) first++;
    if (first == f->classes) return;
    double *mean = model->weight + (size_t)first * width, bias = 0;
    memset(mean, 0, width * sizeof *mean);
    for (int c = 0; c < f->classes; c++) {
        if (!(f->count[c] > 0)) continue;
        for (size_t j = 0; j < width; j++) mean[j] += model->weight[(size_t)c * width + j] / f->present;
        bias += model->bias[c] / f->present;
    }
    for (int c = first; c < f->classes; c++) {
        if (f->count[c] > 0) continue;
        model->bias[c] = bias - 30;
        if (c > first) memcpy(model->weight + (size_t)c * width, mean, width * sizeof *mean);
    }
}

/* From standardised features to the features' own units. Classes without rows get the mean of the others, less 30. */
static void finish(const struct closed_form *f, struct linear_model *model) {
    size_t width = (size_t)f->width;
    for (int c = 0; c < f->classes; c++)
        for (size_t j = 0; j < width && f->count[c] > 0; j++) {
            double *weight = model->weight + (size_t)c * width + j;
            *weight *= f->scale[j];
            model->bias[c] -= *weight * f->mean[j];
        }
    lower_absent(f, model);
}

pomona_status lda_fit(const struct closed_form *f, double shrinkage, struct linear_model *model,
                      struct pomona_error *error) {
    size_t width = (size_t)f->width;
    double freedom = f->rows - f->present > 1 ? f->rows - f->present : 1, diagonal = 0;
    int varying = 0;
    *model = (struct linear_model){0};
    if (!(shrinkage >= 0 && shrinkage <= 1))
        return fail(error, POMONA_E_USAGE, NULL, "the shrinkage of LDA is %g: it lies in [0, 1]", shrinkage);
    TRY(linear_model_new(f->classes, f->width, model, error));
    for (size_t i = 0; i < width; i++) {
        diagonal += f->within[i * width + i] / freedom;
        varying += f->scale[i] > 0;
    }
    bool nothing_varies = !(diagonal > 0); /* within classes: then every direction counts the same */
    double ridge = nothing_varies ? 1 : shrinkage * diagonal / varying;
    memcpy(model->weight, f->centre, (size_t)f->classes * width * sizeof *model->weight);
    pomona_status status = solve(f, f->within, (1 - shrinkage) / freedom, ridge, model, error);
    if (status != POMONA_OK) {
        linear_model_free(model);
        return status;
    }
    for (int c = 0; c < f->classes; c++) {
        const double *weight = model->weight + (size_t)c * width, *centre = f->centre + (size_t)c * width;
        for (size_t j = 0; j < width; j++) model->bias[c] -= weight[j] * centre[j] / 2;
    }
    finish(f, model);
    return POMONA_OK;
}

pomona_status ridge_fit(const struct closed_form *f, double l2, struct linear_model *model,
                        struct pomona_error *error) {
    size_t width = (size_t)f->width;
    *model = (struct linear_model){0};
    if (!(l2 >= 0 && isfinite(l2)))
        return fail(error, POMONA_E_USAGE, NULL, "the penalty of ridge is %g: it is finite and not negative",
                    l2);
    TRY(linear_model_new(f->classes, f->width, model, error));
    for (int c = 0; c < f->classes; c++) {
        double share = f->count[c] / f->rows;
        model->bias[c] = share;
        for (size_t j = 0; j < width; j++)
            model->weight[(size_t)c * width + j] = share * f->centre[(size_t)c * width + j];
    }
    pomona_status status = solve(f, f->total, 1 / f->rows, l2, model, error);
    if (status == POMONA_OK)
        finish(f, model);
    else
        linear_model_free(model);
    return status;
}

void lda_use_shares(const struct closed_form *f, struct linear_model *model) {
    for (int c = 0; c < f->classes; c++)
        if (f->count[c] > 0) model->bias[c] += log(f->count[c] / f->rows);
    lower_absent(f, model);
}

void ridge_balance(const struct closed_form *f, struct linear_model *model) {
    size_t width = (size_t)f->width;
    for (int c = 0; c < f->classes; c++) {
        if (!(f->count[c] > 0)) continue;
        double factor = sqrt(f->rows / f->count[c]);
        for (size_t j = 0; j < width; j++) model->weight[(size_t)c * width + j] *= factor;
        model->bias[c] *= factor;
    }
    lower_absent(f, model);
}
