#include "stats/fit/neighbours.h"

#include "base/memory.h"
#include "kernels/gemm_f64/gemm_f64.h"
#include "kernels/kernels.h"
#include "stats/fit/parallel.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

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

/* u = (x - mean) * scale at length 1; false, and 0, where x is the mean. */
static bool normalise(const struct head *head, const float *x, double *u) {
    size_t width = (size_t)head->features;
    double square = 0;
    for (size_t j = 0; j < width; j++) {
        u[j] = ((double)x[j] - (double)head->mean[j]) * (double)head->scale[j];
        square += u[j] * u[j];
    }
    double length = sqrt(square);
    for (size_t j = 0; j < width && length > 0; j++) u[j] /= length;
    return length > 0;
}

static void add_prototype(struct head *head, const double *unit, int leaf) {
    size_t width = (size_t)head->features;
    float *out = head->prototypes + (size_t)head->prototype_count * width;
    for (size_t j = 0; j < width; j++) out[j] = (float)unit[j];
    head->prototype_leaf[head->prototype_count++] = leaf;
}

static void add_rows(const struct training_rows *rows, struct head *head, double *unit) {
    for (size_t i = 0; i < rows->rows; i++)
        if (rows->weight[i] > 0 && normalise(head, rows->features + i * (size_t)rows->width, unit))
            add_prototype(head, unit, rows->leaf[i]);
}

/* sums [classes][width], zeroed. */
static void add_means(const struct training_rows *rows, struct head *head, double *unit, double *sums) {
    size_t width = (size_t)rows->width;
    for (size_t i = 0; i < rows->rows; i++) {
        if (!(rows->weight[i] > 0) || !normalise(head, rows->features + i * width, unit)) continue;
        double *sum = sums + (size_t)rows->leaf[i] * width;
        for (size_t j = 0; j < width; j++) sum[j] += unit[j];
    }
    for (int c = 0; c < rows->classes; c++) {
        double *sum = sums + (size_t)c * width, square = 0;
        for (size_t j = 0; j < width; j++) square += sum[j] * sum[j];
        if (!(square > 1e-20)) continue; /* no rows, or what rounding leaves of rows that cancel */
        for (size_t j = 0; j < width; j++) sum[j] /= sqrt(square);
        add_prototype(head, sum, c);
    }
}

static size_t count_rows(const struct training_rows *rows) {
    size_t count = 0;
    for (size_t i = 0; i < rows->rows; i++) count += rows->weight[i] > 0;
    return count;
}

/* Room for `most` prototypes, and the scale of the rows; `statistics` [2 * width] is zeroed. */
static pomona_status prepare(const struct training_rows *rows, size_t most, double *statistics,
                             struct head *head, struct pomona_error *error) {
    size_t width = (size_t)rows->width;
    head->features = rows->width;
    if (most > HEAD_PROTOTYPES_MAX)
        return fail(error, POMONA_E_LIMIT, NULL, "%zu photos, and a head of neighbours keeps at most %d",
                    most, HEAD_PROTOTYPES_MAX);
    head->mean = memory_new(width, sizeof *head->mean);
    head->scale = memory_new(width, sizeof *head->scale);
    head->prototypes = memory_new(size_multiply(most, width), sizeof *head->prototypes);
    head->prototype_leaf = memory_new(most, sizeof *head->prototype_leaf);
    if (!statistics || !head->mean || !head->scale || !head->prototypes || !head->prototype_leaf)
        return fail_memory(error, "head");
    find_scale(rows, (double)count_rows(rows), statistics, statistics + width);
    for (size_t j = 0; j < width; j++) {
        head->mean[j] = (float)statistics[j];
        head->scale[j] = (float)statistics[width + j];
    }
    return POMONA_OK;
}

static pomona_status build(const struct training_rows *rows, bool means, struct head *head,
                           struct pomona_error *error) {
    size_t width = (size_t)rows->width, classes = (size_t)rows->classes;
    double *statistics = memory_new(2 * width, sizeof *statistics), *sums = NULL;
    pomona_status status = prepare(rows, means ? classes : count_rows(rows), statistics, head, error);
    if (status == POMONA_OK && means && !(sums = memory_new(size_multiply(classes, width), sizeof *sums)))
        status = fail_memory(error, "head");
    if (status == POMONA_OK && means)
        add_means(rows, head, statistics, sums);
    else if (status == POMONA_OK)
        add_rows(rows, head, statistics);
    memory_free(statistics);
    memory_free(sums);
    if (status != POMONA_OK || head->prototype_count > 0) return status;
    return fail(error, POMONA_E_INPUT, NULL,
                "all photos have the same features: there is nothing to tell them apart by");
}

pomona_status neighbours_build(const struct training_rows *rows, struct head *head,
                               struct pomona_error *error) {
    return build(rows, false, head, error);
}

pomona_status neighbours_build_means(const struct training_rows *rows, struct head *head,
                                     struct pomona_error *error) {
    return build(rows, true, head, error);
}

enum {
    SEARCH_ROWS = 96,        /* of one task: whole tiles of every gemm_f64 */
    SEARCH_PROTOTYPES = 256, /* at a time */
    SEARCH_TASKS = 8         /* that have scratch; more rows wait for the next round */
};

/* A round of a search; tasks are blocks of rows. Prototypes are the kernel's x as they lie, the rows its w. */
struct search {
    const struct gemm_f64_impl *gemm;
    const struct head *head;
    const float *features; /* [count][features] */
    size_t count;
    double *turned;  /* [SEARCH_TASKS][features][SEARCH_ROWS] */
    double *product; /* [SEARCH_TASKS][SEARCH_PROTOTYPES][SEARCH_ROWS] */
    double *unit;    /* [SEARCH_TASKS][features] */
    double *similarity;
    int *leaf;
};

/* Puts a prototype among the nearest of one row; earlier ones stay in front of equal ones. */
static inline void keep(double value, int leaf, double *similarity, int *leaves) {
    int at = NEIGHBOURS_NEAREST - 1;
    if (leaves[at] >= 0 && !(value > similarity[at])) return;
    for (; at > 0 && (leaves[at - 1] < 0 || value > similarity[at - 1]); at--) {
        similarity[at] = similarity[at - 1];
        leaves[at] = leaves[at - 1];
    }
    similarity[at] = value;
    leaves[at] = leaf;
}

/* Turns `rows` rows into columns, at length 1, and fills up with zeros; returns how many columns there are then. */
static size_t turn_rows(const struct head *head, const float *features, size_t rows, double *unit,
                        double *turned) {
    size_t width = (size_t)head->features;
    size_t columns = (rows + GEMM_F64_COLUMNS - 1) / GEMM_F64_COLUMNS * GEMM_F64_COLUMNS;
    for (size_t i = 0; i < columns; i++) {
        if (i < rows)
            (void)normalise(head, features + i * width, unit);
        else
            memset(unit, 0, width * sizeof *unit);
        for (size_t j = 0; j < width; j++) turned[j * columns + i] = unit[j];
    }
    return columns;
}

static void search_rows(void *user, int index) {
    struct search *s = user;
    size_t task = (size_t)index, first = task * SEARCH_ROWS, width = (size_t)s->head->features;
    size_t rows = s->count - first < SEARCH_ROWS ? s->count - first : SEARCH_ROWS;
    double *turned = s->turned + task * width * SEARCH_ROWS, *unit = s->unit + task * width;
    double *product = s->product + task * SEARCH_PROTOTYPES * SEARCH_ROWS;
    double *similarity = s->similarity + first * NEIGHBOURS_NEAREST;
    int *leaf = s->leaf + first * NEIGHBOURS_NEAREST, prototypes = s->head->prototype_count;
    size_t columns = turn_rows(s->head, s->features + first * width, rows, unit, turned);
    for (size_t i = 0; i < rows * NEIGHBOURS_NEAREST; i++) leaf[i] = -1, similarity[i] = 0;
    for (int at = 0; at < prototypes; at += SEARCH_PROTOTYPES) {
        int count = prototypes - at < SEARCH_PROTOTYPES ? prototypes - at : SEARCH_PROTOTYPES;
        memset(product, 0, (size_t)count * columns * sizeof *product);
        s->gemm->run(&(struct gemm_f64_args){.m = count,
                                             .n = (int)columns,
                                             .k = s->head->features,
                                             .x = s->head->prototypes + (size_t)at * width,
                                             .x_row = width,
                                             .x_column = 1,
                                             .w = turned,
                                             .y = product});
        for (int p = 0; p < count; p++)
            for (size_t i = 0; i < rows; i++)
                keep(product[(size_t)p * columns + i], s->head->prototype_leaf[at + p],
                     similarity + i * NEIGHBOURS_NEAREST, leaf + i * NEIGHBOURS_NEAREST);
    }
}

pomona_status neighbours_nearest(const struct pomona_context *context, const struct head *head,
                                 const float *features, size_t count, int threads, double *similarity,
                                 int *leaf, struct pomona_error *error) {
    const size_t round = (size_t)SEARCH_TASKS * SEARCH_ROWS;
    size_t width = (size_t)head->features;
    struct search s = {.gemm = context_kernels(context)->gemm_f64,
                       .head = head,
                       .turned = memory_new(size_multiply(round, width), sizeof(double)),
                       .product = memory_new(round * SEARCH_PROTOTYPES, sizeof(double)),
                       .unit = memory_new(size_multiply(SEARCH_TASKS, width), sizeof(double))};
    bool enough = s.turned && s.product && s.unit;
    for (size_t at = 0; at < count && enough; at += round) {
        s.features = features + at * width;
        s.count = count - at < round ? count - at : round;
        s.similarity = similarity + at * NEIGHBOURS_NEAREST;
        s.leaf = leaf + at * NEIGHBOURS_NEAREST;
        parallel_run(threads, (int)((s.count + SEARCH_ROWS - 1) / SEARCH_ROWS), search_rows, &s);
    }
    memory_free(s.turned);
    memory_free(s.product);
    memory_free(s.unit);
    return enough ? POMONA_OK : fail_memory(error, "neighbours");
}

void neighbours_logits(const struct head *head, const double *similarity, const int *leaf, int k,
                       double *logits) {
    for (int c = 0; c < head->leaves; c++) logits[c] = 1e-12;
    for (int i = 0; i < k && leaf[i] >= 0; i++)
        logits[leaf[i]] += exp((double)head->sharpness * (similarity[i] - 1));
    for (int c = 0; c < head->leaves; c++) logits[c] = log(logits[c]);
}
