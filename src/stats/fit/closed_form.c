#include "stats/fit/closed_form.h"

#include "base/memory.h"
#include "stats/fit/cholesky.h"
#include "stats/fit/moments.h"

#include <math.h>
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

static int find_name(const char *const *names, int classes, const char *name) {
    for (int i = 0; i < classes; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

/* Counts and standardised means of the classes. The numerator n sum_c - n_c sum is exact. */
static pomona_status take_classes(struct closed_form *f, const struct pomona_moments *m,
                                  const char *const *names, struct pomona_error *error) {
    const double step = ldexp(1, -MOMENTS_FRACTION_BITS);
    size_t width = (size_t)f->width;
    for (int i = 0; i < m->label_count; i++) {
        const struct moment_label *label = m->labels[i];
        int class = label->name ? find_name(names, f->classes, label->name) : -1;
        if (class < 0)
            return fail(
                error, POMONA_E_INPUT, NULL,
                label->name
                    ? "the moments hold %llu rows of '%.100s', which is not to be learnt: products of "
                      "features are not kept per class, so they can't be left out"
                    : "the moments hold %llu rows without a label%s: products of features are not kept "
                      "per class, so they can't be left out",
                (unsigned long long)label->rows, label->name ? label->name : "");
        f->count[class] = (double)label->rows;
        f->present++;
        for (size_t j = 0; j < width; j++) {
            int128 numerator = (int128)m->rows * label->sums[j] - (int128)label->rows * m->sums[j];
            f->centre[(size_t) class * width + j] =
                (double)numerator / ((double)m->rows * (double)label->rows) * step * f->scale[j];
        }
    }
    if (f->present >= 2) return POMONA_OK;
    return fail(error, POMONA_E_INPUT, NULL, "a classifier needs photos of at least two classes, here %s",
                f->present ? "is one" : "is none");
}

static void take_products(struct closed_form *f, const struct pomona_moments *m) {
    const double step = ldexp(1, -2 * MOMENTS_FRACTION_BITS);
    size_t width = (size_t)f->width;
    for (size_t i = 0; i < width; i++)
        for (size_t j = 0; j <= i; j++)
            f->total[i * width + j] =
                (double)moments_comoment(m, (int)i, (int)j) / f->rows * step * f->scale[i] * f->scale[j];
    memcpy(f->within, f->total, width * width * sizeof *f->within);
    for (int c = 0; c < f->classes; c++) {
        const double *centre = f->centre + (size_t)c * width;
        for (size_t i = 0; i < width && f->count[c] > 0; i++) {
            double factor = f->count[c] * centre[i], *row = f->within + i * width;
            for (size_t j = 0; j <= i; j++) row[j] -= factor * centre[j];
        }
    }
    for (size_t i = 0; i < width; i++)
        for (size_t j = i + 1; j < width; j++) {
            f->total[i * width + j] = f->total[j * width + i];
            f->within[i * width + j] = f->within[j * width + i];
        }
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
    pomona_status status = allocate(f, error);
    if (status == POMONA_OK) {
        pomona_moments_statistics(moments, f->mean, f->scale);
        for (int j = 0; j < f->width; j++) f->scale[j] = f->scale[j] > 0 ? 1 / f->scale[j] : 0;
        status = take_classes(f, moments, names, error);
    }
    if (status == POMONA_OK) {
        take_products(f, moments);
        *form = f;
    } else {
        closed_form_free(&f);
    }
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

/* From standardised features to the features' own units; and classes without rows last. */
static void finish(const struct closed_form *f, struct linear_model *model) {
    size_t width = (size_t)f->width;
    double lowest = INFINITY;
    for (int c = 0; c < f->classes; c++) {
        double *weight = model->weight + (size_t)c * width;
        for (size_t j = 0; j < width; j++) {
            weight[j] = f->count[c] > 0 ? weight[j] * f->scale[j] : 0;
            model->bias[c] -= weight[j] * f->mean[j];
        }
        if (f->count[c] > 0 && model->bias[c] < lowest) lowest = model->bias[c];
    }
    for (int c = 0; c < f->classes; c++)
        if (!(f->count[c] > 0)) model->bias[c] = lowest - 30;
}

pomona_status lda_fit(const struct closed_form *f, double shrinkage, struct linear_model *model,
                      struct pomona_error *error) {
    size_t width = (size_t)f->width;
    double freedom = f->rows - f->present > 1 ? f->rows - f->present : 1, diagonal = 0;
    int varying = 0;
    TRY(linear_model_new(f->classes, f->width, model, error));
    for (size_t i = 0; i < width; i++) {
        diagonal += f->within[i * width + i] / freedom;
        varying += f->scale[i] > 0;
    }
    /* One photo a class leaves no variance within classes: then every direction counts the same. */
    double mean_diagonal = varying && diagonal > 0 ? diagonal / varying : 1;
    memcpy(model->weight, f->centre, (size_t)f->classes * width * sizeof *model->weight);
    pomona_status status =
        solve(f, f->within, (1 - shrinkage) / freedom, shrinkage * mean_diagonal, model, error);
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
