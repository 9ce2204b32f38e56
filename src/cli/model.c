#include "pomona/model.h"

#include "cli/commands.h"
#include "cli/options.h"
#include "pomona/model_files.h"

#include <stdio.h>
#include <string.h>

static void print_text(const struct pomona_model *model, const struct pomona_model_info *info) {
    char profile[POMONA_PROFILE_TEXT_MAX], step[256];
    pomona_profile_format(&info->profile, profile);
    printf("model     %s%s\n", info->name,
           info->has_head    ? " (with a head: pomona predict)"
           : info->untrained ? " (untrained)"
                             : "");
    printf("hash      %s\n", info->hash);
    printf("input     %dx%d RGB", info->input_width, info->input_height);
    puts(info->views > 1 ? ", several views of a photo" : "");
    printf("profile   %s%s\n", profile, info->profile_assumed ? " (assumed)" : "");
    printf("precision %s%s\n", pomona_precision_name(info->precision),
           info->quantised && info->precision == POMONA_PRECISION_FP32 ? ", of a quantised file" : "");
    printf("features  %d, layer %s\n", info->features, info->layer);
    printf("space     %s\n", info->feature_space);
    double weights = (double)info->weight_bytes / 1e6, activations = (double)info->activation_bytes / 1e6;
    printf("work      %.1f MMAC a photo%s\n", (double)info->macs * info->views / 1e6,
           info->views > 1 ? ", all views together" : "");
    printf("memory    %.2f MB at its peak: %.2f MB of weights, %.2f MB of activations\n",
           weights + activations, weights, activations);
    printf("plan      %d nodes fused into %d steps\n", info->nodes, info->steps);
    for (int i = 0; pomona_model_step(model, i, step, sizeof step); i++) printf("  %3d  %s\n", i, step);
}

static void print_json_member(const char *key, const char *value, const char *end) {
    printf("  \"%s\": ", key);
    print_json_text(value);
    fputs(end, stdout);
}

static void print_json(const struct pomona_model *model, const struct pomona_model_info *info) {
    char profile[POMONA_PROFILE_TEXT_MAX], step[256];
    pomona_profile_format(&info->profile, profile);
    puts("{");
    print_json_member("name", info->name, ",\n");
    print_json_member("hash", info->hash, ",\n");
    print_json_member("layer", info->layer, ",\n");
    print_json_member("feature_space", info->feature_space, ",\n");
    print_json_member("profile", profile, ",\n");
    print_json_member("precision", pomona_precision_name(info->precision), ",\n");
    printf("  \"quantised\": %s,\n", info->quantised ? "true" : "false");
    printf("  \"profile_assumed\": %s,\n  \"untrained\": %s,\n  \"has_head\": %s,\n",
           info->profile_assumed ? "true" : "false", info->untrained ? "true" : "false",
           info->has_head ? "true" : "false");
    printf("  \"input_width\": %d,\n  \"input_height\": %d,\n  \"views\": %d,\n  \"features\": %d,\n  "
           "\"nodes\": %d,\n",
           info->input_width, info->input_height, info->views, info->features, info->nodes);
    printf("  \"macs\": %llu,\n  \"weight_bytes\": %llu,\n  \"activation_bytes\": %llu,\n  \"steps\": [",
           (unsigned long long)info->macs, (unsigned long long)info->weight_bytes,
           (unsigned long long)info->activation_bytes);
    for (int i = 0; pomona_model_step(model, i, step, sizeof step); i++) {
        printf("%s\n    ", i ? "," : "");
        print_json_text(step);
    }
    puts("\n  ]\n}");
}

static int show(const char *path, const struct pomona_model_options *options, const char *tier, bool json) {
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_model *model = NULL;
    struct pomona_model_info info;
    pomona_status status = open_context(tier, &context, &error);
    if (status == POMONA_OK)
        status = path ? pomona_model_open(context, path, options, &model, &error)
                      : pomona_model_open_embedded(context, options, &model, &error);
    if (status == POMONA_OK) {
        pomona_model_get_info(model, &info);
        if (json)
            print_json(model, &info);
        else
            print_text(model, &info);
    }
    pomona_model_free(&model);
    pomona_context_free(&context);
    return status == POMONA_OK ? 0 : report_error(status, &error);
}

/* What export, strip and join are told. */
struct part_options {
    bool backbone, head, optimised;
    const char *precision;
    struct pomona_export_options export;
};

static int bad(const char *text) {
    fprintf(stderr, "pomona model: %s (see pomona model --help)\n", text);
    return 1;
}

static int write_part(struct part_options *part, const char *action, const char *first, const char *second) {
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_export_result result;
    struct pomona_export_options *options = &part->export;
    bool join = strcmp(action, "join") == 0;
    options->model = first;
    options->precision = part->precision;
    options->part = part->backbone                 ? POMONA_EXPORT_BACKBONE
                    : part->head                   ? POMONA_EXPORT_HEAD
                    : strcmp(action, "strip") == 0 ? POMONA_EXPORT_STRIPPED
                                                   : POMONA_EXPORT_OPTIMISED;
    pomona_status status = open_context(NULL, &context, &error);
    if (status == POMONA_OK)
        status = join ? pomona_model_join(context, second ? first : NULL, second ? second : first,
                                          options->out, options->overwrite, &result, &error)
                      : pomona_model_export(context, options, &result, &error);
    pomona_context_free(&context);
    if (status != POMONA_OK) return report_error(status, &error);
    char out[4096];
    printf("written   %s, %.0f kB (before %.0f kB), %d nodes (before %d)\n",
           elsewhere_words(options->out, out, sizeof out), (double)result.bytes / 1e3,
           (double)result.bytes_before / 1e3, result.nodes, result.nodes_before);
    return 0;
}

static int act(const char *const operands[3], struct part_options *part) {
    const char *action = operands[0];
    bool export = strcmp(action, "export") == 0, strip = strcmp(action, "strip") == 0,
         join = strcmp(action, "join") == 0;
    if (!export && !strip && !join) {
        fprintf(stderr,
                "pomona model: unknown action '%s': info, export, strip or join (see pomona model --help)\n",
                action);
        return 1;
    }
    if (!part->export.out) return bad("--out FILE.onnx is needed");
    if (export && part->backbone + part->head + part->optimised != 1)
        return bad("export takes one of --backbone, --head, --optimised");
    if (!export && (part->backbone || part->head || part->optimised))
        return bad("parts are chosen for export");
    if (join && !operands[1]) return bad("join needs [BACKBONE] HEAD");
    if (!join && operands[2]) return bad("one model is expected");
    return write_part(part, action, operands[1], operands[2]);
}

static const char details[] =
    "info      input, profile, layers, work and fused plan\n"
    "export    of a classifier: --backbone, the file that it was made from, byte for byte; --head, a "
    "head-only file;\n"
    "          --optimised, for other runtimes: without dead nodes, unused constants, copies, documentation\n"
    "strip     a backbone without documentation, producer and foreign metadata: another file, another "
    "feature space\n"
    "join      a backbone and a head-only file as one classifier\n"
    "Without a file, the embedded model.\n\n"
    "Examples:\n"
    "  pomona model info mobilenet_v2.onnx\n"
    "  pomona model export fruit.onnx --optimised --out app.onnx\n"
    "  pomona model join mobilenet_v2.onnx update.onnx --out fruit.onnx\n";

int command_model(struct elsewhere *elsewhere, int argc, char **argv) {
    (void)elsewhere;
    const char *operands[3] = {NULL, NULL, NULL}, *tier = NULL;
    struct pomona_model_options options = {0};
    struct part_options part = {0};
    bool json = false;
    int64_t size = 0;
    const struct option table[] = {
        {"layer", 0, OPTION_TEXT, &options.layer, "NAME", "info: plan up to another layer", 0, 0},
        {"profile", 0, OPTION_TEXT, &options.profile, "NAME", "info: for a model that carries none", 0, 0},
        {"precision", 0, OPTION_TEXT, &options.precision, "auto|fp32|int8",
         "info: what the network is to compute in; export, strip:\nwhich of the embedded networks", 0, 0},
        {"decode", 0, OPTION_TEXT, &options.decode, "exact|scaled", "info: how photos are to be decoded", 0,
         0},
        {"views", 0, OPTION_TEXT, &options.views, "VIEWS", "info: flip, scales, crops, or a list as 100c,60c",
         0, 0},
        {"size", 0, OPTION_INTEGER, &size, "PIXELS", "info: plan for an input of another size", 1, 4096},
        {"tier", 0, OPTION_TEXT, &tier, "TIER", "info: plan for another tier", 0, 0},
        {"json", 0, OPTION_FLAG, &json, NULL, "info: print one JSON object", 0, 0},
        {"backbone", 0, OPTION_FLAG, &part.backbone, NULL, "export: the backbone", 0, 0},
        {"head", 0, OPTION_FLAG, &part.head, NULL, "export: the head", 0, 0},
        {"optimised", 0, OPTION_FLAG, &part.optimised, NULL,
         "export: the smallest file with the same answers", 0, 0},
        {"fp16", 0, OPTION_FLAG, &part.export.half, NULL, "export --head: weights in half the bytes", 0, 0},
        {"out", 'o', OPTION_TEXT, &part.export.out, "FILE.onnx", "export, strip, join: file to write", 0, 0},
        {"overwrite", 0, OPTION_FLAG, &part.export.overwrite, NULL, "replace it", 0, 0},
        {0}};
    const struct command command = {
        .name = "model",
        .usage = "info|export|strip [MODEL] | model join [BACKBONE] HEAD [options]",
        .summary = "Looks into model files, takes them apart and puts them together.",
        .details = details,
        .options = table,
        .operands = operands,
        .operand_min = 1,
        .operand_max = 3};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    options.size = (int)size;
    part.precision = options.precision;
    if (strcmp(operands[0], "info") != 0) return act(operands, &part);
    return operands[2] ? bad("one model is expected") : show(operands[1], &options, tier, json);
}
