#include "pomona/model.h"

#include "cli/commands.h"
#include "cli/options.h"

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

int command_model(int argc, char **argv) {
    const char *operands[2] = {NULL, NULL}, *tier = NULL;
    struct pomona_model_options options = {0};
    bool json = false;
    int64_t size = 0;
    const struct option table[] = {
        {"layer", 0, OPTION_TEXT, &options.layer, "NAME", "plan up to another layer", 0, 0},
        {"profile", 0, OPTION_TEXT, &options.profile, "NAME", "for a model that carries none", 0, 0},
        {"views", 0, OPTION_TEXT, &options.views, "VIEWS", "flip, scales, crops, or a list as 100c,60c", 0,
         0},
        {"size", 0, OPTION_INTEGER, &size, "PIXELS", "plan for an input of another size", 1, 4096},
        {"tier", 0, OPTION_TEXT, &tier, "TIER", "plan for another tier", 0, 0},
        {"json", 0, OPTION_FLAG, &json, NULL, "print one JSON object", 0, 0},
        {0}};
    const struct command command = {.name = "model",
                                    .usage = "info [FILE.onnx] [options]",
                                    .summary = "Shows a model's input, profile, layers, work and fused plan; "
                                               "without a file, the embedded network's.",
                                    .details = "Example:\n  pomona model info mobilenet_v2.onnx\n",
                                    .options = table,
                                    .operands = operands,
                                    .operand_min = 1,
                                    .operand_max = 2};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    if (strcmp(operands[0], "info") != 0) {
        fprintf(stderr, "pomona model: unknown action '%s': info is the only one (see pomona model --help)\n",
                operands[0]);
        return 1;
    }
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_model *model = NULL;
    struct pomona_model_info info;
    options.size = (int)size;
    pomona_status status = open_context(tier, &context, &error);
    if (status == POMONA_OK)
        status = operands[1] ? pomona_model_open(context, operands[1], &options, &model, &error)
                             : pomona_model_open_embedded(context, &options, &model, &error);
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
