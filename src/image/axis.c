#include "image/axis.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

static const double support = 2.0; /* of the cubic at its own size */

static double cubic(double x) {
    const double a = -0.5;
    if (x < 0.0) x = -x;
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

static int32_t to_fixed(double weight) {
    double scaled = weight * (1 << RESIZE_U8_BITS);
    return (int32_t)(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

/* Inputs and weights of output i. A start may be fractional below zero: the conversion cuts towards zero, then clamps. */
static void build_output(struct axis *axis, int i, int in, bool flip) {
    const double scale = (double)in / axis->kernel.out, stretch = scale < 1.0 ? 1.0 : scale;
    const double reach = support * stretch, center = (i + 0.5) * scale, inverse = 1.0 / stretch;
    int first = (int)(center - reach + 0.5), last = (int)(center + reach + 0.5);
    if (first < 0) first = 0;
    if (last > in) last = in;
    const int count = last - first;
    double sum = 0.0;
    for (int t = 0; t < count; t++) {
        axis->exact[t] = cubic((t + first - center + 0.5) * inverse);
        sum += axis->exact[t];
    }
    int32_t *weights = axis->weights + (size_t)i * (size_t)axis->kernel.taps;
    memset(weights, 0, (size_t)axis->kernel.taps * sizeof *weights);
    for (int t = 0; t < count; t++) {
        double weight = sum != 0.0 ? axis->exact[t] / sum : axis->exact[t];
        weights[flip ? count - 1 - t : t] = to_fixed(weight);
    }
    axis->start[i] = flip ? in - last : first;
    axis->count[i] = count;
    if (count > axis->span) axis->span = count;
}

pomona_status axis_build(struct axis *axis, int in, int out, bool flip, const struct resize_u8_impl *impl,
                         struct pomona_error *error) {
    if (axis->in == in && axis->kernel.out == out && axis->flip == flip) return POMONA_OK;
    axis_free(axis);
    const double stretch = in > out ? (double)in / out : 1.0;
    const int taps = (int)ceil(support * stretch) * 2 + 1;
    axis->kernel.out = out;
    axis->kernel.taps = (taps + RESIZE_U8_GROUP - 1) / RESIZE_U8_GROUP * RESIZE_U8_GROUP;
    size_t weights = size_multiply((size_t)out, (size_t)axis->kernel.taps);
    axis->start = memory_new((size_t)out, sizeof *axis->start);
    axis->count = memory_new((size_t)out, sizeof *axis->count);
    axis->weights = memory_new_aligned(weights, sizeof *axis->weights);
    axis->exact = memory_new((size_t)taps, sizeof *axis->exact);
    if (!axis->start || !axis->count || !axis->weights || !axis->exact) {
        axis_free(axis);
        return fail_memory(error, "resize weights");
    }
    for (int i = 0; i < out; i++) build_output(axis, i, in, flip);
    impl->pack(weights, axis->weights);
    axis->kernel.start = axis->start;
    axis->kernel.count = axis->count;
    axis->kernel.weights = axis->weights;
    axis->in = in;
    axis->flip = flip;
    return POMONA_OK;
}

void axis_free(struct axis *axis) {
    memory_free(axis->start);
    memory_free(axis->count);
    memory_free(axis->weights);
    memory_free(axis->exact);
    *axis = (struct axis){0};
}
