/* The scatter within labels, from exact integers.
 *
 * By definition sum(x_i x_j) - sum over labels of s_i s_j / n (s a label's sums, n its rows): two large numbers of which little
 * is left where labels lie apart. So s = n q + r, q the mean rounded to a whole multiple of 2^-20, 0 <= r < n, and
 *   s_i s_j / n = q_i s_j + r_i q_j + r_i r_j / n.
 * All but the last term are integers, summed without rounding: |q| <= 2^31 and |s| < 2^63, their sums stay below 2^94 as the
 * products do, and r_i q_j fits 64 bits. The last term is below n: a sum of at most as many units as there are rows, which
 * double rounds by less than 2^-40 of a unit for each label. Labels whose rows agree in a feature have r = 0: what does
 * not vary within labels is found to be exactly 0. */
#include "base/error.h"
#include "base/memory.h"
#include "stats/fit/moments.h"

#include <math.h>

struct within {
    const struct pomona_moments *moments;
    int32_t *mean; /* [labels][features]: q */
    int128 *whole; /* [features]: a row of the integers */
    double *part;  /* [features]: a row of the rest */
};

/* Rounded down, so that r >= 0. */
static int64_t divide_down(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static void find_means(struct within *w) {
    size_t features = (size_t)w->moments->features;
    for (int c = 0; c < w->moments->label_count; c++) {
        const struct moment_label *label = w->moments->labels[c];
        for (size_t j = 0; j < features; j++)
            w->mean[(size_t)c * features + j] = (int32_t)divide_down(label->sums[j], (int64_t)label->rows);
    }
}

/* Adds one label's s_i s_j / n to row i of the sums. */
static void add_label(struct within *w, const struct moment_label *label, const int32_t *mean, int i) {
    int64_t rows = (int64_t)label->rows, q = mean[i], r = label->sums[i] - rows * q;
    double share = (double)r / (double)rows;
    for (int j = 0; j <= i; j++) {
        w->whole[j] += (int128)q * label->sums[j] + r * mean[j];
        w->part[j] += share * (double)(label->sums[j] - rows * mean[j]);
    }
}

static void fill_row(struct within *w, int i, double *matrix) {
    const double step = ldexp(1, -2 * MOMENTS_FRACTION_BITS);
    const struct pomona_moments *m = w->moments;
    size_t features = (size_t)m->features, row = (size_t)i;
    for (int j = 0; j <= i; j++) w->whole[j] = 0, w->part[j] = 0;
    for (int c = 0; c < m->label_count; c++) add_label(w, m->labels[c], w->mean + (size_t)c * features, i);
    for (size_t j = 0; j <= row; j++) {
        int128 whole = moments_product(m, i, (int)j) - w->whole[j];
        matrix[row * features + j] = matrix[j * features + row] = ((double)whole - w->part[j]) * step;
    }
    if (matrix[row * features + row] < 0) matrix[row * features + row] = 0; /* rounding of the rest */
}

pomona_status moments_within(struct pomona_moments *m, double *matrix, struct pomona_error *error) {
    size_t features = (size_t)m->features;
    struct within w = {m, memory_new(size_multiply((size_t)m->label_count, features), sizeof(int32_t)),
                       memory_new(features, sizeof(int128)), memory_new(features, sizeof(double))};
    bool enough = w.mean && w.whole && w.part;
    if (enough) {
        moments_flush(m);
        find_means(&w);
        for (int i = 0; i < m->features; i++) fill_row(&w, i, matrix);
    }
    memory_free(w.mean);
    memory_free(w.whole);
    memory_free(w.part);
    return enough ? POMONA_OK : fail_memory(error, "covariance");
}
