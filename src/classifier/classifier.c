#include "classifier/classifier.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "classifier/open.h"
#include "net/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FILE_SIZE_MAX ((size_t)1 << 30)

static uint64_t head_bytes(const struct head *head) {
    size_t features = (size_t)head->features, floats = (size_t)head->novelty.rank * features;
    floats += head->kind == HEAD_LINEAR ? (size_t)head->leaves * (features + 1)
                                        : (size_t)head->prototype_count * (features + 1) + 2 * features;
    if (head->novelty.rank > 0) floats += 2 * features;
    return floats * sizeof(float);
}

static void complete_info(struct pomona_classifier *c, const uint8_t *data, size_t size) {
    struct pomona_classifier_info *info = &c->info;
    const struct head *head = &c->head;
    info->classes = head->classes;
    info->groups = head->groups;
    info->leaves = head->leaves;
    info->temperature = head->temperature;
    info->rejects = isfinite(head->novelty.threshold);
    info->threshold = head->novelty.threshold;
    info->fine_confidence = head->fine_confidence;
    info->coarse_confidence = head->coarse_confidence;
    info->file_bytes = size;
    info->head_bytes = head_bytes(head);
    sha256_hex_of(data, size, info->hash);
}

/* The head of the file data[size], fully read. */
static pomona_status read_head(const char *name, const uint8_t *data, size_t size,
                               struct pomona_classifier *c, struct pomona_error *error) {
    struct onnx_graph graph;
    TRY(onnx_graph_load(name, data, size, &graph, error));
    pomona_status status = classifier_read_head(name, &graph, c, error);
    onnx_graph_free(&graph);
    if (status == POMONA_OK) complete_info(c, data, size);
    return status;
}

/* Photos are decoded as those were that the head was trained on. */
static pomona_status check_decode(const char *name, const char *asked, const struct pomona_profile *own,
                                  struct pomona_error *error) {
    struct pomona_profile wanted = *own;
    if (!asked) return POMONA_OK;
    TRY(pomona_profile_set_decode(&wanted, asked, error));
    if (wanted.decode == own->decode) return POMONA_OK;
    return fail(error, POMONA_E_USAGE, name,
                "decode '%.20s' was asked for, but the head was trained with '%s'", asked,
                own->decode == POMONA_DECODE_SCALED ? "scaled" : "exact");
}

/* Opens the backbone at the head's layer, and checks that they belong together. */
static pomona_status open_backbone(const struct pomona_context *context, const char *name,
                                   const uint8_t *data, size_t bytes,
                                   const struct pomona_classifier_options *asked, struct pomona_classifier *c,
                                   struct pomona_error *error) {
    /* a head alone knows its views and size better than the backbone does */
    const char *profile = asked->profile;
    int size = asked->size;
    bool plain = c->precision &&
                 strcmp(c->precision, "fp32") == 0; /* trained on a quantised file's fp32 features, say */
    struct pomona_model_options options = {.layer = c->layer,
                                           .profile = c->profile ? c->profile : profile,
                                           .precision = asked->precision ? asked->precision
                                                        : plain          ? "fp32"
                                                                         : NULL};
    struct pomona_model_info *info = &c->info.model;
    TRY(pomona_model_open_memory(context, name, data, bytes, &options, &c->model, error));
    pomona_model_get_info(c->model, info);
    if (c->profile && profile && strcmp(profile, info->profile.name) != 0)
        return fail(error, POMONA_E_USAGE, name,
                    "profile '%.60s' was asked for, but the head was trained with '%.60s'", profile,
                    info->profile.name);
    TRY(check_decode(name, asked->decode, &info->profile, error));
    if (info->features != c->head.features)
        return fail(error, POMONA_E_CORRUPT, name, "its head takes %d features, its backbone gives %d",
                    c->head.features, info->features);
    if (strcmp(info->feature_space, c->feature_space) != 0)
        return fail(
            error, POMONA_E_INPUT, name,
            "its head was trained on other features (model, layer, profile or precision): %.16s, and these "
            "are %.16s",
            c->feature_space, info->feature_space);
    if (size == 0 || (info->input_width == size && info->input_height == size)) return POMONA_OK;
    pomona_model_free(&c->model); /* the head belongs to it; now as it is asked for */
    options.size = size;
    TRY(pomona_model_open_memory(context, name, data, bytes, &options, &c->model, error));
    pomona_model_get_info(c->model, info);
    return POMONA_OK;
}

static pomona_status open_both(const struct pomona_context *context, const char *name, const uint8_t *data,
                               size_t size, const struct pomona_classifier_options *options,
                               struct pomona_classifier *c, struct pomona_error *error) {
    const void *embedded = data;
    if (!data) embedded_model(options->precision, &embedded, &size);
    if (options->head) {
        struct buffer file = BUFFER_INIT(FILE_SIZE_MAX);
        pomona_status status = file_read(options->head, &file, error);
        if (status == POMONA_OK) status = read_head(options->head, file.data, file.size, c, error);
        buffer_free(&file);
        TRY(status);
        if (!data && !options->precision) /* of the embedded networks the one that the head belongs to */
            embedded_model(c->precision ? c->precision : "fp32", &embedded, &size);
    } else {
        TRY(read_head(name, embedded, size, c, error));
    }
    return open_backbone(context, name, embedded, size, options, c, error);
}

pomona_status pomona_classifier_open_memory(const struct pomona_context *context, const char *name,
                                            const void *data, size_t size,
                                            const struct pomona_classifier_options *options,
                                            struct pomona_classifier **classifier,
                                            struct pomona_error *error) {
    static const struct pomona_classifier_options defaults = {0};
    *classifier = NULL;
    struct pomona_classifier *made = memory_new(1, sizeof *made);
    if (!made) return fail_memory(error, "classifier");
    pomona_status status = open_both(context, name, data, size, options ? options : &defaults, made, error);
    if (status == POMONA_OK)
        *classifier = made;
    else
        pomona_classifier_free(&made);
    return status;
}

pomona_status pomona_classifier_open(const struct pomona_context *context, const char *path,
                                     const struct pomona_classifier_options *options,
                                     struct pomona_classifier **classifier, struct pomona_error *error) {
    *classifier = NULL;
    if (!path) return pomona_classifier_open_memory(context, "embedded", NULL, 0, options, classifier, error);
    struct buffer file = BUFFER_INIT(FILE_SIZE_MAX);
    pomona_status status = file_read(path, &file, error);
    if (status == POMONA_OK)
        status =
            pomona_classifier_open_memory(context, path, file.data, file.size, options, classifier, error);
    buffer_free(&file);
    return status;
}

void pomona_classifier_free(struct pomona_classifier **classifier) {
    if (!classifier || !*classifier) return;
    struct pomona_classifier *c = *classifier;
    pomona_model_free(&c->model);
    head_free(&c->head);
    arena_free(&c->texts);
    memory_free(c);
    *classifier = NULL;
}

void pomona_classifier_get_info(const struct pomona_classifier *classifier,
                                struct pomona_classifier_info *info) {
    *info = classifier->info;
}

const struct pomona_model *pomona_classifier_model(const struct pomona_classifier *classifier) {
    return classifier->model;
}

bool pomona_classifier_class(const struct pomona_classifier *classifier, int index,
                             struct pomona_class *out) {
    if (index < 0 || index >= classifier->info.classes) return false;
    *out = classifier->classes[index];
    return true;
}

const char *pomona_classifier_group(const struct pomona_classifier *classifier, int index) {
    return index < 0 || index >= classifier->info.groups ? NULL : classifier->groups[index];
}

static int compare_name(const void *name, const void *entry) {
    return strcmp(name, ((const struct class_entry *)entry)->name);
}

int pomona_classifier_find(const struct pomona_classifier *classifier, const char *name) {
    const struct class_entry *found =
        bsearch(name, classifier->entries, (size_t)classifier->entry_count, sizeof *found, compare_name);
    return found ? found->index : -1;
}
