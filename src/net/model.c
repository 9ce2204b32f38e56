#include "net/model.h"

#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "net/band.h"
#include "net/choose_profile.h"
#include "net/layer.h"
#include "net/lower.h"
#include "onnx/graph.h"
#include "onnx/splice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_SIZE_MAX ((size_t)1 << 30)

/* What opening a file needs besides the model itself. */
struct opening {
    const char *file; /* for messages */
    const struct pomona_model_options *options;
    struct onnx_graph graph;
    struct arena constants; /* folded weights, until they are packed */
    size_t constants_limit;
    int input;          /* graph value */
    struct value image; /* the input as the file sees it */
    int64_t file_batch;
    struct profile_choice choice;
    bool *
        whole_image; /* [node_count]: pooling windows that see all of their input; NULL unless the size is another one */
    bool resized;  /* lowering for another size than the network's own */
    bool integers; /* lowering to bytes */
    struct pomona_model *model;
    struct pomona_error *error;
};

#define FAIL(opening, code, ...) fail((opening)->error, (code), (opening)->file, __VA_ARGS__)

/* The one input, four axes, three of colour: N, 3, H, W or N, H, W, 3. Sizes that the file leaves open are 0. */
static pomona_status read_input(struct opening *opening) {
    const struct onnx_graph *graph = &opening->graph;
    if (graph->input_count != 1)
        return FAIL(opening, POMONA_E_UNSUPPORTED, "the network has %d inputs, not one", graph->input_count);
    const struct onnx_input *input = &graph->inputs[0];
    const char *name = graph->values[input->value].name;
    if (input->elem_type != 1)
        return FAIL(opening, POMONA_E_UNSUPPORTED, "input '%.160s' has element type %d, not FLOAT", name,
                    input->elem_type);
    bool channels_first = input->rank == 4 && input->dims[1] == 3;
    if (!channels_first && (input->rank != 4 || input->dims[3] != 3))
        return FAIL(opening, POMONA_E_UNSUPPORTED,
                    "input '%.160s' is no RGB image: neither N,3,H,W nor N,H,W,3", name);
    static const int orders[2][4] = {{0, 1, 2, 3}, {0, 2, 3, 1}};
    opening->input = input->value;
    opening->file_batch = input->dims[0] > 1 ? input->dims[0] : 1;
    opening->image.kind = VALUE_TENSOR;
    opening->image.rank = 4;
    memcpy(opening->image.order, orders[channels_first], sizeof orders[0]);
    memcpy(opening->image.dims, input->dims, 4 * sizeof *input->dims);
    opening->image.dims[0] = 1;
    return POMONA_OK;
}

/* Axes of the file's input. */
static int64_t *input_height(struct opening *opening) {
    return &opening->image.dims[opening->image.order[1]];
}
static int64_t *input_width(struct opening *opening) { return &opening->image.dims[opening->image.order[2]]; }

static pomona_status read_profile(struct opening *opening) {
    struct pomona_model_info *info = &opening->model->info;
    TRY(profile_choose(opening->file, &opening->graph, *input_width(opening), *input_height(opening),
                       opening->options, &opening->choice, opening->error));
    info->profile = opening->choice.profile;
    info->profile_assumed = opening->choice.assumed;
    info->views = pomona_profile_pictures(&info->profile);
    *input_width(opening) = info->profile.width;
    *input_height(opening) = info->profile.height;
    return POMONA_OK;
}

static pomona_status lower_to(struct opening *opening, int target, int *rank) {
    struct onnx_graph *graph = &opening->graph;
    plan_free(&opening->model->plan);
    arena_free(&opening->constants);
    opening->constants = ARENA_INIT(opening->constants_limit);
    opening->model->plan.arena = ARENA_INIT(opening->constants_limit);
    struct lowering lowering = {.file = opening->file,
                                .graph = graph,
                                .plan = &opening->model->plan,
                                .values = memory_new((size_t)graph->value_count, sizeof(struct value)),
                                .arena = &opening->constants,
                                .file_batch = opening->file_batch,
                                .whole_image = opening->whole_image,
                                .resized = opening->resized,
                                .integers = opening->integers,
                                .error = opening->error};
    if (!lowering.values) return fail_memory(opening->error, "plan");
    pomona_status status = lower_graph(&lowering, opening->input, &opening->image, target);
    *rank = lowering.values[target].rank;
    opening->model->info.quantised = lowering.quantised;
    memory_free(lowering.values);
    return status;
}

/* Lowers up to the layer; *value is the layer. */
static pomona_status lower_layer(struct opening *opening, int *value) {
    struct layer_choice choice;
    int rank;
    const char *layer = opening->options->layer;
    if (!layer)
        layer = onnx_graph_property(&opening->graph, "pomona.head.layer"); /* a classifier's head says it */
    TRY(layer_choose(opening->file, &opening->graph, layer, &choice, opening->error));
    TRY(lower_to(opening, choice.value, &rank));
    if (choice.needs_rank_2 && rank != 2) {
        if (choice.otherwise < 0)
            return FAIL(
                opening, POMONA_E_INPUT,
                "no layer to take features from: the output has rank %d and there is neither a dense layer "
                "nor a global average pool; name one",
                rank);
        choice.value = choice.otherwise;
        TRY(lower_to(opening, choice.value, &rank));
    }
    *value = choice.value;
    return POMONA_OK;
}

static size_t feature_count(const struct opening *opening) {
    const struct plan *plan = &opening->model->plan;
    return plan->tensors[plan->output].elements;
}

/* Lowers to `value` again, for the size asked for. What worked at the network's own size and does not now is due to the
 * size, and the message says so. */
static pomona_status lower_resized(struct opening *opening, int value) {
    const struct profile_choice *choice = &opening->choice;
    struct pomona_error *error = opening->error, cause = {0};
    size_t features = feature_count(opening), prefix = strlen(opening->file);
    int rank;
    *input_width(opening) = choice->profile.width;
    *input_height(opening) = choice->profile.height;
    opening->resized = true;
    opening->error = &cause;
    pomona_status status = lower_to(opening, value, &rank);
    opening->error = error;
    if (status == POMONA_OK && feature_count(opening) != features)
        status = fail(&cause, POMONA_E_UNSUPPORTED, opening->file,
                      "layer '%.160s' has %zu numbers instead of %zu, so it is not fully convolutional",
                      opening->graph.values[value].name, feature_count(opening), features);
    if (status == POMONA_OK || status == POMONA_E_MEMORY) {
        if (error && status != POMONA_OK) *error = cause;
        return status;
    }
    bool prefixed = strncmp(cause.message, opening->file, prefix) == 0 && cause.message[prefix] == ':';
    return FAIL(opening, status == POMONA_E_LIMIT ? status : POMONA_E_UNSUPPORTED,
                "can't be planned for %dx%d pixels, it was made for %dx%d: %.400s", choice->profile.width,
                choice->profile.height, choice->own_width, choice->own_height,
                prefixed ? cause.message + prefix + 2 : cause.message);
}

/* Lowers up to the layer and remembers its name. For another size than the network's own, it is first lowered for
 * that one. */
static pomona_status lower_sized(struct opening *opening) {
    const struct profile_choice *choice = &opening->choice;
    bool other = choice->own_width > 0 && choice->own_height > 0 &&
                 (choice->own_width != choice->profile.width || choice->own_height != choice->profile.height);
    int value = -1;
    if (other) {
        *input_width(opening) = choice->own_width;
        *input_height(opening) = choice->own_height;
        opening->whole_image = memory_new((size_t)opening->graph.node_count, sizeof *opening->whole_image);
        if (!opening->whole_image) return fail_memory(opening->error, "plan");
    }
    TRY(lower_layer(opening, &value));
    if (other) TRY(lower_resized(opening, value));
    opening->model->layer = memory_copy_string(opening->graph.values[value].name);
    return opening->model->layer ? POMONA_OK : fail_memory(opening->error, "model");
}

/* The hash of the file, or of the backbone in a classifier's file: what makes the features is the same, with or without
 * a head. The backbone is cut out and hashed, not believed. */
static pomona_status hash_model(struct opening *opening, const void *data, size_t size) {
    struct pomona_model_info *info = &opening->model->info;
    const char *text = onnx_graph_property(&opening->graph, ONNX_ORIGINAL_KEY);
    struct onnx_original original;
    sha256_hex_of(data, size, info->hash);
    if (!text) return POMONA_OK;
    if (!onnx_original_parse(text, &original))
        return FAIL(opening, POMONA_E_CORRUPT, "metadata %s makes no sense", ONNX_ORIGINAL_KEY);
    struct buffer backbone = BUFFER_INIT(FILE_SIZE_MAX);
    pomona_status status = onnx_cut(opening->file, data, size, &original, &backbone, opening->error);
    buffer_free(&backbone);
    if (status == POMONA_OK) memcpy(info->hash, original.hash, sizeof info->hash);
    info->has_head = true;
    return status;
}

/* One hash over everything that decides what the features mean. */
static void hash_feature_space(struct pomona_model_info *info) {
    char profile[POMONA_PROFILE_TEXT_MAX];
    const char *precision = pomona_precision_name(info->precision);
    struct sha256 hash;
    uint8_t digest[SHA256_SIZE];
    pomona_profile_format(&info->profile, profile);
    sha256_start(&hash);
    sha256_add_field(&hash, info->hash, strlen(info->hash));
    sha256_add_field(&hash, info->layer, strlen(info->layer));
    sha256_add_field(&hash, profile, strlen(profile));
    sha256_add_field(&hash, precision, strlen(precision));
    sha256_finish(&hash, digest);
    sha256_hex(digest, info->feature_space);
}

static pomona_status fill_info(struct opening *opening, const void *data, size_t size) {
    struct pomona_model *model = opening->model;
    struct pomona_model_info *info = &model->info;
    const struct plan *plan = &model->plan;
    const char *slash = strrchr(opening->file, '/');
    model->name = memory_copy_string(slash && slash[1] ? slash + 1 : opening->file);
    size_t *offsets = memory_new((size_t)plan->tensor_count, sizeof *offsets), bytes = 0;
    pomona_status status = POMONA_OK;
    if (!model->name || !offsets)
        status = fail_memory(opening->error, "model");
    else
        status = plan_place(plan, 1, offsets, &bytes, opening->error);
    memory_free(offsets);
    TRY(status);
    const char *untrained = onnx_graph_property(&opening->graph, "pomona.untrained");
    info->name = model->name;
    info->layer = model->layer;
    info->untrained = untrained && strcmp(untrained, "1") == 0;
    info->input_width = info->profile.width;
    info->input_height = info->profile.height;
    info->photo_bytes = 3 * (size_t)info->views * (size_t)info->input_width * (size_t)info->input_height;
    info->features = (int)plan->tensors[plan->output].elements;
    info->nodes = opening->graph.node_count;
    info->steps = plan->step_count;
    for (int i = 0; i < plan->step_count; i++) info->macs += plan->steps[i].macs;
    info->weight_bytes = (uint64_t)plan->packed_floats * sizeof(float);
    info->activation_bytes = (uint64_t)bytes + (uint64_t)plan->scratch_floats * sizeof(float);
    TRY(hash_model(opening, data, size));
    hash_feature_space(info);
    return POMONA_OK;
}

void model_normalisation(const struct pomona_model *model, float scale[3], float shift[3]) {
    const struct pomona_profile *profile = &model->info.profile;
    for (int i = 0; i < 3; i++) {
        scale[i] = 1 / profile->std[i];
        shift[i] = -profile->mean[i] / profile->std[i];
    }
}

/* Whether a graph quantises anything, and whether it says that this costs more than POMONA_PRECISION_AUTO accepts. */
static bool is_quantised(const struct onnx_graph *graph) {
    for (int i = 0; i < graph->node_count; i++)
        if (strcmp(graph->nodes[i].op, "QuantizeLinear") == 0) return true;
    return false;
}
static bool states_large_drift(const struct onnx_graph *graph) {
    const char *text = onnx_graph_property(graph, "pomona.quantised");
    const char *cosine = text ? strstr(text, "cosine_mean=") : NULL;
    return cosine && strtod(cosine + strlen("cosine_mean="), NULL) < 0.99;
}

static pomona_status choose_precision(struct opening *opening) {
    pomona_precision asked = POMONA_PRECISION_AUTO;
    const char *text = opening->options->precision, *head;
    if (text) TRY(pomona_precision_parse(text, &asked, opening->error));
    head = onnx_graph_property(&opening->graph, "pomona.head.precision");
    if (asked == POMONA_PRECISION_AUTO && head) TRY(pomona_precision_parse(head, &asked, opening->error));
    bool quantised = is_quantised(&opening->graph);
    if (asked == POMONA_PRECISION_FP16)
        return FAIL(opening, POMONA_E_UNSUPPORTED,
                    "precision fp16: no kernel of tier '%s' computes in half precision",
                    pomona_tier_name(opening->model->kernels->tier));
    if (asked == POMONA_PRECISION_INT8 && !quantised)
        return FAIL(opening, POMONA_E_USAGE,
                    "precision int8: the model is not quantised; 'pomona quantize' makes one that is");
    opening->integers = asked == POMONA_PRECISION_INT8 ||
                        (asked == POMONA_PRECISION_AUTO && quantised && !states_large_drift(&opening->graph));
    opening->model->info.precision = opening->integers ? POMONA_PRECISION_INT8 : POMONA_PRECISION_FP32;
    return POMONA_OK;
}

/* 8 bits: the fused plan turned into integers. A file may quantise behind the layer only. */
static pomona_status make_integer(struct opening *opening) {
    struct pomona_model *model = opening->model;
    float scale[3], shift[3];
    if (!opening->integers) return POMONA_OK;
    model_normalisation(model, scale, shift);
    return plan_make_integer(&model->plan, scale, shift, opening->file, opening->error);
}

static pomona_status open_fused(struct opening *opening, const void *data, size_t size) {
    TRY(onnx_graph_load(opening->file, data, size, &opening->graph, opening->error));
    TRY(read_input(opening));
    TRY(read_profile(opening));
    TRY(choose_precision(opening));
    TRY(lower_sized(opening));
    return plan_fuse(&opening->model->plan, &opening->constants, opening->error);
}

static pomona_status open_graph(struct opening *opening, const void *data, size_t size) {
    struct pomona_model *model = opening->model;
    TRY(open_fused(opening, data, size));
    TRY(make_integer(opening));
    TRY(plan_find_chains(&model->plan, opening->error));
    plan_split(&model->plan);
    TRY(plan_pack(&model->plan, model->kernels, opening->error));
    return fill_info(opening, data, size);
}

static struct opening opening_of(const char *name, size_t size, const struct pomona_model_options *options,
                                 struct pomona_model *model, struct pomona_error *error) {
    static const struct pomona_model_options defaults = {0};
    return (struct opening){.file = name,
                            .options = options ? options : &defaults,
                            .constants_limit = ((size_t)64 << 20) + 4 * size,
                            .model = model,
                            .error = error};
}

pomona_status pomona_model_open_memory(const struct pomona_context *context, const char *name,
                                       const void *data, size_t size,
                                       const struct pomona_model_options *options,
                                       struct pomona_model **model, struct pomona_error *error) {
    *model = NULL;
    if (size > FILE_SIZE_MAX) return fail(error, POMONA_E_LIMIT, name, "larger than 1 GiB");
    struct pomona_model *made = memory_new(1, sizeof *made);
    if (!made) return fail_memory(error, "model");
    made->kernels = context_kernels(context);
    struct opening opening = opening_of(name, size, options, made, error);
    pomona_status status = open_graph(&opening, data, size);
    onnx_graph_free(&opening.graph);
    arena_free(&opening.constants);
    memory_free(opening.whole_image);
    if (status == POMONA_OK)
        *model = made;
    else
        pomona_model_free(&made);
    return status;
}

pomona_status unpacked_model_open(const struct pomona_context *context, const char *name, const void *data,
                                  size_t size, const struct pomona_model_options *options,
                                  struct unpacked_model *unpacked, struct pomona_error *error) {
    memset(unpacked, 0, sizeof *unpacked);
    if (size > FILE_SIZE_MAX) return fail(error, POMONA_E_LIMIT, name, "larger than 1 GiB");
    struct pomona_model *model = unpacked->model = memory_new(1, sizeof *model);
    if (!model) return fail_memory(error, "model");
    model->kernels = context_kernels(context);
    struct opening opening = opening_of(name, size, options, model, error);
    pomona_status status = open_fused(&opening, data, size);
    if (status == POMONA_OK && opening.integers)
        status = fail(error, POMONA_E_INPUT, name, "is quantised already");
    if (status == POMONA_OK) status = fill_info(&opening, data, size);
    unpacked->graph = opening.graph;
    unpacked->constants = opening.constants;
    unpacked->channels_first = opening.image.order[1] == 2;
    memory_free(opening.whole_image);
    if (status != POMONA_OK) unpacked_model_free(unpacked);
    return status;
}

void unpacked_model_free(struct unpacked_model *unpacked) {
    pomona_model_free(&unpacked->model);
    onnx_graph_free(&unpacked->graph);
    arena_free(&unpacked->constants);
}

pomona_status pomona_model_open(const struct pomona_context *context, const char *path,
                                const struct pomona_model_options *options, struct pomona_model **model,
                                struct pomona_error *error) {
    *model = NULL;
    struct buffer file = BUFFER_INIT(FILE_SIZE_MAX);
    pomona_status status = file_read(path, &file, error);
    if (status == POMONA_OK)
        status = pomona_model_open_memory(context, path, file.data, file.size, options, model, error);
    buffer_free(&file);
    return status;
}

pomona_status pomona_model_open_embedded(const struct pomona_context *context,
                                         const struct pomona_model_options *options,
                                         struct pomona_model **model, struct pomona_error *error) {
    const void *data;
    size_t size;
    embedded_model(options ? options->precision : NULL, &data, &size);
    return pomona_model_open_memory(context, "embedded", data, size, options, model, error);
}

void pomona_model_free(struct pomona_model **model) {
    if (!model || !*model) return;
    plan_free(&(*model)->plan);
    memory_free((*model)->name);
    memory_free((*model)->layer);
    memory_free(*model);
    *model = NULL;
}

void pomona_model_get_info(const struct pomona_model *model, struct pomona_model_info *info) {
    *info = model->info;
}

bool pomona_model_step(const struct pomona_model *model, int index, char *text, size_t capacity) {
    if (index < 0 || index >= model->plan.step_count || capacity == 0) return false;
    step_describe(&model->plan, &model->plan.steps[index], text, capacity);
    return true;
}
