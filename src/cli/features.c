#include "cli/commands.h"
#include "cli/features_command.h"

#include <stdio.h>

static int run(struct features_command *features) {
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_features_result result;
    pomona_status status = open_context(features->tier, &context, &error);
    if (status != POMONA_OK) return report_error(status, &error);
    status = features_execute(features, context, &result, &error);
    bool finished = status == POMONA_OK || status == POMONA_E_ERROR_ROWS;
    if (finished && features->json)
        features_print_json(&result);
    else if (finished && !features->quiet)
        features_print(features, &result);
    pomona_context_free(&context);
    return status == POMONA_OK ? 0 : report_error(status, &error);
}

int command_features(struct elsewhere *elsewhere, int argc, char **argv) {
    struct features_command features;
    struct option table[FEATURES_OPTIONS_MAX + 1] = {0};
    const char *source = NULL;
    features_defaults(&features);
    features_option_table(&features, table);
    const struct command command = {
        .name = "features",
        .usage = "SRC --out DST [options]",
        .summary =
            "Runs a network over every photo in SRC (a folder, read recursively) and writes one row a photo\n"
            "(path, label, features) to DST/Results as Parquet that Spark, pandas and DuckDB read.",
        .details =
            "Photos that can't be decoded become rows of DST/Errors (path, reason); the rest is done.\n"
            "Ctrl-C finishes the photos at hand; --resume then goes on and gives the same bytes as an\n"
            "undisturbed run. Output does not depend on --threads.\n\n"
            "--only-new adds what DST does not have yet, --retry-failed tries its Errors again. Old parts "
            "stay, as\n"
            "links; the rows and moments.pom are those of one run over everything. Results of another "
            "model,\n"
            "layer, profile or precision are refused. An interrupted addition: the same command with "
            "--resume.\n\n"
            "Examples:\n"
            "  pomona features photos --out result\n"
            "  pomona features photos --out result --model mobilenet_v2.onnx --partitions 20\n"
            "  pomona features s3-copy --manifest inventory/manifest.json --out result\n"
            "  pomona features photos --out result --only-new --resume      (every night)\n"
            "  python3 -c \"import pandas; print(pandas.read_parquet('result/Results'))\"\n",
        .options = table,
        .operands = &source,
        .operand_min = 1,
        .operand_max = 1};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    features.options.places = elsewhere->places;
    features.options.publication = elsewhere->publication;
    return features_accept(&features, command.name, source) ? run(&features) : 1;
}
