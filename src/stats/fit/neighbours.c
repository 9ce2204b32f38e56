#include "stats/fit/neighbours.h"

#include "base/memory.h"
#include "kernels/gemm_f64/gemm_f64.h"
#include "kernels/kernels.h"
#include "stats/fit/parallel.h"

#include <math.h>
#include <stdbool.h>

/* Mean and 1 / deviation of the rows that count, in double. */
static void find_scale(const struct training_rows *rows, double count, double *mean, double *square) {
    size_t width = (size_t)rows->width;
    for (size_t i = 0; i < rows->rows; i++)
        for (size_t j = 0; j < width && rows->weight[i] > 0; j++)
            mean[j] += (double)rows->features[i * width + j] / count;
    for (size_t i = 0; i < rows->rows; i++)
        for (size_t j = 0; j < width && rows->weight[i] > 0; j++) {
            double off = (double)rows->features[i * width + j] - mean[j];
            square[j] += off * off / count;
        }
    for (size_t j = 0; j < width; j++) {
        double tiny = 1e-12 * (1 + mean[j] * mean[j]);
        square[j] = square[j] > tiny ? 1 / sqrt(square[j]) : 0;
    }
}

/* u = (x - mean) * scale at length 1, in single precision; false where x is the mean. */
static bool normalise(const struct head *head, const float *x, float *out) {
    size_t width = (size_t)head->features;
    double square = 0;
    for (size_t j = 0; j < width; j++) {
        double u = ((double)x[j] - (double)head->mean[j]) * (double)head->scale[j];
        square += u * u;
    }
    for (size_t j = 0; j < width && square > 0; j++)
        out[j] = (float)(((double)x[j] - (double)head->mean[j]) * (double)head->scale[j] / sqrt(square));
    return square > 0;
}

static void add_prototype(const struct training_rows *rows, size_t row, struct head *head) {
    size_t width = (size_t)rows->width;
    float *out = head->prototypes + (size_t)head->prototype_count * width;
    if (!normalise(head, rows->features + row * width, out)) return;
    head->prototype_leaf[head->prototype_count++] = rows->leaf[row];
}

pomona_status neighbours_build(const struct training_rows *rows, struct head *head,
                               struct pomona_error *error) {
    size_t width = (size_t)rows->width, count = 0;
    head->features = rows->width;
    for (size_t i = 0; i < rows->rows; i++) count += rows->weight[i] > 0;
    if (count > HEAD_PROTOTYPES_MAX)
        return fail(error, POMONA_E_LIMIT, NULL, "%zu photos, and a head of neighbours keeps at most %d",
                    count, HEAD_PROTOTYPES_MAX);
    double *statistics = memory_new(2 * width, sizeof *statistics);
    head->mean = memory_new(width, sizeof *head->mean);
    head->scale = memory_new(width, sizeof *head->scale);
    head->prototypes = memory_new(size_multiply(count, width), sizeof *head->prototypes);
    head->prototype_leaf = memory_new(count, sizeof *head->prototype_leaf);
    if (!statistics || !head->mean || !head->scale || !head->prototypes || !head->prototype_leaf) {
        memory_free(statistics);
        return fail_memory(error, "head");
    }
    find_scale(rows, (double)count, statistics, statistics + width);
    for (size_t j = 0; j < width; j++) {
        head->mean[j] = (float)statistics[j];
        head->scale[j] = (float)statistics[width + j];
    }
    memory_free(statistics);
    for (size_t i = 0; i < rows->rows; i++)
        if (rows->weight[i] > 0) add_prototype(rows, i, head);
    if (head->prototype_count > 0) return POMONA_OK;
    return fail(error, POMONA_E_INPUT, NULL,
                "all photos have the same features: there is nothing to tell them apart by");
}

/* A search at work; tasks are blocks of rows. */
struct search {
    const struct gemm_f64_impl *gemm;
    const struct head *head;
    const float *features;
    size_t count;
    int columns;    /* prototypes filled up to whole vectors */
    double *turned; /* [features][columns] */
    float *unit;    /* [count][features] */
    double *all;    /* [tasks][SEARCH_ROWS][columns] */
    double *similarity;
    int *leaf;
};

enum { SEARCH_ROWS = 32 };

static void keep(double value, int leaf, double *similarity, int *leaves) {
    int at = NEIGHBOURS_NEAREST;
    for (; at > 0 && (leaves[at - 1] < 0 || value > similarity[at - 1]); at--) {
        if (at == NEIGHBOURS_NEAREST) continue;
        similarity[at] = similarity[at - 1];
        leaves[at] = leaves[at - 1];
    }
    if (at == NEIGHBOURS_NEAREST) return;
    similarity[at] = value;
    leaves[at] = leaf;
}

static void search_rows(void *user, int index) {
    struct search *s = user;
    size_t first = (size_t)index * SEARCH_ROWS, width = (size_t)s->head->features;
    size_t rows = s->count - first < SEARCH_ROWS ? s->count - first : SEARCH_ROWS,
           columns = (size_t)s->columns;
    double *all = s->all + first * columns;
    for (size_t i = first; i < first + rows; i++)
        (void)normalise(s->head, s->features + i * width, s->unit + i * width);
    s->gemm->run(&(struct gemm_f64_args){.m = (int)rows,
                                         .n = s->columns,
                                         .k = s->head->features,
                                         .x = s->unit + first * width,
                                         .x_row = width,
                                         .x_column = 1,
                                         .w = s->turned,
                                         .y = all});
    for (size_t i = 0; i < rows; i++) {
        double *similarity = s->similarity + (first + i) * NEIGHBOURS_NEAREST;
        int *leaf = s->leaf + (first + i) * NEIGHBOURS_NEAREST;
        for (int k = 0; k < NEIGHBOURS_NEAREST; k++) leaf[k] = -1;
        for (int p = 0; p < s->head->prototype_count; p++)
            keep(all[i * columns + (size_t)p], s->head->prototype_leaf[p], similarity, leaf);
    }
}

pomona_status neighbours_nearest(const struct pomona_context *context, const struct head *head,
                                 const float *features, size_t count, int threads, double *similarity,
                                 int *leaf, struct pomona_error *error) {
    size_t width = (size_t)head->features, prototypes = (size_t)head->prototype_count;
    size_t columns = (prototypes + GEMM_F64_COLUMNS - 1) / GEMM_F64_COLUMNS * GEMM_F64_COLUMNS;
    struct search s = {.gemm = context_kernels(context)->gemm_f64,
                       .head = head,
                       .features = features,
                       .count = count,
                       .columns = (int)columns,
                       .turned = memory_new(size_multiply(width, columns), sizeof(double)),
                       .unit = memory_new(size_multiply(count, width), sizeof(float)),
                       .all = memory_new(size_multiply(count, columns), sizeof(double)),
                       .similarity = similarity,
                       .leaf = leaf};
    bool enough = s.turned && s.unit && s.all;
    if (enough) {
        for (size_t p = 0; p < prototypes; p++)
            for (size_t j = 0; j < width; j++)
                s.turned[j * columns + p] = (double)head->prototypes[p * width + j];
        parallel_run(threads, (int)((count + SEARCH_ROWS - 1) / SEARCH_ROWS), search_rows, &s);
    }
    memory_free(s.turned);
    memory_free(s.unit);
    memory_free(s.all);
    return enough ? POMONA_OK : fail_memory(error, "neighbours");
}

void neighbours_logits(const struct head *head, const double *similarity, const int *leaf, int k,
                       double *logits) {
    for (int c = 0; c < head->leaves; c++) logits[c] = 1e-12;
    for (int i = 0; i < k && leaf[i] >= 0; i++)
        logits[leaf[i]] += exp((double)head->sharpness * (similarity[i] - 1));
    for (int c = 0; c < head->leaves; c++) logits[c] = log(logits[c]);
}
