#include "net/model.h"

#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "net/band.h"
#include "net/layer.h"
#include "net/lower.h"
#include "onnx/graph.h"
#include "onnx/splice.h"

#include <stdio.h>
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

/* The profile: the metadata's, else the named one at the network's own size. */
static pomona_status read_profile(struct opening *opening) {
    struct pomona_model_info *info = &opening->model->info;
    const char *text = onnx_graph_property(&opening->graph, "pomona.profile");
    const char *asked = opening->options->profile;
    int64_t *height = &opening->image.dims[opening->image.order[1]];
    int64_t *width = &opening->image.dims[opening->image.order[2]];
    info->profile_assumed = text == NULL;
    if (!text) {
        if (*height == 0 || *width == 0)
            return FAIL(
                opening, POMONA_E_UNSUPPORTED,
                "the network takes any image size and its metadata has no pomona.profile that says one");
        if (*height > 4096 || *width > 4096)
            return FAIL(opening, POMONA_E_LIMIT, "input of %lldx%lld pixels, more than 4096x4096",
                        (long long)*width, (long long)*height);
        return pomona_profile_named(asked ? asked : "spark-compat", (int)*width, (int)*height, &info->profile,
                                    opening->error);
    }
    struct pomona_error cause = {0};
    pomona_status status = pomona_profile_parse(text, &info->profile, &cause);
    if (status != POMONA_OK) return FAIL(opening, status, "metadata pomona.profile: %.300s", cause.message);
    if (asked && strcmp(asked, info->profile.name) != 0)
        return FAIL(opening, POMONA_E_USAGE,
                    "profile '%.60s' was asked for, but the model was made for '%.60s'", asked,
                    info->profile.name);
    if (*height == 0) *height = info->profile.height;
    if (*width == 0) *width = info->profile.width;
    if (*height != info->profile.height || *width != info->profile.width)
        return FAIL(opening, POMONA_E_CORRUPT, "its profile says %dx%d pixels, its input %lldx%lld",
                    info->profile.width, info->profile.height, (long long)*width, (long long)*height);
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
                                .error = opening->error};
    if (!lowering.values) return fail_memory(opening->error, "plan");
    pomona_status status = lower_graph(&lowering, opening->input, &opening->image, target);
    *rank = lowering.values[target].rank;
    memory_free(lowering.values);
    return status;
}

/* Lowers up to the layer and remembers its name. */
static pomona_status lower_layer(struct opening *opening) {
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
    opening->model->layer = memory_copy_string(opening->graph.values[choice.value].name);
    return opening->model->layer ? POMONA_OK : fail_memory(opening->error, "model");
}

static void hash_file(const void *data, size_t size, char hex[SHA256_HEX_SIZE]) {
    struct sha256 hash;
    uint8_t digest[SHA256_SIZE];
    sha256_start(&hash);
    sha256_add(&hash, data, size);
    sha256_finish(&hash, digest);
    sha256_hex(digest, hex);
}

/* The hash of the file, or of the backbone in a classifier's file: what makes the features is the same, with or without
 * a head. The backbone is cut out and hashed, not believed. */
static pomona_status hash_model(struct opening *opening, const void *data, size_t size) {
    struct pomona_model_info *info = &opening->model->info;
    const char *text = onnx_graph_property(&opening->graph, ONNX_ORIGINAL_KEY);
    struct onnx_original original;
    hash_file(data, size, info->hash);
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
    static const char precision[] = "fp32";
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
    size_t *offsets = memory_new((size_t)plan->tensor_count, sizeof *offsets), floats = 0;
    pomona_status status = POMONA_OK;
    if (!model->name || !offsets)
        status = fail_memory(opening->error, "model");
    else
        status = plan_place(plan, 1, offsets, &floats, opening->error);
    memory_free(offsets);
    TRY(status);
    const char *untrained = onnx_graph_property(&opening->graph, "pomona.untrained");
    info->name = model->name;
    info->layer = model->layer;
    info->untrained = untrained && strcmp(untrained, "1") == 0;
    info->input_width = info->profile.width;
    info->input_height = info->profile.height;
    info->features = (int)plan->tensors[plan->output].elements;
    info->nodes = opening->graph.node_count;
    info->steps = plan->step_count;
    for (int i = 0; i < plan->step_count; i++) info->macs += plan->steps[i].macs;
    info->weight_bytes = (uint64_t)plan->packed_floats * sizeof(float);
    info->activation_bytes = (uint64_t)(floats + plan->scratch_floats) * sizeof(float);
    TRY(hash_model(opening, data, size));
    hash_feature_space(info);
    return POMONA_OK;
}

static pomona_status open_graph(struct opening *opening, const void *data, size_t size) {
    struct pomona_model *model = opening->model;
    TRY(onnx_graph_load(opening->file, data, size, &opening->graph, opening->error));
    TRY(read_input(opening));
    TRY(read_profile(opening));
    TRY(lower_layer(opening));
    TRY(plan_fuse(&model->plan, &opening->constants, opening->error));
    TRY(plan_find_chains(&model->plan, opening->error));
    plan_split(&model->plan);
    TRY(plan_pack(&model->plan, model->kernels, opening->error));
    return fill_info(opening, data, size);
}

pomona_status pomona_model_open_memory(const struct pomona_context *context, const char *name,
                                       const void *data, size_t size,
                                       const struct pomona_model_options *options,
                                       struct pomona_model **model, struct pomona_error *error) {
    static const struct pomona_model_options defaults = {NULL, NULL};
    *model = NULL;
    if (size > FILE_SIZE_MAX) return fail(error, POMONA_E_LIMIT, name, "larger than 1 GiB");
    struct pomona_model *made = memory_new(1, sizeof *made);
    if (!made) return fail_memory(error, "model");
    made->kernels = context_kernels(context);
    struct opening opening = {.file = name,
                              .options = options ? options : &defaults,
                              .constants_limit = ((size_t)64 << 20) + 4 * size,
                              .model = made,
                              .error = error};
    pomona_status status = open_graph(&opening, data, size);
    onnx_graph_free(&opening.graph);
    arena_free(&opening.constants);
    if (status == POMONA_OK)
        *model = made;
    else
        pomona_model_free(&made);
    return status;
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
    embedded_model(&data, &size);
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
