#include "base/memory.h"
#include "base/text.h"
#include "classifier/classifier.h"
#include "job/quantiser.h"

#include <math.h>
#include <string.h>

/* Both networks, side by side, on one block's photos. */
struct check_block {
    struct observer before, after;
    double *features[2]; /* [features], sums over the views: fp32, int8 */
    float *row;          /* [features] */
    double *probabilities;
};

struct check_photo {
    bool read;
    double cosine;
    int label, best[2]; /* classes; -1: none */
};

struct checking {
    struct quantiser *t;
    const struct listing *photos;
    int drawn;
    struct observable after;
    struct check_block blocks[QUANTISE_BLOCKS];
    struct check_photo *outcome; /* [drawn] */
    double *signal, *noise;      /* [drawn][steps], of all views */
    float *factor;               /* [channels] of the tensors in the new plan to what they were */
};

/* The step's output in both networks: what is signal, and what is noise. */
static void compare_step(const struct checking *checking, int step, const float *before, const float *after,
                         size_t at) {
    const struct quantised_plan *q = &checking->t->q;
    int tensor = q->plan->steps[step].output;
    size_t channels = (size_t)q->tensors[tensor].channels, count = q->plan->tensors[tensor].elements;
    double signal = 0, noise = 0;
    const float *factor = checking->factor + q->tensors[tensor].first;
    for (size_t i = 0; i < count; i += channels) {
        float row_signal = 0, row_noise = 0;
        for (size_t c = 0; c < channels; c++) {
            float x = before[i + c], d = x - after[i + c] * factor[c];
            row_signal += x * x;
            row_noise += d * d;
        }
        signal += (double)row_signal;
        noise += (double)row_noise;
    }
    checking->signal[at] += signal;
    checking->noise[at] += noise;
}

static void run_view(struct checking *checking, struct check_block *block, const uint8_t *pixels, int index) {
    struct quantiser *t = checking->t;
    const struct quantised_plan *q = &t->q;
    size_t count = t->picture / 3, steps = (size_t)q->plan->step_count;
    quantisation_fill(q->reference_pixels, pixels, count, observer_pixels(&block->before));
    quantisation_fill(q->pixels, pixels, count, observer_pixels(&block->after));
    for (int i = 0; i < q->plan->step_count; i++) {
        int output = q->plan->steps[i].output;
        const float *before = observer_next(&block->before, i, NULL);
        float *after = observer_next(&block->after, i, NULL);
        quantisation_round(q, output, after);
        compare_step(checking, i, before, after, (size_t)index * steps + (size_t)i);
        if (output != q->plan->output) continue;
        for (int f = 0; f < t->info.features; f++) {
            block->features[0][f] += (double)before[f];
            block->features[1][f] += (double)after[f];
        }
    }
}

static double cosine_of(const double *a, const double *b, int count) {
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < count; i++) ab += a[i] * b[i], aa += a[i] * a[i], bb += b[i] * b[i];
    return aa == 0 && bb == 0 ? 1 : ab / sqrt(aa * bb);
}

static int answer(struct checking *checking, struct check_block *block, const double *sums) {
    const struct quantiser *t = checking->t;
    struct pomona_error error;
    int best = -1;
    for (int f = 0; f < t->info.features; f++) block->row[f] = (float)(sums[f] / t->info.views);
    if (pomona_classifier_run(t->classifier, 1, block->row, block->probabilities, NULL, &error) == POMONA_OK)
        pomona_classifier_top(block->probabilities, t->classifier->info.classes, 1, &best);
    return best;
}

static void check_photo(void *user, int number, int index) {
    struct checking *checking = user;
    struct quantiser *t = checking->t;
    struct check_block *block = &checking->blocks[number];
    struct pixel_reader *reader = &t->readers[number];
    struct check_photo *outcome = &checking->outcome[index];
    const struct listed_photo *photo = quantiser_draw(checking->photos, checking->drawn, index);
    size_t features = (size_t)t->info.features;
    if (!pixel_reader_forgives(reader->status)) return;
    pixel_reader_run(reader, photo);
    if (reader->status != POMONA_OK) return;
    for (int i = 0; i < 2; i++) memset(block->features[i], 0, features * sizeof(double));
    for (int view = 0; view < t->info.views; view++)
        run_view(checking, block, reader->pixels + (size_t)view * t->picture, index);
    outcome->read = true;
    outcome->cosine = cosine_of(block->features[0], block->features[1], t->info.features);
    outcome->label = outcome->best[0] = outcome->best[1] = -1;
    if (!t->classifier) return;
    if (photo->label) outcome->label = pomona_classifier_find(t->classifier, photo->label);
    for (int i = 0; i < 2; i++) outcome->best[i] = answer(checking, block, block->features[i]);
}

static pomona_status make_blocks(struct checking *checking) {
    struct quantiser *t = checking->t;
    size_t features = (size_t)t->info.features, drawn = (size_t)checking->drawn;
    size_t steps = (size_t)t->q.plan->step_count;
    size_t classes = t->classifier ? (size_t)t->classifier->info.classes : 0;
    checking->outcome = memory_new(drawn, sizeof *checking->outcome);
    checking->signal = memory_new(size_multiply(drawn, steps), sizeof(double));
    checking->noise = memory_new(size_multiply(drawn, steps), sizeof(double));
    if (!checking->outcome || !checking->signal || !checking->noise) return fail_memory(t->error, "drift");
    checking->factor = memory_new(t->q.channels, sizeof(float));
    if (!checking->factor) return fail_memory(t->error, "drift");
    for (size_t i = 0; i < t->q.channels; i++) checking->factor[i] = (float)(1 / t->q.facts.factor[i]);
    TRY(quantisation_simulate(&t->q, &checking->after));
    for (int b = 0; b < QUANTISE_BLOCKS && b < checking->drawn; b++) {
        struct check_block *block = &checking->blocks[b];
        TRY(observer_make(&t->reference, &block->before, t->error));
        TRY(observer_make(&checking->after, &block->after, t->error));
        for (int i = 0; i < 2; i++) block->features[i] = memory_new(features, sizeof(double));
        block->row = memory_new(features, sizeof(float));
        block->probabilities = memory_new(classes, sizeof(double));
        if (!block->features[0] || !block->features[1] || !block->row || !block->probabilities)
            return fail_memory(t->error, "drift");
    }
    return POMONA_OK;
}

static pomona_status sum_layers(struct checking *checking) {
    struct quantiser *t = checking->t;
    const struct plan *plan = t->q.plan;
    struct pomona_quantise_result *result = t->result;
    size_t steps = (size_t)plan->step_count;
    result->layers = memory_new(steps, sizeof *result->layers);
    if (!result->layers) return fail_memory(t->error, "layers");
    result->layer_count = plan->step_count;
    for (size_t i = 0; i < steps; i++) {
        struct pomona_quantise_layer *layer = &result->layers[i];
        double signal = 0, noise = 0;
        for (size_t photo = 0; photo < (size_t)checking->drawn; photo++) {
            signal += checking->signal[photo * steps + i];
            noise += checking->noise[photo * steps + i];
        }
        layer->snr = noise > 0 && signal > 0 ? 10 * log10(signal / noise) : 200;
        step_describe(plan, &plan->steps[i], layer->text, sizeof layer->text);
        if (plan->steps[i].name) (void)text_printable(plan->steps[i].name, layer->name, sizeof layer->name);
    }
    return POMONA_OK;
}

static pomona_status sum_photos(struct checking *checking) {
    struct quantiser *t = checking->t;
    struct pomona_quantise_result *result = t->result;
    result->cosine_min = 1;
    for (int b = 0; b < QUANTISE_BLOCKS; b++)
        if (!pixel_reader_forgives(t->readers[b].status)) {
            if (t->error) *t->error = t->readers[b].cause;
            return t->readers[b].status;
        }
    for (int i = 0; i < checking->drawn; i++) {
        const struct check_photo *outcome = &checking->outcome[i];
        if (!outcome->read) {
            result->check_errors++;
            continue;
        }
        result->checked++;
        result->cosine_mean += outcome->cosine;
        if (outcome->cosine < result->cosine_min || result->checked == 1) {
            const char *uri = quantiser_draw(checking->photos, checking->drawn, i)->uri;
            result->cosine_min = outcome->cosine;
            (void)text_printable(uri, result->cosine_min_photo, sizeof result->cosine_min_photo);
        }
        if (!t->classifier) continue;
        result->changed += outcome->best[0] != outcome->best[1];
        if (outcome->label < 0) continue;
        result->labelled++;
        result->right_before += outcome->best[0] == outcome->label;
        result->right_after += outcome->best[1] == outcome->label;
    }
    if (result->checked == 0)
        return fail(t->error, POMONA_E_INPUT, t->options->check, "none of %d photos could be read",
                    checking->drawn);
    result->cosine_mean /= result->checked;
    return POMONA_OK;
}

pomona_status quantiser_check(struct quantiser *t) {
    struct checking checking = {.t = t, .photos = t->options->check ? &t->check : &t->photos};
    checking.drawn = t->wanted;
    if ((size_t)checking.drawn > checking.photos->count) checking.drawn = (int)checking.photos->count;
    pomona_status status = make_blocks(&checking);
    if (status == POMONA_OK) status = quantiser_each(t, "measuring", checking.drawn, check_photo, &checking);
    if (status == POMONA_OK) status = sum_photos(&checking);
    if (status == POMONA_OK) status = sum_layers(&checking);
    for (int b = 0; b < QUANTISE_BLOCKS; b++) {
        struct check_block *block = &checking.blocks[b];
        observer_free(&block->before);
        observer_free(&block->after);
        for (int i = 0; i < 2; i++) memory_free(block->features[i]);
        memory_free(block->row);
        memory_free(block->probabilities);
    }
    observable_free(&checking.after);
    memory_free(checking.outcome);
    memory_free(checking.signal);
    memory_free(checking.noise);
    memory_free(checking.factor);
    return status;
}
