#include "base/memory.h"
#include "quantise/quantise.h"

#include <math.h>
#include <string.h>

/* Positions of a picture that the histogram looks at: of larger tensors every k-th. */
enum { POSITIONS_MAX = 784 };

static pomona_status sums_make(struct channel_statistics *s, size_t n, struct pomona_error *error) {
    s->low = memory_new(n, sizeof *s->low);
    s->high = memory_new(n, sizeof *s->high);
    s->mean = memory_new(n, sizeof *s->mean);
    s->square = memory_new(n, sizeof *s->square);
    s->active = memory_new(n, sizeof *s->active);
    s->histogram = memory_new(n, CALIBRATION_BINS * sizeof *s->histogram);
    s->counted = memory_new(n, sizeof *s->counted);
    if (!s->low || !s->high || !s->mean || !s->square || !s->active || !s->histogram || !s->counted)
        return fail_memory(error, "statistics");
    for (size_t i = 0; i < n; i++) s->low[i] = INFINITY, s->high[i] = -INFINITY;
    return POMONA_OK;
}

pomona_status calibration_make(const struct quantised_plan *q, const struct observable *observable,
                               struct calibration *calibration, struct pomona_error *error) {
    *calibration = (struct calibration){.q = q};
    pomona_status status = sums_make(&calibration->sums, q->channels, error);
    if (status == POMONA_OK) status = observer_make(observable, &calibration->observer, error);
    if (status != POMONA_OK) calibration_free(calibration);
    return status;
}

void calibration_free(struct calibration *calibration) {
    struct channel_statistics *s = &calibration->sums;
    memory_free(s->low);
    memory_free(s->high);
    memory_free(s->mean);
    memory_free(s->square);
    memory_free(s->active);
    memory_free(s->histogram);
    memory_free(s->counted);
    observer_free(&calibration->observer);
    memset(calibration, 0, sizeof *calibration);
}

/* Rows of a tensor of one picture. */
static size_t rows_of(const struct quantised_plan *q, int tensor) {
    return q->plan->tensors[tensor].elements / (size_t)q->tensors[tensor].channels;
}

static void add_means(struct calibration *calibration, int tensor, const float *y) {
    const struct tensor_code *code = &calibration->q->tensors[tensor];
    size_t rows = rows_of(calibration->q, tensor), channels = (size_t)code->channels;
    double *mean = calibration->sums.mean + code->first;
    for (size_t c = 0; c < channels; c++) {
        double sum = 0;
        for (size_t r = 0; r < rows; r++) sum += (double)y[r * channels + c];
        mean[c] += sum / (double)rows;
    }
}

static void add_ranges(struct calibration *calibration, int tensor, const float *y, float low, float high) {
    const struct tensor_code *code = &calibration->q->tensors[tensor];
    size_t rows = rows_of(calibration->q, tensor), channels = (size_t)code->channels;
    struct channel_statistics *s = &calibration->sums;
    for (size_t c = 0; c < channels; c++) {
        float least = INFINITY, most = -INFINITY, square = 0;
        size_t active = 0;
        for (size_t r = 0; r < rows; r++) {
            float value = y[r * channels + c];
            least = value < least ? value : least;
            most = value > most ? value : most;
            square += value * value;
            active += value > low && value < high;
        }
        size_t at = code->first + c;
        if (least < s->low[at]) s->low[at] = least;
        if (most > s->high[at]) s->high[at] = most;
        s->square[at] += (double)square / (double)rows;
        s->active[at] += (double)active / (double)rows;
    }
}

static void add_histogram(struct calibration *calibration, int tensor, const float *y) {
    const struct quantised_plan *q = calibration->q;
    const struct tensor_code *code = &q->tensors[tensor];
    const struct channel_statistics *known = &q->statistics;
    struct channel_statistics *s = &calibration->sums;
    size_t rows = rows_of(q, tensor), channels = (size_t)code->channels;
    size_t stride = (rows + POSITIONS_MAX - 1) / POSITIONS_MAX;
    if (stride > 1 && stride % 2 == 0) stride++; /* not always the same columns of an image */
    for (size_t c = 0; c < channels; c++) {
        size_t at = code->first + c;
        float low = known->low[at], width = known->high[at] - low;
        float bins = width > 0 ? CALIBRATION_BINS / width : 0;
        uint32_t *histogram = s->histogram + at * CALIBRATION_BINS;
        for (size_t r = 0; r < rows; r += stride) {
            float value = y[r * channels + c];
            s->counted[at]++;
            if (value == 0) continue;
            float bin = (value - low) * bins; /* may be anything where weights are: refused later */
            histogram[bin >= CALIBRATION_BINS ? CALIBRATION_BINS - 1 : bin > 0 ? (int)bin : 0]++;
        }
    }
}

static void before_clamp(void *user, int index, float *y) {
    struct calibration *calibration = user;
    int tensor = calibration->q->plan->steps[index].output;
    if (!calibration->counting && calibration->mean) add_means(calibration, tensor, y);
}

static void after_clamp(void *user, int index, float *y) {
    struct calibration *calibration = user;
    const struct step *step = &calibration->q->plan->steps[index];
    if (calibration->counting)
        add_histogram(calibration, step->output, y);
    else
        add_ranges(calibration, step->output, y, step->low, step->high);
}

void calibration_add(struct calibration *calibration, const uint8_t *pixels, bool mean) {
    const struct quantised_plan *q = calibration->q;
    const struct observe_calls calls = {before_clamp, after_clamp, calibration};
    size_t count = q->plan->tensors[q->plan->input].elements / 3;
    quantisation_fill(q->pixels, pixels, count, observer_pixels(&calibration->observer));
    calibration->mean = mean;
    calibration->means += mean;
    calibration->photos++;
    observer_run(&calibration->observer, &calls);
}

void calibration_join_ranges(struct quantised_plan *q, const struct calibration *blocks, int count) {
    struct channel_statistics *s = &q->statistics;
    uint64_t photos = 0, means = 0;
    for (int b = 0; b < count; b++) photos += blocks[b].photos, means += blocks[b].means;
    for (size_t i = 0; i < q->channels; i++) {
        s->low[i] = INFINITY, s->high[i] = -INFINITY;
        for (int b = 0; b < count; b++) {
            const struct channel_statistics *sums = &blocks[b].sums;
            s->low[i] = fminf(s->low[i], sums->low[i]);
            s->high[i] = fmaxf(s->high[i], sums->high[i]);
            s->mean[i] += sums->mean[i];
            s->square[i] += sums->square[i];
            s->active[i] += sums->active[i];
        }
        s->mean[i] /= (double)means;
        s->square[i] /= (double)photos;
        s->active[i] /= (double)photos;
        if (!(s->low[i] <= s->high[i])) s->low[i] = s->high[i] = 0; /* the pixels, or not a number */
    }
}

void calibration_join_histograms(struct quantised_plan *q, const struct calibration *blocks, int count) {
    struct channel_statistics *s = &q->statistics;
    for (int b = 0; b < count; b++) {
        const struct channel_statistics *sums = &blocks[b].sums;
        for (size_t i = 0; i < q->channels * CALIBRATION_BINS; i++) s->histogram[i] += sums->histogram[i];
        for (size_t i = 0; i < q->channels; i++) s->counted[i] += sums->counted[i];
    }
}
