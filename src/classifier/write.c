#include "classifier/classifier.h"
#include "classifier/graph.h"
#include "classifier/labels.h"
#include "onnx/splice.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { OPSET_OF_HEADS = 13, FILE_BYTES_MAX = 1 << 30 };

/* A number so that it reads back to the same double. */
static void write_number(struct onnx_writer *writer, const char *key, double value) {
    char text[32];
    snprintf(text, sizeof text, "%.17g", value);
    onnx_write_property(writer, key, text);
}

static void write_text(struct onnx_writer *writer, const char *key, struct buffer *text) {
    const char *terminated = NULL;
    if (writer->status == POMONA_OK) writer->status = buffer_terminate(text, &terminated, writer->error);
    if (writer->status == POMONA_OK) onnx_write_property(writer, key, terminated);
}

static void write_labels(struct onnx_writer *writer, const struct classifier_parts *parts) {
    const struct head *head = parts->head;
    struct buffer text = BUFFER_INIT(LABELS_BYTES_MAX);
    if (writer->status == POMONA_OK)
        writer->status = labels_format_classes(parts->classes, head->classes, &text, writer->error);
    write_text(writer, HEAD_KEY("classes"), &text);
    buffer_clear(&text);
    if (head->groups && writer->status == POMONA_OK) {
        writer->status = labels_format_groups(parts->groups, head->groups, &text, writer->error);
        write_text(writer, HEAD_KEY("groups"), &text);
    }
    buffer_clear(&text);
    if (head->classes < head->leaves) {
        for (int i = 0; i < head->leaves && writer->status == POMONA_OK; i++)
            writer->status = buffer_printf(&text, writer->error, "%d\n", head->leaf_class[i]);
        write_text(writer, HEAD_KEY("leaves"), &text);
    }
    buffer_free(&text);
}

static void write_metadata(struct onnx_writer *writer, const struct classifier_parts *parts,
                           const struct head_outputs *outputs) {
    const struct head *head = parts->head;
    bool rejects = isfinite(head->novelty.threshold);
    write_number(writer, HEAD_KEY("version"), 1);
    onnx_write_property(writer, HEAD_KEY("kind"), parts->kind);
    onnx_write_property(writer, HEAD_KEY("layer"), parts->layer);
    onnx_write_property(writer, HEAD_KEY("feature_space"), parts->feature_space);
    onnx_write_property(writer, HEAD_KEY("precision"), parts->precision);
    onnx_write_property(writer, HEAD_KEY("backbone_hash"), parts->backbone_hash);
    onnx_write_property(writer, HEAD_KEY("output"), outputs->probabilities);
    write_number(writer, HEAD_KEY("class_count"), head->classes);
    write_number(writer, HEAD_KEY("group_count"), head->groups);
    write_number(writer, HEAD_KEY("temperature"), head->temperature);
    onnx_write_property(writer, HEAD_KEY("calibration"), parts->calibration);
    write_number(writer, HEAD_KEY("fine_confidence"), head->fine_confidence);
    write_number(writer, HEAD_KEY("coarse_confidence"), head->coarse_confidence);
    if (head->kind == HEAD_NEIGHBOURS) {
        write_number(writer, HEAD_KEY("neighbours"), head->neighbours);
        write_number(writer, HEAD_KEY("sharpness"), (double)head->sharpness);
    }
    if (rejects) {
        write_number(writer, HEAD_KEY("threshold"), head->novelty.threshold);
        write_number(writer, HEAD_KEY("false_reject"), parts->false_reject);
        write_number(writer, HEAD_KEY("energy_weight"), head->novelty.energy_weight);
        write_number(writer, HEAD_KEY("residual_weight"), head->novelty.residual_weight);
    }
    write_labels(writer, parts);
    write_number(writer, HEAD_KEY("labels_version"), parts->labels_version);
    onnx_write_property(writer, HEAD_KEY("labels_history"), parts->history);
    for (int i = 0; i < parts->fact_count; i++)
        onnx_write_property(writer, parts->facts[i].key, parts->facts[i].value);
}

/* What the backbone's graph says: its operator set, whether a name is taken, whether it carries a profile. */
struct backbone_facts {
    struct onnx_graph graph;
    struct onnx_original original;
};

static bool is_taken(const struct onnx_graph *graph, const char *name) {
    for (int i = 0; i < graph->value_count; i++)
        if (strcmp(graph->values[i].name, name) == 0) return true;
    return false;
}

static struct head_outputs name_outputs(const struct onnx_graph *graph) {
    struct head_outputs outputs = {"probabilities", "coarse", "known"};
    if (is_taken(graph, outputs.probabilities)) outputs.probabilities = HEAD_TENSOR("probabilities");
    if (is_taken(graph, outputs.coarse)) outputs.coarse = HEAD_TENSOR("coarse");
    if (is_taken(graph, outputs.known)) outputs.known = HEAD_TENSOR("known");
    return outputs;
}

static pomona_status write_full(const struct classifier_parts *parts, const char *name, const uint8_t *data,
                                size_t size, const struct backbone_facts *backbone, struct buffer *out,
                                struct pomona_error *error) {
    struct buffer graph = BUFFER_INIT(FILE_BYTES_MAX), model = BUFFER_INIT(FILE_BYTES_MAX);
    struct head_outputs outputs = name_outputs(&backbone->graph);
    struct onnx_writer nodes = onnx_write_to(&graph, error), fields = onnx_write_to(&model, error);
    char original[ONNX_ORIGINAL_TEXT_MAX];
    onnx_original_format(&backbone->original, original);
    head_write_graph(&nodes, parts->head, parts->layer, (int)backbone->graph.opset, &outputs, parts->half);
    onnx_write_property(&fields, ONNX_ORIGINAL_KEY, original);
    if (!onnx_graph_property(&backbone->graph, "pomona.profile"))
        onnx_write_property(&fields, "pomona.profile", parts->profile);
    onnx_write_property(&fields, HEAD_KEY("profile"), parts->profile); /* may add views to the backbone's */
    write_metadata(&fields, parts, &outputs);
    pomona_status status = nodes.status != POMONA_OK ? nodes.status : fields.status;
    if (status == POMONA_OK) status = onnx_splice(name, data, size, &graph, &model, out, error);
    buffer_free(&graph);
    buffer_free(&model);
    return status;
}

static pomona_status write_head(const struct classifier_parts *parts, struct buffer *out,
                                struct pomona_error *error) {
    static const struct head_outputs outputs = {"probabilities", "coarse", "known"};
    struct buffer graph = BUFFER_INIT(FILE_BYTES_MAX);
    struct onnx_writer nodes = onnx_write_to(&graph, error), fields = onnx_write_to(out, error);
    onnx_write_value(&nodes, false, "features", (size_t)parts->head->features);
    head_write_graph(&nodes, parts->head, "features", OPSET_OF_HEADS, &outputs, parts->half);
    fields.status = nodes.status;
    onnx_write_model(&fields, "head", OPSET_OF_HEADS, &graph);
    onnx_write_property(&fields, "pomona.profile", parts->profile);
    write_metadata(&fields, parts, &outputs);
    buffer_free(&graph);
    return fields.status;
}

pomona_status classifier_write(const struct classifier_parts *parts, const char *name, const uint8_t *data,
                               size_t size, struct buffer *out, struct pomona_error *error) {
    TRY(head_check(parts->head, name, error));
    if (!data) return write_head(parts, out, error);
    struct backbone_facts backbone;
    TRY(onnx_original_of(name, data, size, &backbone.original, error));
    TRY(onnx_graph_load(name, data, size, &backbone.graph, error));
    pomona_status status = write_full(parts, name, data, size, &backbone, out, error);
    onnx_graph_free(&backbone.graph);
    return status;
}

pomona_status classifier_cut_backbone(const char *name, const uint8_t *data, size_t size, struct buffer *out,
                                      struct pomona_error *error) {
    struct onnx_graph graph;
    struct onnx_original original;
    TRY(onnx_graph_load(name, data, size, &graph, error));
    const char *text = onnx_graph_property(&graph, ONNX_ORIGINAL_KEY);
    bool found = text && onnx_original_parse(text, &original);
    pomona_status status =
        found  ? POMONA_OK
        : text ? fail(error, POMONA_E_CORRUPT, name, "metadata %s makes no sense", ONNX_ORIGINAL_KEY)
               : fail(error, POMONA_E_INPUT, name, "has no head, so there is no backbone to part it from");
    onnx_graph_free(&graph);
    return status == POMONA_OK ? onnx_cut(name, data, size, &original, out, error) : status;
}

static pomona_status round_some(float *values, size_t count, const char *where, struct pomona_error *error) {
    for (size_t i = 0; i < count; i++) {
        values[i] = onnx_half_round(values[i]);
        if (!isfinite(values[i]))
            return fail(error, POMONA_E_INPUT, where, "a weight of its head is too large for fp16");
    }
    return POMONA_OK;
}

pomona_status head_round_half(struct head *head, const char *where, struct pomona_error *error) {
    size_t features = (size_t)head->features;
    if (head->weight) TRY(round_some(head->weight, (size_t)head->leaves * features, where, error));
    if (head->prototypes)
        TRY(round_some(head->prototypes, (size_t)head->prototype_count * features, where, error));
    if (!head->novelty.projection) return POMONA_OK;
    return round_some(head->novelty.projection, (size_t)head->novelty.rank * features, where, error);
}

void classifier_parts_of(const struct pomona_classifier *classifier, bool half, char *profile,
                         struct classifier_parts *parts) {
    const struct pomona_classifier_info *info = &classifier->info;
    pomona_profile_format(&info->model.profile, profile);
    *parts = (struct classifier_parts){.head = &classifier->head,
                                       .kind = info->kind,
                                       .classes = classifier->classes,
                                       .groups = classifier->groups,
                                       .calibration = info->calibration,
                                       .false_reject = info->false_reject,
                                       .labels_version = info->labels_version,
                                       .history = classifier->history,
                                       .layer = classifier->layer,
                                       .profile = profile,
                                       .feature_space = classifier->feature_space,
                                       .precision = pomona_precision_name(info->model.precision),
                                       .backbone_hash = info->model.hash,
                                       .facts = classifier->facts,
                                       .fact_count = classifier->fact_count,
                                       .half = half};
}
