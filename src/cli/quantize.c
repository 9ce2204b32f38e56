#include "cli/commands.h"
#include "cli/options.h"
#include "pomona/quantise.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WORST_LAYERS = 5 };

static void show_progress(void *user, const struct pomona_quantise_progress *progress) {
    bool terminal = *(const bool *)user;
    if (!terminal && progress->done < progress->total && progress->done % 4096 >= 8) return;
    fprintf(stderr, "%s%d/%d  %s%s", terminal ? "\r\033[K" : "", progress->done, progress->total,
            progress->what, terminal ? "" : "\n");
}

/* The layers with the least signal to noise; of equals the earlier one first. */
static void print_layers(const struct pomona_quantise_result *r) {
    const struct pomona_quantise_layer *last = NULL;
    puts("weakest   signal to noise, of the layers' outputs:");
    for (int line = 0; line < WORST_LAYERS && line < r->layer_count; line++) {
        const struct pomona_quantise_layer *next = NULL;
        for (const struct pomona_quantise_layer *l = r->layers; l < r->layers + r->layer_count; l++) {
            bool after = !last || l->snr > last->snr || (l->snr == last->snr && l > last);
            if (after && (!next || l->snr < next->snr)) next = l;
        }
        if (!next) return;
        printf("          %5.1f dB  %s  %s\n", next->snr, next->name, next->text);
        last = next;
    }
}

static void print_warnings(const struct pomona_quantise_result *r) {
    if (r->photos < POMONA_QUANTISE_PHOTOS_FEW)
        printf("warning   calibrated on %d photo%s: a few dozen of what the network is going to see are "
               "needed\n",
               r->photos, r->photos == 1 ? "" : "s");
    if (r->errors)
        printf("note      %d photo%s could not be read: %s\n", r->errors, r->errors == 1 ? "" : "s",
               r->first_error);
    if (!r->pixels_exact)
        puts("note      the profile's deviations differ, so pixels are rounded to a common scale");
}

static void print_text(const struct pomona_quantise_options *options,
                       const struct pomona_quantise_result *r) {
    char listed[32];
    printf("calibrated on %d of %s photos\n", r->photos, format_count(r->listed, listed));
    printf("features  cosine of int8 and fp32, %d photos%s: mean %.5f, least %.5f\n", r->checked,
           options->check ? "" : " of the calibration", r->cosine_mean, r->cosine_min);
    if (r->has_head) printf("answers   %d of %d photos get another class\n", r->changed, r->checked);
    if (r->labelled)
        printf("top-1     %.1f %%, in fp32 %.1f %%, of %d photos with a label\n",
               100.0 * r->right_after / r->labelled, 100.0 * r->right_before / r->labelled, r->labelled);
    print_layers(r);
    print_warnings(r);
    printf("seconds   %.1f\n", r->seconds);
    char out[4096];
    printf("written   %s, %.0f kB (before %.0f kB)\n", elsewhere_words(options->out, out, sizeof out),
           (double)r->bytes / 1e3, (double)r->bytes_before / 1e3);
}

static void print_json_member(const char *key, const char *value) {
    printf("  \"%s\": ", key);
    print_json_text(value);
    fputs(",\n", stdout);
}

static void print_json(const struct pomona_quantise_options *options,
                       const struct pomona_quantise_result *r) {
    puts("{");
    print_json_member("out", options->out);
    print_json_member("hash", r->hash);
    print_json_member("source_hash", r->source_hash);
    print_json_member("feature_space", r->feature_space);
    printf("  \"bytes\": %llu,\n  \"bytes_before\": %llu,\n", (unsigned long long)r->bytes,
           (unsigned long long)r->bytes_before);
    printf("  \"features\": %d,\n  \"pixels_exact\": %s,\n", r->features, r->pixels_exact ? "true" : "false");
    printf("  \"listed\": %lld,\n  \"photos\": %d,\n  \"errors\": %d,\n  \"few_photos\": %s,\n",
           (long long)r->listed, r->photos, r->errors,
           r->photos < POMONA_QUANTISE_PHOTOS_FEW ? "true" : "false");
    printf("  \"checked\": %d,\n  \"check_errors\": %d,\n", r->checked, r->check_errors);
    printf("  \"cosine_mean\": %.17g,\n  \"cosine_min\": %.17g,\n", r->cosine_mean, r->cosine_min);
    print_json_member("cosine_min_photo", r->cosine_min_photo);
    if (r->has_head) printf("  \"changed\": %d,\n", r->changed);
    if (r->labelled)
        printf("  \"labelled\": %d,\n  \"top1\": %.17g,\n  \"top1_before\": %.17g,\n", r->labelled,
               (double)r->right_after / r->labelled, (double)r->right_before / r->labelled);
    printf("  \"layers\": [");
    for (int i = 0; i < r->layer_count; i++) {
        printf("%s\n    {\"name\": ", i ? "," : "");
        print_json_text(r->layers[i].name);
        fputs(", \"text\": ", stdout);
        print_json_text(r->layers[i].text);
        printf(", \"snr_db\": %.6g}", r->layers[i].snr);
    }
    printf("\n  ],\n  \"seconds\": %.6f\n}\n", r->seconds);
}

static int run(struct pomona_quantise_options *options, const char *tier, bool json, bool quiet) {
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_quantise_result result = {0};
    bool terminal = isatty(STDERR_FILENO);
    pomona_status status = open_context(tier, &context, &error);
    if (status == POMONA_OK) {
        catch_signals();
        options->should_stop = was_signalled;
        if (!quiet) options->progress = show_progress, options->user = &terminal;
        status = pomona_quantise_run(context, options, &result, &error);
        if (terminal && !quiet) fputs("\r\033[K", stderr);
    }
    pomona_context_free(&context);
    if (status != POMONA_OK) return report_error(status, &error);
    if (json)
        print_json(options, &result);
    else if (!quiet)
        print_text(options, &result);
    pomona_quantise_result_free(&result);
    return 0;
}

static const char details[] =
    "Weights and activations become 8 bits, features stay fp32. Ranges, channel scales and biases come from "
    "photos like\n"
    "those that the network is going to see (labels are not needed); more of them and more kinds are better. "
    "The file\n"
    "is a QDQ ONNX model for any runtime. Of a classifier the backbone is quantised and its head attached "
    "again: "
    "judge\n"
    "it with pomona evaluate, or train a new head on the new features.\n"
    "Without a file, the embedded model. Layers that have no 8-bit form (squeeze and excitation, "
    "concatenation) "
    "are\n"
    "refused by name.\n\n"
    "Examples:\n"
    "  pomona quantize mobilenet_v2.onnx --calibrate photos --out mobilenet_v2.int8.onnx\n"
    "  pomona quantize fruit.onnx --calibrate train/ --check val/ --json --out fruit.int8.onnx\n";

int command_quantize(struct elsewhere *elsewhere, int argc, char **argv) {
    struct pomona_quantise_options options = {0};
    int64_t photos = 0, threads = 0;
    bool json = false, quiet = false;
    const char *tier = NULL, *operands[1] = {NULL};
    const struct option table[] = {
        {"calibrate", 'c', OPTION_TEXT, &options.calibrate, "SRC", "folder of photos to calibrate on", 0, 0},
        {"out", 'o', OPTION_TEXT, &options.out, "FILE.onnx", "file to write", 0, 0},
        {"photos", 'n', OPTION_INTEGER, &photos, "N",
         "so many, drawn evenly from the sorted list; default 256", 1, POMONA_QUANTISE_PHOTOS_MAX},
        {"check", 0, OPTION_TEXT, &options.check, "SRC",
         "measure the drift on these photos instead of those\nof the calibration", 0, 0},
        {"labels", 0, OPTION_TEXT, &options.labels, "FILE.csv",
         "labels of the photos that are measured on (columns\npath, label); default: their folders", 0, 0},
        {"glob", 0, OPTION_TEXT, &options.glob, "PATTERN", "names of photos; default '*.jpg'", 0, 0},
        {"layer", 0, OPTION_TEXT, &options.layer, "NAME", "the features, where the file does not say it", 0,
         0},
        {"profile", 0, OPTION_TEXT, &options.profile, "NAME", "for a model that carries none", 0, 0},
        {"no-equalise", 0, OPTION_FLAG, &options.no_equalise, NULL,
         "leave channels as they are; to see what that costs", 0, 0},
        {"no-clip", 0, OPTION_FLAG, &options.no_clip, NULL, "ranges from least to greatest; likewise", 0, 0},
        {"no-correct", 0, OPTION_FLAG, &options.no_correct, NULL, "biases as they are; likewise", 0, 0},
        OPTION_ROW_THREADS(&threads),
        {"overwrite", 0, OPTION_FLAG, &options.overwrite, NULL,
         "replace FILE.onnx (it stays until the new one is\ncomplete)", 0, 0},
        OPTION_ROW_TIER(&tier),
        OPTION_ROW_JSON(&json),
        OPTION_ROW_QUIET(&quiet),
        {0}};
    const struct command command = {.name = "quantize",
                                    .usage = "[MODEL.onnx] --calibrate SRC --out FILE.onnx [options]",
                                    .summary =
                                        "Makes an int8 network of an fp32 one, with photos as examples.",
                                    .details = details,
                                    .options = table,
                                    .operands = operands,
                                    .operand_min = 0,
                                    .operand_max = 1};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    if (!options.calibrate || !options.out) {
        fprintf(stderr, "pomona quantize: %s is needed (see pomona quantize --help)\n",
                options.out ? "--calibrate SRC" : "--out FILE.onnx");
        return 1;
    }
    options.model = operands[0];
    options.places = elsewhere->places;
    options.photos = (int)photos, options.threads = (int)threads;
    return run(&options, tier, json, quiet);
}
