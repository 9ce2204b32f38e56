#include "pomona/evaluate.h"

#include "cli/commands.h"
#include "cli/features_command.h"
#include "cli/options.h"

#include <stdio.h>
#include <unistd.h>

static void print_share(const char *name, const struct pomona_evaluate_share *share) {
    if (share->high <= 0) { /* nothing to take a share of */
        printf("%-9s no photos are left\n", name);
        return;
    }
    printf("%-9s %.1f %% (95 %% interval %.1f to %.1f)\n", name, 100 * share->value, 100 * share->low,
           100 * share->high);
}

static void print_rejection(const struct pomona_evaluate_result *r) {
    char unknown[32];
    printf("rejects   %.1f %% of the judged photos, %.1f %% of %s unknown ones; area under the curve %.3f "
           "(%.3f to %.3f)\n",
           100 * (double)r->rejected / (double)r->judged, 100 * r->unknown_rejected,
           format_count(r->unknown, unknown), r->auroc.value, r->auroc.low, r->auroc.high);
}

static void print_text(const struct pomona_evaluate_options *options,
                       const struct pomona_evaluate_result *r) {
    char photos[32], judged[32];
    printf("judged    %s of %s photos\n", format_count(r->judged, judged), format_count(r->photos, photos));
    print_share("top-1", &r->top1);
    print_share("top-5", &r->top5);
    if (r->coarse_top1.high > 0) {
        print_share("coarse", &r->coarse_top1);
        print_share("coarse 5", &r->coarse_top5);
    }
    printf("certainty calibration error (ECE) %.3f, before the temperature %.3f; log-loss %.3f\n", r->ece,
           r->ece_before, r->log_loss);
    if (r->has_rejection) print_rejection(r);
    if (options->train) {
        printf("leaks     %lld near-duplicates of photos that were learnt from, %lld groups on both sides\n",
               (long long)r->duplicates, (long long)r->shared_groups);
        print_share("without", &r->clean_top1);
    }
    if (r->failed) printf("errors    %lld photos could not be read (see the report)\n", (long long)r->failed);
    if (r->unseen)
        printf("note      %lld photos have a label that the classifier does not know\n",
               (long long)r->unseen);
    if (r->unlabelled)
        printf("note      %lld photos have no label and were left out\n", (long long)r->unlabelled);
    char out[4096];
    printf("look at   %s/report.html\n", elsewhere_words(options->out, out, sizeof out));
}

static void print_json_share(const char *name, const struct pomona_evaluate_share *share) {
    printf("  \"%s\": {\"value\": %.17g, \"low\": %.17g, \"high\": %.17g},\n", name, share->value, share->low,
           share->high);
}

static void print_json(const struct pomona_evaluate_options *options,
                       const struct pomona_evaluate_result *r) {
    printf("{\n  \"photos\": %lld,\n  \"failed\": %lld,\n  \"judged\": %lld,\n  \"unseen\": %lld,\n  "
           "\"unlabelled\": %lld,\n"
           "  \"unknown\": %lld,\n  \"rejected\": %lld,\n  \"coarse_only\": %lld,\n",
           (long long)r->photos, (long long)r->failed, (long long)r->judged, (long long)r->unseen,
           (long long)r->unlabelled, (long long)r->unknown, (long long)r->rejected,
           (long long)r->coarse_only);
    print_json_share("top1", &r->top1);
    print_json_share("top5", &r->top5);
    print_json_share("coarse_top1", &r->coarse_top1);
    print_json_share("coarse_top5", &r->coarse_top5);
    if (r->has_rejection) {
        print_json_share("auroc", &r->auroc);
        printf("  \"unknown_rejected\": %.17g,\n", r->unknown_rejected);
    }
    if (options->train) {
        print_json_share("top1_without_leaks", &r->clean_top1);
        printf("  \"duplicates\": %lld,\n  \"shared_groups\": %lld,\n", (long long)r->duplicates,
               (long long)r->shared_groups);
    }
    printf("  \"macro_recall\": %.17g,\n  \"log_loss\": %.17g,\n  \"brier\": %.17g,\n  \"ece\": %.17g,\n"
           "  \"ece_before_temperature\": %.17g,\n  \"seconds\": %.6f\n}\n",
           r->macro_recall, r->log_loss, r->brier, r->ece, r->ece_before, r->seconds);
}

static int run(struct pomona_evaluate_options *options, const char *tier, bool json, bool quiet) {
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_evaluate_result result = {0};
    struct progress_line line = {.terminal = isatty(STDERR_FILENO)};
    pomona_status status = open_context(tier, &context, &error);
    if (status == POMONA_OK) {
        catch_signals();
        options->should_stop = was_signalled;
        if (!quiet) options->progress = features_show_progress, options->user = &line;
        status = pomona_evaluate_run(context, options, &result, &error);
        features_end_progress(&line);
    }
    pomona_context_free(&context);
    bool done = status == POMONA_OK || status == POMONA_E_ERROR_ROWS;
    if (done && json)
        print_json(options, &result);
    else if (done && !quiet)
        print_text(options, &result);
    return status == POMONA_OK ? 0 : report_error(status, &error);
}

static const char details[] = "Writes report.html (with the worst confusions as photos), confusion.png, "
                              "reliability.png, rejection.png (and .svg),\n"
                              "evaluation.json, predictions.csv, per_class.csv and confusion.csv. Photos "
                              "whose label the classifier does not know, and those\n"
                              "of --unknown, are what \"none of my classes\" is tried on.\n\n"
                              "Examples:\n"
                              "  pomona evaluate --model fruit.onnx test --out judged\n"
                              "  pomona evaluate --model fruit.onnx test/Results --train train --group "
                              "'bowl_([0-9]+)' --unknown streets --out judged\n";

int command_evaluate(struct elsewhere *elsewhere, int argc, char **argv) {
    struct pomona_evaluate_options options = {0};
    int64_t threads = 0;
    bool json = false, quiet = false;
    const char *tier = NULL;
    const struct option table[] = {
        {"out", 'o', OPTION_TEXT, &options.out, "DIR", "folder for the results", 0, 0},
        {"model", 'm', OPTION_TEXT, &options.model, "MODEL.onnx", "a classifier; default: the embedded one",
         0, 0},
        {"head", 0, OPTION_TEXT, &options.head, "FILE.onnx",
         "a head-only file in place of the model's own head", 0, 0},
        {"precision", 0, OPTION_TEXT, &options.precision, "auto|fp32|int8",
         "insist on what the network computes in; what the head\nwas trained with, or an error", 0, 0},
        {"decode", 0, OPTION_TEXT, &options.decode, "exact|scaled",
         "insist on how photos are decoded; what the head was\ntrained with, or an error", 0, 0},
        {"labels", 0, OPTION_TEXT, &options.labels, "FILE.csv",
         "columns path, label; default: folders' names", 0, 0},
        {"glob", 0, OPTION_TEXT, &options.glob, "PATTERN", "of photos' names; default *.jpg", 0, 0},
        {"unknown", 0, OPTION_TEXT, &options.unknown, "SRC", "photos or features of none of the classes", 0,
         0},
        {"train", 0, OPTION_TEXT, &options.train, "FEATURES",
         "what the classifier has learnt from: near-duplicates\nof it are counted, and accuracy is told "
         "without them",
         0, 0},
        {"group", 0, OPTION_TEXT, &options.group, "REGEX",
         "photos whose paths give the same text should not be\nin --train and SRC both", 0, 0},
        {"similarity", 0, OPTION_NUMBER, &options.similarity, "X",
         "from which on photos are near-duplicates; default 0.95", 1e-3, 1},
        OPTION_ROW_REPORT_LANGUAGE(&options.language),
        {"max-errors", 0, OPTION_INTEGER, &options.max_errors, "N",
         "exit code 3 when more photos can't be read; default\n0, -1: any number", -1, 9007199254740991.0},
        OPTION_ROW_THREADS(&threads),
        {"overwrite", 0, OPTION_FLAG, &options.overwrite, NULL, "replace the evaluation in DIR", 0, 0},
        OPTION_ROW_TIER(&tier),
        OPTION_ROW_JSON(&json),
        OPTION_ROW_QUIET(&quiet),
        {0}};
    const struct command command = {.name = "evaluate",
                                    .usage = "SRC|FEATURES --out DIR [options]",
                                    .summary =
                                        "Judges a classifier on labelled photos, or on their features.",
                                    .details = details,
                                    .options = table,
                                    .operands = &options.source,
                                    .operand_min = 1,
                                    .operand_max = 1};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    if (!options.out) {
        fputs("pomona evaluate: --out DIR is needed (see pomona evaluate --help)\n", stderr);
        return 1;
    }
    options.threads = (int)threads;
    options.places = elsewhere->places;
    return run(&options, tier, json, quiet);
}
