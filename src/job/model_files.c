#include "pomona/model_files.h"

#include "base/file_sink.h"
#include "base/memory.h"
#include "classifier/classifier.h"
#include "classifier/graph.h"
#include "net/model.h"
#include "onnx/prune.h"
#include "onnx/splice.h"
#include "store/folder.h"

#include <string.h>

enum { FILE_BYTES_MAX = 1 << 30 };

/* A model's file and what is made of it. */
struct model_file {
    const char *name; /* for messages */
    struct buffer bytes, backbone, out;
    bool has_head, half;
    const char *output; /* of the probabilities; lives with the graph */
    struct onnx_graph graph;
    struct pomona_error *error;
};

static pomona_status model_file_read(struct model_file *file, const char *path, const char *precision) {
    file->name = path ? path : "embedded";
    if (path) {
        TRY(file_read(path, &file->bytes, file->error));
    } else {
        const void *data;
        size_t size;
        embedded_model(precision, &data, &size);
        TRY(buffer_append(&file->bytes, data, size, file->error));
    }
    TRY(onnx_graph_load(file->name, file->bytes.data, file->bytes.size, &file->graph, file->error));
    file->has_head = onnx_graph_property(&file->graph, ONNX_ORIGINAL_KEY) != NULL;
    file->output = onnx_graph_property(&file->graph, HEAD_KEY("output"));
    for (int i = 0; i < file->graph.value_count; i++) {
        const char *name = file->graph.values[i].name;
        file->half |= strcmp(name, HEAD_TENSOR("weight.fp16")) == 0 ||
                      strcmp(name, HEAD_TENSOR("prototypes.fp16")) == 0;
    }
    if (file->has_head)
        return classifier_cut_backbone(file->name, file->bytes.data, file->bytes.size, &file->backbone,
                                       file->error);
    return buffer_append(&file->backbone, file->bytes.data, file->bytes.size, file->error);
}

static void model_file_free(struct model_file *file) {
    buffer_free(&file->bytes);
    buffer_free(&file->backbone);
    buffer_free(&file->out);
    onnx_graph_free(&file->graph);
}

#define MODEL_FILE_INIT(the_error)                                                                           \
    ((struct model_file){.bytes = BUFFER_INIT(FILE_BYTES_MAX),                                               \
                         .backbone = BUFFER_INIT(FILE_BYTES_MAX),                                            \
                         .out = BUFFER_INIT(FILE_BYTES_MAX),                                                 \
                         .error = (the_error)})

/* What pomona wrote, or an app may want: profile, labels, facts. Not what says that the backbone can be cut out. */
static bool keep_own(const char *key) {
    return strncmp(key, "pomona.", 7) == 0 && strcmp(key, ONNX_ORIGINAL_KEY) != 0;
}

static pomona_status optimise(struct model_file *file) {
    const char *const outputs[] = {file->output,         "coarse", "known", HEAD_TENSOR("coarse"),
                                   HEAD_TENSOR("known"), NULL};
    return onnx_prune(file->name, file->bytes.data, file->bytes.size,
                      file->has_head && file->output ? outputs : NULL, keep_own, &file->out, file->error);
}

/* The classifier's head: of its own file, or of `head` for the backbone of the file; as a head-only file, or with the
 * backbone. */
static pomona_status write_head(struct model_file *file, const struct pomona_context *context,
                                const char *head, bool half, bool alone) {
    struct pomona_classifier *classifier;
    struct classifier_parts parts;
    char profile[POMONA_PROFILE_TEXT_MAX];
    const struct pomona_classifier_options options = {.head = head};
    TRY(pomona_classifier_open_memory(context, file->name, head ? file->backbone.data : file->bytes.data,
                                      head ? file->backbone.size : file->bytes.size, &options, &classifier,
                                      file->error));
    pomona_status status = half ? head_round_half(&classifier->head, file->name, file->error) : POMONA_OK;
    classifier_parts_of(classifier, half, profile, &parts);
    if (status == POMONA_OK)
        status = classifier_write(&parts, file->name, alone ? NULL : file->backbone.data, file->backbone.size,
                                  &file->out, file->error);
    pomona_classifier_free(&classifier);
    return status;
}

static pomona_status check_out(const char *out, bool overwrite, struct pomona_error *error) {
    if (!out) return fail(error, POMONA_E_USAGE, NULL, "a file to write is needed");
    if (!overwrite && path_exists(out))
        return fail(error, POMONA_E_EXISTS, out, "exists already: --overwrite replaces it");
    return POMONA_OK;
}

static pomona_status finish(struct model_file *file, const char *out, const struct buffer *bytes,
                            struct pomona_export_result *result) {
    struct onnx_graph graph;
    TRY(onnx_graph_load(out, bytes->data, bytes->size, &graph,
                        file->error)); /* nothing is written that is no model */
    if (result)
        *result = (struct pomona_export_result){file->bytes.size, bytes->size, file->graph.node_count,
                                                graph.node_count};
    onnx_graph_free(&graph);
    return file_write(out, bytes->data, bytes->size, file->error);
}

static pomona_status export_part(struct model_file *file, const struct pomona_context *context,
                                 const struct pomona_export_options *options,
                                 struct pomona_export_result *result) {
    TRY(check_out(options->out, options->overwrite, file->error));
    TRY(model_file_read(file, options->model, options->precision));
    bool parts = options->part == POMONA_EXPORT_BACKBONE || options->part == POMONA_EXPORT_HEAD;
    if (parts && !file->has_head)
        return fail(file->error, POMONA_E_INPUT, file->name, "has no head: it is a backbone already");
    switch (options->part) {
    case POMONA_EXPORT_BACKBONE: return finish(file, options->out, &file->backbone, result);
    case POMONA_EXPORT_HEAD: TRY(write_head(file, context, NULL, options->half || file->half, true)); break;
    case POMONA_EXPORT_STRIPPED:
        TRY(onnx_prune(file->name, file->backbone.data, file->backbone.size, NULL, keep_own, &file->out,
                       file->error));
        break;
    case POMONA_EXPORT_OPTIMISED:
    default: TRY(optimise(file)); break;
    }
    return finish(file, options->out, &file->out, result);
}

pomona_status pomona_model_export(const struct pomona_context *context,
                                  const struct pomona_export_options *options,
                                  struct pomona_export_result *result, struct pomona_error *error) {
    struct model_file file = MODEL_FILE_INIT(error);
    pomona_status status = export_part(&file, context, options, result);
    model_file_free(&file);
    return status;
}

/* Whether a head-only file has weights as fp16, and whether it belongs to a network in 8 bits. */
static pomona_status look_at_head(const char *head, bool *half, bool *integers, struct pomona_error *error) {
    struct model_file file = MODEL_FILE_INIT(error);
    pomona_status status = model_file_read(&file, head, NULL);
    const char *precision =
        status == POMONA_OK ? onnx_graph_property(&file.graph, HEAD_KEY("precision")) : NULL;
    *half = file.half;
    *integers = precision && strcmp(precision, "int8") == 0;
    model_file_free(&file);
    return status;
}

pomona_status pomona_model_join(const struct pomona_context *context, const char *backbone, const char *head,
                                const char *out, bool overwrite, struct pomona_export_result *result,
                                struct pomona_error *error) {
    struct model_file file = MODEL_FILE_INIT(error);
    bool half = false, integers = false;
    pomona_status status = head ? check_out(out, overwrite, error)
                                : fail(error, POMONA_E_USAGE, NULL, "a head-only file is needed");
    if (status == POMONA_OK) status = look_at_head(head, &half, &integers, error);
    if (status == POMONA_OK) status = model_file_read(&file, backbone, integers ? "int8" : "fp32");
    if (status == POMONA_OK) status = write_head(&file, context, head, half, false);
    if (status == POMONA_OK) status = finish(&file, out, &file.out, result);
    model_file_free(&file);
    return status;
}
