#include "pomona/quantise.h"

#include "base/clock.h"
#include "base/file_sink.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "classifier/classifier.h"
#include "job/quantiser.h"
#include "onnx/splice.h"
#include "pomona/cpu.h"
#include "store/folder.h"

#include <stdio.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 30, TEXT_MAX = 512 };

static pomona_status check_options(struct quantiser *t) {
    const struct pomona_quantise_options *options = t->options;
    if (!options->calibrate || !options->out)
        return fail(t->error, POMONA_E_USAGE, NULL, "photos and a file to write are needed");
    t->wanted = options->photos ? options->photos : POMONA_QUANTISE_PHOTOS_DEFAULT;
    t->threads = options->threads ? options->threads : pomona_cpu_threads();
    if (t->wanted < 1 || t->wanted > POMONA_QUANTISE_PHOTOS_MAX)
        return fail(t->error, POMONA_E_USAGE, "photos", "%d is not in 1..%d", t->wanted,
                    POMONA_QUANTISE_PHOTOS_MAX);
    if (t->threads < 1 || t->threads > 1024)
        return fail(t->error, POMONA_E_USAGE, "threads", "%d is not in 1..1024", t->threads);
    if (!options->overwrite && path_exists(options->out))
        return fail(t->error, POMONA_E_EXISTS, options->out, "exists already: --overwrite replaces it");
    return POMONA_OK;
}

/* ---- the source ---- */

static pomona_status read_source(struct quantiser *t) {
    if (t->options->model) return file_read(t->options->model, &t->file, t->error);
    const void *data;
    size_t size;
    embedded_model("fp32", &data, &size);
    return buffer_append(&t->file, data, size, t->error);
}

static pomona_status open_source(struct quantiser *t) {
    const struct pomona_quantise_options *options = t->options;
    const char *name = options->model ? options->model : "embedded";
    const struct pomona_model_options open = {.layer = options->layer, .profile = options->profile};
    TRY(read_source(t));
    TRY(unpacked_model_open(t->context, name, t->file.data, t->file.size, &open, &t->source, t->error));
    pomona_model_get_info(t->source.model, &t->info);
    t->result->features = t->info.features;
    t->result->bytes_before = t->file.size;
    t->result->has_head = t->info.has_head;
    memcpy(t->result->source_hash, t->info.hash, sizeof t->info.hash);
    if (t->info.has_head) {
        if (options->layer || options->profile)
            return fail(t->error, POMONA_E_USAGE, name,
                        "a classifier's file says its layer and profile itself");
        TRY(pomona_classifier_open_memory(t->context, name, t->file.data, t->file.size, NULL, &t->classifier,
                                          t->error));
    }
    TRY(observable_make(&t->source.model->plan, t->source.model->kernels, &t->reference, t->error));
    t->q = (struct quantised_plan){.file = name,
                                   .plan = &t->source.model->plan,
                                   .kernels = t->source.model->kernels,
                                   .profile = t->info.profile,
                                   .graph = &t->source.graph,
                                   .channels_first = t->source.channels_first,
                                   .error = t->error};
    TRY(quantisation_start(&t->q));
    t->result->pixels_exact = t->q.identity;
    return POMONA_OK;
}

/* ---- calibration ---- */

struct calibrating {
    struct quantiser *t;
    struct calibration blocks[QUANTISE_BLOCKS];
};

static void calibrate_photo(void *user, int block, int index) {
    struct calibrating *calibrating = user;
    const struct quantiser *t = calibrating->t;
    calibration_add(&calibrating->blocks[block], t->pixels + (size_t)index * t->picture,
                    index % t->correct_each == 0);
}

static pomona_status calibrate(struct quantiser *t) {
    struct calibrating calibrating = {.t = t};
    struct observable plan;
    int blocks = t->count < QUANTISE_BLOCKS ? t->count : QUANTISE_BLOCKS;
    TRY(observable_make(t->q.plan, t->q.kernels, &plan, t->error));
    pomona_status status = POMONA_OK;
    for (int b = 0; b < blocks && status == POMONA_OK; b++)
        status = calibration_make(&t->q, &plan, &calibrating.blocks[b], t->error);
    if (status == POMONA_OK) status = quantiser_each(t, "ranges", t->count, calibrate_photo, &calibrating);
    if (status == POMONA_OK) {
        calibration_join_ranges(&t->q, calibrating.blocks, blocks);
        for (int b = 0; b < blocks; b++) calibrating.blocks[b].counting = true;
        status = quantiser_each(t, "histograms", t->count, calibrate_photo, &calibrating);
    }
    if (status == POMONA_OK) calibration_join_histograms(&t->q, calibrating.blocks, blocks);
    for (int b = 0; b < blocks; b++) calibration_free(&calibrating.blocks[b]);
    observable_free(&plan);
    return status;
}

/* ---- bias correction ---- */

struct correcting {
    struct quantiser *t;
    struct correction correction;
    struct observer blocks[QUANTISE_BLOCKS];
};

static void take_pixels(void *user, int block, int index) {
    (void)block;
    struct correcting *correcting = user;
    const struct quantiser *t = correcting->t;
    correction_pixels(&correcting->correction, index,
                      t->pixels + (size_t)index * (size_t)t->correct_each * t->picture);
}

static void measure_photo(void *user, int block, int index) {
    struct correcting *correcting = user;
    correction_measure(&correcting->correction, &correcting->blocks[block], index);
}

static void round_photo(void *user, int block, int index) {
    struct correcting *correcting = user;
    correction_round(&correcting->correction, &correcting->blocks[block], index);
}

static pomona_status correct_steps(struct correcting *correcting) {
    struct quantiser *t = correcting->t;
    int photos = t->correct_count;
    TRY(quantiser_each(t, "biases", photos, take_pixels, correcting));
    for (int i = 0; i < t->q.plan->step_count; i++) {
        if (correction_begin(&correcting->correction, i)) {
            TRY(quantiser_each(t, "biases", photos, measure_photo, correcting));
            correction_settle(&correcting->correction);
        }
        TRY(quantiser_each(t, "biases", photos, round_photo, correcting));
    }
    return POMONA_OK;
}

static pomona_status correct(struct quantiser *t) {
    struct correcting correcting = {.t = t};
    TRY(correction_make(&t->q, t->correct_count, &correcting.correction));
    pomona_status status = POMONA_OK;
    for (int b = 0; b < QUANTISE_BLOCKS && b < t->correct_count && status == POMONA_OK; b++)
        status = observer_make(&correcting.correction.plan, &correcting.blocks[b], t->error);
    if (status == POMONA_OK) status = correct_steps(&correcting);
    for (int b = 0; b < QUANTISE_BLOCKS; b++) observer_free(&correcting.blocks[b]);
    correction_free(&correcting.correction);
    return status;
}

static pomona_status choose(struct quantiser *t) {
    const struct pomona_quantise_options *options = t->options;
    quantisation_find_gains(&t->q);
    if (!options->no_equalise) TRY(quantisation_equalise(&t->q));
    TRY(quantisation_choose_tensors(&t->q, !options->no_clip));
    quantisation_choose_weights(&t->q, !options->no_clip);
    if (!options->no_correct) TRY(correct(t));
    return POMONA_OK;
}

/* ---- the file ---- */

/* The layer's own name where it is an output of the source. */
static const char *output_name(const struct quantiser *t) {
    const struct onnx_graph *graph = &t->source.graph;
    for (int i = 0; i < graph->output_count; i++)
        if (strcmp(graph->values[graph->outputs[i]].name, t->info.layer) == 0) return t->info.layer;
    return "features";
}

static pomona_status format_backbone(struct quantiser *t, const char *output) {
    const struct pomona_quantise_result *result = t->result;
    char text[TEXT_MAX];
    snprintf(text, sizeof text,
             "method=ptq-1 photos=%d source=%s checked=%d cosine_mean=%.6f cosine_min=%.6f", result->photos,
             result->source_hash, result->checked, result->cosine_mean, result->cosine_min);
    const struct onnx_property property = {"pomona.quantised", text};
    return quantisation_write(&t->q, output, &property, 1, &t->backbone);
}

/* The same head for the new backbone. */
static pomona_status format_classifier(struct quantiser *t, const char *output,
                                       const struct pomona_model_info *info, struct buffer *out) {
    struct classifier_parts parts;
    char profile[POMONA_PROFILE_TEXT_MAX];
    bool half = false;
    for (int i = 0; i < t->source.graph.value_count; i++) {
        const char *name = t->source.graph.values[i].name;
        half |=
            strcmp(name, "pomona.head/weight.fp16") == 0 || strcmp(name, "pomona.head/prototypes.fp16") == 0;
    }
    classifier_parts_of(t->classifier, half, profile, &parts);
    parts.layer = output;
    parts.backbone_hash = info->hash;
    parts.precision = pomona_precision_name(info->precision);
    parts.feature_space = info->feature_space;
    return classifier_write(&parts, t->options->out, t->backbone.data, t->backbone.size, out, t->error);
}

/* Opens what was made, so that nothing is written which pomona itself can't run; its hash and feature space go into the head. */
static pomona_status open_made(struct quantiser *t, const char *output, struct pomona_model **model) {
    struct pomona_model_info info;
    const struct pomona_model_options options = {.layer = output, .precision = "int8"};
    TRY(pomona_model_open_memory(t->context, t->options->out, t->backbone.data, t->backbone.size, &options,
                                 model, t->error));
    pomona_model_get_info(*model, &info);
    memcpy(t->result->feature_space, info.feature_space, sizeof info.feature_space);
    return POMONA_OK;
}

static pomona_status write_file(struct quantiser *t) {
    const char *output = output_name(t);
    struct pomona_model *made = NULL;
    struct pomona_model_info info;
    struct buffer whole = BUFFER_INIT(FILE_BYTES_MAX);
    TRY(format_backbone(t, output));
    pomona_status status = open_made(t, output, &made);
    if (status == POMONA_OK && t->classifier) {
        pomona_model_get_info(made, &info);
        status = format_classifier(t, output, &info, &whole);
    }
    pomona_model_free(&made);
    const struct buffer *file = t->classifier ? &whole : &t->backbone;
    if (status == POMONA_OK) status = file_write(t->options->out, file->data, file->size, t->error);
    if (status == POMONA_OK) {
        sha256_hex_of(file->data, file->size, t->result->hash);
        t->result->bytes = file->size;
    }
    buffer_free(&whole);
    return status;
}

static pomona_status run(struct quantiser *t) {
    double start = clock_seconds();
    TRY(check_options(t));
    TRY(open_source(t));
    TRY(quantiser_read(t));
    TRY(calibrate(t));
    TRY(choose(t));
    TRY(quantiser_check(t));
    TRY(write_file(t));
    t->result->seconds = clock_seconds() - start;
    return POMONA_OK;
}

static void free_all(struct quantiser *t) {
    for (int b = 0; b < QUANTISE_BLOCKS; b++) {
        pomona_preprocessor_free(&t->readers[b].preprocessor);
        buffer_free(&t->readers[b].bytes);
        memory_free(t->readers[b].pixels);
    }
    memory_free(t->pixels);
    listing_free(&t->photos);
    listing_free(&t->check);
    quantisation_free(&t->q);
    observable_free(&t->reference);
    pomona_classifier_free(&t->classifier);
    unpacked_model_free(&t->source);
    buffer_free(&t->file);
    buffer_free(&t->backbone);
}

pomona_status pomona_quantise_run(const struct pomona_context *context,
                                  const struct pomona_quantise_options *options,
                                  struct pomona_quantise_result *result, struct pomona_error *error) {
    struct pomona_quantise_result own;
    if (!result) result = &own;
    memset(result, 0, sizeof *result);
    struct quantiser t = {.context = context,
                          .options = options,
                          .result = result,
                          .error = error,
                          .file = BUFFER_INIT(FILE_BYTES_MAX),
                          .backbone = BUFFER_INIT(FILE_BYTES_MAX),
                          .photos = LISTING_INIT,
                          .check = LISTING_INIT};
    pomona_status status = run(&t);
    free_all(&t);
    if (result == &own || status != POMONA_OK) pomona_quantise_result_free(result);
    return status;
}

void pomona_quantise_result_free(struct pomona_quantise_result *result) {
    if (!result) return;
    memory_free(result->layers);
    result->layers = NULL;
    result->layer_count = 0;
}
